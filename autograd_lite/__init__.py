"""A tiny reverse-mode autodiff engine on NumPy.

A `Tensor` records the operations on it, and the chain rule runs over the record in reverse.
NumPy's own functions work on Tensors.

- To record and go back: `Tensor`, `gradients`, `no_grad`
- To differentiate functions: `grad`, `value_and_grad`, `vjp`, `jvp`, `jacobian`, `hessian`, `hvp`
- To judge what was derived by hand: `compare`, `check_backward`, `check_derivation`
- To see a computation: `tape`, `draw`, `derive`, with a `Notation` of one's own
- To run it faster: `compile`, with `guard` and `is_tracing` for what looks at values
- What NumPy lacks: `relu`, `sigmoid`, `softplus`, `softmax`, `log_softmax`, `logsumexp`
- To add an operation: `differentiable`, and `check_gradients` to test it
- When something is wrong: `detect_anomalies`, `GradientError`, `TracingError`
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import warnings
from typing import TYPE_CHECKING, Any

from autograd_lite.errors import GradientError, TracingError
from autograd_lite.functions import (
    differentiable,
    log_softmax,
    logsumexp,
    softmax,
)
from autograd_lite.rules import relu, sigmoid, softplus
from autograd_lite.tensor import Tensor, is_tracing, no_grad
from autograd_lite.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp
from autograd_lite.walk import gradients

__version__ = "0.1.0"

if TYPE_CHECKING:  # what is loaded later, for type checkers
    from autograd_lite.algebra.notation import Notation
    from autograd_lite.anomalies import detect_anomalies
    from autograd_lite.compiler.compiling import compile
    from autograd_lite.compiler.tracing import guard
    from autograd_lite.derivation.deriving import derive
    from autograd_lite.diagnosis.backward import check_backward
    from autograd_lite.diagnosis.checking import check_gradients
    from autograd_lite.diagnosis.comparison import compare
    from autograd_lite.diagnosis.notes import check_derivation
    from autograd_lite.views.drawing import draw
    from autograd_lite.views.printing import tape

_LATER = {
    "Notation": "algebra.notation",
    "guard": "compiler.tracing",
    "derive": "derivation.deriving",
    "draw": "views.drawing",
    "tape": "views.printing",
    "check_backward": "diagnosis.backward",
    "check_gradients": "diagnosis.checking",
    "check_derivation": "diagnosis.notes",
    "compare": "diagnosis.comparison",
    "compile": "compiler.compiling",
    "detect_anomalies": "anomalies",
}

__all__ = [
    "GradientError",
    "Notation",
    "Tensor",
    "TracingError",
    "check_backward",
    "check_derivation",
    "check_gradients",
    "compare",
    "compile",
    "derive",
    "detect_anomalies",
    "differentiable",
    "draw",
    "grad",
    "gradients",
    "guard",
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
    "tape",
    "value_and_grad",
    "vjp",
]


if not TYPE_CHECKING:  # to them, a module with a __getattr__ has every name

    def __getattr__(name: str) -> Any:
        """Load what most programs do not need only when it is asked for."""
        if name not in _LATER:
            raise AttributeError(f"module 'autograd_lite' has no attribute {name!r}")
        globals()[name] = getattr(importlib.import_module(f"autograd_lite.{_LATER[name]}"), name)
        return globals()[name]


def __dir__() -> list[str]:
    return __all__


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext autograd_lite`: a cell that begins with `%%derivation` is a note, and checked."""

    def derivation(line: str, cell: str) -> Any:
        from autograd_lite.diagnosis.notes import check_derivation

        return check_derivation(f"\n{cell}")

    shell.register_magic_function(derivation, "cell")


def _warn_of_another_nn() -> None:
    """Say it where a module of the user's own stands in front of the package `nn`."""
    ours = os.path.join(os.path.dirname(os.path.dirname(__file__)), "nn", "__init__.py")
    try:
        found = importlib.util.find_spec("nn")
    except (ImportError, ValueError):  # a stand-in for a module, made by hand
        return
    if found is None or found.origin in (None, ours) or not os.path.exists(ours):
        return
    if not (os.path.exists(str(found.origin)) and os.path.samefile(str(found.origin), ours)):
        warnings.warn(
            f"{found.origin} hides the package nn of autograd-lite: `import nn` finds that file. "
            "Rename it to use nn.Network and what belongs to it",
            stacklevel=3,
        )


_warn_of_another_nn()
