"""A tiny reverse-mode autodiff engine on NumPy.

A `Tensor` records the operations on it, and the chain rule runs over the record in reverse.
NumPy's own functions work on Tensors.
"""

from __future__ import annotations

import importlib
from typing import Any

from autograd_lite.errors import GradientError, TracingError
from autograd_lite.functions import (
    differentiable,
    log_softmax,
    logsumexp,
    relu,
    sigmoid,
    softmax,
    softplus,
)
from autograd_lite.tensor import Tensor, is_tracing, no_grad
from autograd_lite.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from autograd_lite.walk import gradients

_LATER = {
    "guard": "tracing",
    "derive": "derivation",
    "draw": "drawing",
    "tape": "printing",
    "check_gradients": "checking",
    "compare": "comparison",
    "compile": "compiling",
}

__all__ = [
    "GradientError",
    "Tensor",
    "TracingError",
    "differentiable",
    "grad",
    "gradients",
    "hessian",
    "hvp",
    "is_tracing",
    "jacobian",
    "jvp",
    "log_softmax",
    "logsumexp",
    "no_grad",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "value_and_grad",
    "vjp",
    *_LATER,
]


def __getattr__(name: str) -> Any:
    """Load what most programs do not need only when it is asked for."""
    if name not in _LATER:
        raise AttributeError(f"module 'autograd_lite' has no attribute {name!r}")
    return getattr(importlib.import_module(f"autograd_lite.{_LATER[name]}"), name)


def __dir__() -> list[str]:
    return __all__
