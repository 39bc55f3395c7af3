"""What a training leaves: the record of its epochs, or the error that says where it diverged."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass, field, fields
from typing import Any

from autograd_lite import files


@dataclass(repr=False)
class History:
    """The record of a training. Each list has one entry for each whole epoch, or is empty.

    `loss` is the cost J and `metric` the accuracy (None for a loss that is not for classes): means
    over the epoch's batches, each measured before its own step. `rate` is the learning rate.
    `validation_loss`, `validation_metric` and `metrics`, by name, are measured after the epoch.
    `best` is the number of the epoch with the least loss, whose parameters early stopping keeps.
    `interrupted` says that Ctrl-C ended training, `stopped` that a callback or patience did,
    `compiled` that the steps were compiled: faster, with the same numbers.

    >>> History(loss=[0.69, 0.7], metric=[None, None])
    History(2 epochs: loss 0.69 → 0.7, did not learn)
    """

    loss: list[float] = field(default_factory=list)
    metric: list[float | None] = field(default_factory=list)
    interrupted: bool = False
    compiled: bool = field(default=False, compare=False)
    rate: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_metric: list[float | None] = field(default_factory=list)
    metrics: dict[str, list[Any]] = field(default_factory=dict)
    best: int | None = None
    stopped: bool = False

    @property
    def learned(self) -> bool | None:
        """True if J ended lower than it began; None after fewer than two epochs.

        J does not fall if the rate is far too large or too small, or if no gradient gets through:
        all units of a relu layer are off, or the outputs are saturated.
        """
        return None if len(self.loss) < 2 else self.loss[-1] < self.loss[0]

    def __repr__(self) -> str:
        epochs = f"{len(self.loss)} epochs" + (", interrupted" if self.interrupted else "")
        if not self.loss:
            return f"History({epochs})"
        shown = f"loss {self.loss[0]:.4g} → {self.loss[-1]:.4g}"
        if self.metric and self.metric[-1] is not None:
            shown += f", metric {self.metric[0]:.4g} → {self.metric[-1]:.4g}"
        if self.validation_loss:
            shown += f", validation loss {self.validation_loss[-1]:.4g}"
        if self.best is not None:
            shown += f", best epoch {self.best}"
        return f"History({epochs}: {shown}{', did not learn' * (self.learned is False)})"

    def columns(self) -> dict[str, list[Any]]:
        """Everything that was measured, by name, with one entry for each epoch.

        >>> History(loss=[0.7, 0.6], metric=[None, None], metrics={"f1": [0.1, 0.2]}).columns()
        {'epoch': [1, 2], 'loss': [0.7, 0.6], 'f1': [0.1, 0.2]}
        """
        lists = {f.name: getattr(self, f.name) for f in fields(self)}
        found = {name: kept for name, kept in lists.items() if isinstance(kept, list)}
        measured = {n: kept for n, kept in found.items() if any(x is not None for x in kept)}
        return {"epoch": list(range(1, len(self.loss) + 1))} | measured | self.metrics

    def cut(self, epochs: int) -> None:
        """Forget what was recorded after this many epochs."""
        for kept in [*vars(self).values(), *self.metrics.values()]:
            if isinstance(kept, list):
                del kept[epochs:]

    def to_csv(self, path: str | os.PathLike[str]) -> None:
        """Write `columns` to a comma-separated file, whole or not at all. Raises OSError."""
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(self.columns())
        lines.writerows(zip(*self.columns().values(), strict=True))
        files.write(path, text.getvalue().encode())

    def plot(self, ax: Any = None) -> Any:
        """Draw loss and accuracy by epoch: `nn.plots.history(self, ax)` (extra `plot`)."""
        from nn import plots

        return plots.history(self, ax)


class Diverged(FloatingPointError):
    """Training met nan or infinity.

    `epoch`, `layer` (None for J) and `tensor` say where first; `history` holds the epochs before.
    The network keeps the parameters of the last step after which all were finite.
    """

    def __init__(
        self, epoch: int, layer: int | None, tensor: str, value: Any, history: History
    ) -> None:
        where = "" if layer is None else f"layer {layer}, "
        super().__init__(
            f"epoch {epoch}: {where}{tensor} is the first that is not finite (it holds {value}). "
            "A smaller rate, or standardized features, may help"
        )
        self.epoch, self.layer, self.tensor, self.history = epoch, layer, tensor, history
