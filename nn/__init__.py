"""Feed-forward networks on the tape of `autograd_lite`: layers, losses, optimizers, training.

- A network and its forward pass: `Network`, `Forward`, of `layers`, started by `initialisers`
- Training: `fit`, with `losses`, `optimizers`, `schedules` and `metrics`, kept by a `Checkpoint`
- What came of it: `History`, `Diverged`, `evaluate`, `plots`
- Data: `datasets`
- The same under scikit-learn's protocol: `Classifier`, `Regressor`
- What is checked against the tape: `closed_form`, `documents`
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from autograd_lite import __version__ as __version__
from nn import datasets, initialisers, layers, losses, metrics, optimizers, schedules
from nn.checkpoints import Checkpoint
from nn.evaluation import evaluate
from nn.history import Diverged, History
from nn.network import Forward, Network
from nn.training import fit

__all__ = [
    "Checkpoint",
    "Classifier",
    "Diverged",
    "Forward",
    "History",
    "Network",
    "Regressor",
    "closed_form",
    "datasets",
    "documents",
    "evaluate",
    "fit",
    "initialisers",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "plots",
    "schedules",
]

if TYPE_CHECKING:  # what is loaded later, for type checkers
    from nn import closed_form, documents, plots
    from nn.estimators import Classifier, Regressor

_SUBMODULES = ("closed_form", "documents", "plots")
_ESTIMATORS = ("Classifier", "Regressor")  # which need scikit-learn

if not TYPE_CHECKING:  # to them, a module with a __getattr__ has every name

    def __getattr__(name: str) -> Any:
        """Load what training does not need when it is first used."""
        if name in _SUBMODULES:
            return importlib.import_module(f"nn.{name}")
        if name in _ESTIMATORS:
            return getattr(importlib.import_module("nn.estimators"), name)
        raise AttributeError(f"module 'nn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
