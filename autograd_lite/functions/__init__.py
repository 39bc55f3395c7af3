"""NumPy's functions on Tensors, and the functions that NumPy lacks.

Each handler brings NumPy's many ways of calling into the one form that the rules know: `axis` a
tuple of non-negative ints, `keepdims` true, one-dimensional products as two-dimensional ones.
A family is loaded when a program calls a function that has no handler yet.
"""

import functools
import importlib

from autograd_lite.functions import elementwise, products, reductions, shapes
from autograd_lite.functions.own import differentiable, log_softmax, logsumexp, softmax
from autograd_lite.tensor import LATER

__all__ = [
    "FAMILIES",
    "differentiable",
    "elementwise",
    "log_softmax",
    "logsumexp",
    "products",
    "reductions",
    "shapes",
    "softmax",
]

# They are loaded from the last on, the commonest first; SciPy only for what no other family knows.
FAMILIES: tuple[str, ...] = (
    "special",
    "fourier",
    "linear_algebra",
    "contractions",
    "piecewise",
    "statistics",
    "assignment",
    "assembly",
)
LATER.extend(
    functools.partial(importlib.import_module, f"{__name__}.{f}") for f in (*FAMILIES, "unusual")
)
