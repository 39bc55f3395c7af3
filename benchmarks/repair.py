"""How often the wrong line of a backward pass is found and repaired, and at what cost.

    python -m benchmarks.repair [--cases 200 | --all] [--rng 0] [--json FILE] [--misses 20]

On the layers and losses of `benchmarks.course`, each fault of one token (`benchmarks.faults`) is
made in a copy of the file; a sample has every kind of fault as often. A case counts as *located*
if the line that is named first is that of the fault, and as *repaired* if the file with the repair
in it is right on arguments that the search did not see. Faults after which nothing is wrong are no
cases, nor are those of a loss in the cost that it returns, or that stop it: its gradients are of
that. Those that stop a backward pass are. The seconds are those of computing, which a busy machine
changes least. Exit code 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import json
import os
import statistics
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autograd_lite.diagnosis.hand_written import HandWritten
from autograd_lite.diagnosis.repair import diagnosed
from benchmarks.course import EXAMPLES, Example
from benchmarks.faults import KINDS, Fault, faults

GOALS = {"located": 0.97, "repaired": 0.95, "seconds": 2.0}
SECONDS = 5.0  # for each search, as in check_backward


@dataclass(frozen=True)
class Outcome:
    """What became of a fault; said: the repair, or what was said of the line instead."""

    layer: str
    function: str
    kind: str
    wrong: str
    located: bool
    repaired: bool
    seconds: float
    said: str


def all_faults(only: str = "") -> list[tuple[Example, Fault]]:
    """Every fault of every example whose name contains `only`, each text once."""
    found = []
    for example in (e for e in EXAMPLES if only in e.backward):
        text = Path(example.module.__file__).read_text(encoding="utf-8")
        shapes = variables(example)
        texts = {text}
        for fault in faults(text, example.backward, shapes):
            if fault.text not in texts:
                texts.add(fault.text)
                found.append((example, fault))
    return found


def variables(example: Example) -> dict[str, Any]:
    """The shape and type of each variable of the function, at its end."""
    function, found = getattr(example.module, example.backward), {}

    def at_return(frame: Any, event: str, _: Any) -> Any:
        if event == "return":
            for name, value in frame.f_locals.items():
                if isinstance(value, np.ndarray | np.generic | int | float):
                    found[name] = np.shape(value), np.asarray(value).dtype.kind
        return at_return

    sys.settrace(lambda frame, *_: at_return if frame.f_code is function.__code__ else None)
    try:
        results(example, example.module, np.random.default_rng(1))
    finally:
        sys.settrace(None)
    return found


def results(example: Example, module: Any, rng: np.random.Generator) -> list[Any]:
    """What the function returns, flat, on arguments from rng; the forward pass is the right one."""
    args = example.draw(rng)
    function = getattr(module, example.backward)
    if example.forward:
        out, cache = getattr(example.module, example.forward)(*args)
        args = rng.normal(size=out.shape), cache
    return list(flat(function(*copy.deepcopy(args))))


def flat(value: Any) -> Iterable[Any]:
    """The arrays and numbers in tuples and dicts, those of dicts by key."""
    if isinstance(value, dict):
        return [x for key in sorted(value) for x in flat(value[key])]
    return [x for v in value for x in flat(v)] if isinstance(value, tuple) else [value]


def is_right(example: Example, module: Any, seeds: Iterable[int]) -> bool:
    """Whether a module gives what the right one gives; an error is wrong."""
    for seed in seeds:
        right = results(example, example.module, np.random.default_rng(seed))
        try:
            given = results(example, module, np.random.default_rng(seed))
        except Exception:
            return False
        if list(map(np.shape, given)) != list(map(np.shape, right)):
            return False
        if not all(np.allclose(a, b, 1e-7, 1e-10) for a, b in zip(given, right, strict=True)):
            return False
    return True


def changes_cost(example: Example, module: Any, seed: int) -> bool:
    """Whether a fault is in the cost that a loss returns: that is what its gradients are of."""
    if example.forward:
        return False
    right = results(example, example.module, np.random.default_rng(seed))
    try:
        return not np.allclose(results(example, module, np.random.default_rng(seed))[0], right[0])
    except Exception:
        return True  # it may be in either


def load(path: Path) -> Any:
    """A module from a file."""
    spec: Any = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def outcome(example: Example, fault: Fault, folder: Path, seed: int) -> Outcome | None:
    """What becomes of a fault; None if it is no case."""
    path = folder / f"wrong_{seed}.py"
    path.write_text(fault.text, encoding="utf-8")
    wrong = load(path)
    with np.errstate(all="ignore"):
        if changes_cost(example, wrong, seed) or is_right(example, wrong, [seed]):
            return None
    forward = getattr(wrong, example.forward or example.backward)
    backward = getattr(wrong, example.backward) if example.forward else None
    start = computed()
    code = HandWritten(forward, backward, example.draw(np.random.default_rng(seed)))
    first, repair = diagnosed(code, example.wrt, SECONDS, raised=True)  # some of them do
    seconds = computed() - start
    line = repair.numbers[0] if repair else first.number if first else 0
    repaired = False
    if repair:
        path = folder / f"repaired_{seed}.py"
        path.write_text(repair.source, encoding="utf-8")
        with np.errstate(all="ignore"):
            repaired = is_right(example, load(path), range(10_000 + seed, 10_005 + seed))
    said = repair or first
    return Outcome(
        example.layer,
        example.backward,
        fault.kind,
        f"{fault.lines[0]}  {fault.wrong}",
        fault.lines[0] <= line <= fault.lines[1],
        repaired,
        seconds,
        "\n".join(said.lines()) if said else "nothing",
    )


def computed() -> float:
    """Seconds of computing of this process and those that it has started: a busy machine adds
    nothing to them."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def drawn(
    everything: Sequence[tuple[Example, Fault]], cases: int, rng: np.random.Generator
) -> list[tuple[Example, Fault]]:
    """A sample, every kind of fault as often as every other, as far as there are so many."""
    order = [everything[k] for k in rng.permutation(len(everything))]
    count: Counter[str] = Counter()
    places = []
    for _, fault in order:
        count[fault.kind] += 1
        places.append(count[fault.kind])
    return [order[k] for k in np.argsort(places, kind="stable")[:cases]]


def table(outcomes: Sequence[Outcome], of: Callable[[Outcome], str]) -> None:
    """Print the shares and the seconds, by what `of` gives."""
    groups = defaultdict(list)
    for one in outcomes:
        groups[of(one)].append(one)
    for name, group in groups.items():
        located, repaired = (
            np.mean([getattr(o, k) for o in group]) for k in ("located", "repaired")
        )
        seconds = sorted(o.seconds for o in group)
        print(
            f"{name:22}{len(group):6}{located:9.1%}{repaired:9.1%}"
            f"{statistics.median(seconds):8.2f}{seconds[int(0.95 * len(seconds))]:8.2f}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", default="", help="functions whose name contains this")
    parser.add_argument("--rng", type=int, default=0)
    parser.add_argument("--json")
    parser.add_argument("--misses", type=int, default=0, help="print so many of them")
    options = parser.parse_args()
    chosen = all_faults(options.only)
    if not chosen or options.cases < 1:
        names = " ".join(example.backward for example in EXAMPLES)
        parser.error(f"no fault to make: --cases is 1 or more, --only part of one of {names}")
    if not options.all:
        chosen = drawn(chosen, options.cases, np.random.default_rng(options.rng))
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        for seed, (example, fault) in enumerate(chosen):
            if one := outcome(example, fault, Path(folder), seed):
                outcomes.append(one)
    print(f"{'':22}{'cases':>6}{'located':>9}{'repaired':>9}{'median':>8}{'95 %':>8}  (seconds)")
    order = {kind: k for k, kind in enumerate(KINDS)}
    table(sorted(outcomes, key=lambda o: order[o.kind]), lambda o: o.kind)
    table(sorted(outcomes, key=lambda o: o.layer), lambda o: o.layer)
    table(outcomes, lambda o: "all")
    misses = [o for o in outcomes if not (o.located and o.repaired)]
    for o in misses[: options.misses]:
        failed = "not repaired" if o.located else "elsewhere" if o.repaired else "not located"
        print(f"\n{o.function}, {o.kind}, {failed}, {o.seconds:.1f} s\n{o.wrong}\n{o.said}")
    if options.json:
        Path(options.json).write_text(json.dumps([asdict(o) for o in outcomes], indent=1))
    located, repaired = (
        np.mean([getattr(o, k) for o in outcomes]) for k in ("located", "repaired")
    )
    fast = statistics.median(o.seconds for o in outcomes) <= GOALS["seconds"]
    return int(not (located >= GOALS["located"] and repaired >= GOALS["repaired"] and fast))


if __name__ == "__main__":
    sys.exit(main())
