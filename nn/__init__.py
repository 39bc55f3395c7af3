"""Feed-forward networks on the tape of `autograd_lite`: layers, losses, optimizers, training."""

from __future__ import annotations

import importlib
from typing import Any

from autograd_lite import __version__ as __version__
from nn import initialisers, layers, losses, metrics, optimizers, schedules
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

_LAZY = ("closed_form", "datasets", "documents", "plots")
_ESTIMATORS = ("Classifier", "Regressor")  # which need scikit-learn


def __getattr__(name: str) -> Any:
    """Submodules that training does not need are loaded when they are first used."""
    if name in _LAZY:
        return importlib.import_module(f"nn.{name}")
    if name in _ESTIMATORS:
        return getattr(importlib.import_module("nn.estimators"), name)
    raise AttributeError(f"module 'nn' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
