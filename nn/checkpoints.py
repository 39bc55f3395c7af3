"""Checkpoints: all that a training needs to go on from the epoch where it was, to the bit.

The file is an .npz of arrays and JSON, nothing pickled, and it is replaced in one step: killed at
any moment, a training leaves its last whole checkpoint.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from autograd_lite import files
from nn.activations import shown
from nn.archive import reading
from nn.arrays import Array, checked_count
from nn.history import History
from nn.network import Network
from nn.optimizers import SETTINGS, Optimizer

_VERSION = "autograd-lite checkpoint, version 1"
# What its text holds, and of which type.
_ENTRIES = {"about": dict, "counts": dict, "rng": dict, "history": dict, "least": float}


class Checkpoint:
    """Where `fit` keeps its state, after each `every` epochs and at the end.

    If the file is there when training begins, it goes on from it: a program that was killed is
    simply run again, and may ask for more epochs. Raises OSError for a place that cannot be
    written.

    >>> import nn, pathlib, tempfile
    >>> X, Y = nn.datasets.planar(40)
    >>> def train(path, epochs):
    ...     net = nn.Network([2, 4, 1], ["tanh", "sigmoid"], rng=0)
    ...     loss, adam = nn.losses.binary_cross_entropy, nn.optimizers.Adam(0.1)
    ...     return nn.fit(net, X, Y, loss, adam, epochs, checkpoint=nn.Checkpoint(path))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "run.npz")
    ...     train(path, epochs=3).loss == train(path, epochs=5).loss[:3]
    True
    """

    def __init__(self, path: str | os.PathLike[str], every: int = 1) -> None:
        self.path, self.every = os.fspath(path), checked_count("every", every)
        files.Output(self.path)  # raises if it cannot be written


@dataclass
class State:
    """The state of a training between two epochs, apart from the samples.

    `best` holds the parameters and statistics of the epoch with the `least` loss, where early
    stopping is to keep them.
    """

    net: Network
    optimizer: Optimizer
    rng: np.random.Generator
    history: History
    least: float
    best: dict[str, Array]


def arrays_of(net: Network) -> dict[str, Array]:
    """The parameters and statistics of a network, which are never written into."""
    return {name: p.data for name, p in net.parameters().items()} | net.statistics()


def set_arrays(net: Network, arrays: dict[str, Array]) -> None:
    """Give a network the parameters and statistics among these arrays."""
    net.set_parameters({name: arrays[name] for name in net.parameters() if name in arrays})
    net.set_statistics({name: arrays[name] for name in net.statistics() if name in arrays})


def save(checkpoint: Checkpoint, state: State, about: dict[str, Any]) -> None:
    """Write the state, and what tells this training from others. Raises OSError."""
    arrays = {f"net.{name}": array for name, array in arrays_of(state.net).items()}
    arrays |= {f"best.{name}": array for name, array in state.best.items()}
    counts: dict[str, dict[str, Any]] = {}
    for name, parameter in state.net.parameters().items():
        for key, kept in state.optimizer.memory_of(parameter).items():
            if isinstance(kept, np.ndarray):
                arrays[f"memory.{name}.{key}"] = kept
            else:
                counts.setdefault(name, {})[key] = kept
    text = {
        "about": about,
        "counts": counts,
        "rng": state.rng.bit_generator.state,
        "history": asdict(state.history),
        "least": state.least,
    }
    arrays["format"] = np.array(_VERSION)
    arrays["state"] = np.array(json.dumps(text, default=_plain))
    files.write(checkpoint.path, lambda file: np.savez(file, **arrays))  # type: ignore[arg-type]


def restore(checkpoint: Checkpoint, state: State, about: dict[str, Any]) -> None:
    """Set everything in `state` to what the file has, if there is one.

    Raises ValueError, naming what differs, if it is of another training, or no checkpoint.
    """
    if not os.path.exists(checkpoint.path):
        return
    about = json.loads(json.dumps(about, default=_plain))
    with reading(checkpoint.path, "a checkpoint") as archive:
        if archive.array("format").item() != _VERSION:
            raise ValueError("its format is not this version's")
        text = json.loads(archive.array("state").item())
        for name, kind in _ENTRIES.items():
            if not isinstance(text[name], kind):
                raise ValueError(f"its entry {name} is {text[name]!r}, not a {kind.__name__}")
        arrays = {name: archive.array(name) for name in archive if "." in name}
        said, counts, rng, record, least = (text[name] for name in _ENTRIES)
        other = [name for name, value in about.items() if said.get(name) != value]
        if not other:
            _check_fit(arrays, rng, record, state)
    for name in other:
        before, now = files.excerpt(said.get(name)), files.excerpt(about[name])
        raise ValueError(
            f"{checkpoint.path} is of another training: {name} was {before}, and is {now}. Remove "
            "it to begin anew, or name another file"
        )
    set_arrays(state.net, _under("net.", arrays))
    memory = [
        (p, p.data, counts.get(name, {}) | _under(f"memory.{name}.", arrays))
        for name, p in state.net.parameters().items()
    ]
    state.optimizer.restore(memory)
    state.rng.bit_generator.state = rng
    vars(state.history).update(record)
    state.history.interrupted = False
    state.least, state.best = least, _under("best.", arrays)


def _check_fit(
    arrays: dict[str, Array], rng: dict[str, Any], record: dict[str, Any], state: State
) -> None:
    """Raise ValueError, TypeError or KeyError for what the state cannot be set to."""
    shapes = {name: array.shape for name, array in arrays_of(state.net).items()}
    for kind in ("net", "best"):
        found = {name: array.shape for name, array in _under(f"{kind}.", arrays).items()}
        if found != shapes and (found or kind == "net"):
            raise ValueError(f"it holds {kind} arrays {found}, not {shapes}")
    History(**record)
    type(state.rng.bit_generator)().state = rng


def description(
    net: Network, loss: Any, optimizer: Optimizer, samples: Iterable[Array], **options: Any
) -> dict[str, Any]:
    """What tells a training from others: its parts, its options, and a checksum of its samples."""
    checksum = 0
    for array in samples:
        checksum = zlib.crc32(np.ascontiguousarray(array).data, checksum)
    settings = {n: v for n, v in vars(optimizer).items() if n in SETTINGS | {"nesterov"}}
    return {
        "the network": shown(net),
        "the loss": shown(loss),
        "the optimizer": [type(optimizer).__name__, settings],
        **options,
        "the checksum of the samples": checksum,
    }


def _under(prefix: str, arrays: dict[str, Array]) -> dict[str, Array]:
    found = {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
    return {name: array for name, array in found.items() if "." not in name}


def _plain(value: Any) -> Any:
    """What JSON does not know of, as plain values."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"a checkpoint cannot hold {value!r} of type {type(value).__name__}")
