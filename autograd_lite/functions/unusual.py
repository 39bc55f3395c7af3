"""What a Tensor does where no rule is called.

`tensor` asks here for three things: a ufunc with options or by one of its methods (np.ufunc), an
attribute of arrays that Tensor does not define (np.ndarray), and the error where NumPy or SciPy
would make an array of a Tensor (np.asarray).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from autograd_lite import errors
from autograd_lite.functions.forms import cast, handles, in_place
from autograd_lite.tensor import (
    HANDLERS,
    Tensor,
    call_handler,
    constant,
    handler_of,
    is_tracing,
    no_rule,
    put_into,
)

# Ufuncs

# What the options of a ufunc are without being given.
_DEFAULTS = {"where": True, "dtype": None, "casting": "same_kind", "order": "K", "subok": True}


@handles(np.ufunc)
def _unusual_call(ufunc: np.ufunc, method: str, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """A ufunc without a rule, with options, or by a method: reduce, outer, accumulate, reduceat."""
    if ufunc.__name__ == "clip":  # array.clip(t, u) calls a ufunc that NumPy has no name for
        return np.clip(*inputs, **kwargs)
    name = _name_of(ufunc) + (f".{method}" if method != "__call__" else "")
    if kwargs.get("out") is not None:
        return _with_out(ufunc, method, inputs, kwargs, name)
    if method == "outer" and not kwargs:
        a, b = map(constant, inputs)  # numbers too: here NumPy makes float64 of 1.0
        return ufunc(a.reshape(a.shape + (1,) * b.ndim), b)
    handler = handler_of(ufunc if method == "__call__" else getattr(ufunc, method))
    if handler is None and (method != "__call__" or not kwargs):
        raise no_rule(name)
    if handler and method != "__call__":
        return call_handler(handler, lambda: name, inputs, kwargs)
    if handler and ufunc.signature:
        return Tensor.__array_function__(inputs[0], ufunc, (), inputs, kwargs)
    options = {k: v for k, v in kwargs.items() if v is not _DEFAULTS.get(k, kwargs)}
    if options.keys() <= {"dtype"}:
        return _in_dtype(ufunc, inputs, **options)
    instead = f": write np.where(mask, {name}(...), otherwise)" if "where" in options else ""
    raise TypeError(f"{name} on a Tensor does not take {', '.join(options)}={instead}")


def _with_out(ufunc: np.ufunc, method: str, inputs: Any, kwargs: dict[str, Any], name: str) -> Any:
    """The ufunc with out=: Tensors are assigned to."""
    out = kwargs["out"]
    if kwargs.keys() != {"out"} or not all(type(t) is Tensor for t in out):
        raise in_place(
            f"{name}(..., out=)",
            f"`c = {name}(...)`, `a = a + t` for `a += t`, and for where=mask "
            f"`c = np.where(mask, {name}(...), c)`",
        )
    y = (ufunc if method == "__call__" else getattr(ufunc, method))(*inputs)
    results = y if isinstance(y, tuple) else (y,)
    made = [put_into(r, t, name) for r, t in zip(results, out, strict=True)]
    return tuple(made) if isinstance(y, tuple) else made[0]


def _in_dtype(ufunc: np.ufunc, inputs: Any, dtype: Any = None) -> Any:
    """The ufunc computed in a float dtype, as NumPy does it: with inputs cast to it."""
    if dtype is None:
        return ufunc(*inputs)
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        y = ufunc(*[cast(constant(x), dtype) for x in inputs])
        if getattr(y, "dtype", dtype) == dtype:
            return y
    raise TypeError(f"{_name_of(ufunc)} on a Tensor does not take dtype={dtype}")


def _name_of(ufunc: np.ufunc) -> str:
    """`np.exp`, `scipy.special.j0`; the name alone of what stands in neither."""
    name = ufunc.__name__
    if getattr(np, name, None) is ufunc:
        return f"np.{name}"
    special = sys.modules.get("scipy.special")
    public = name.removeprefix("_").removeprefix("riemann_")  # special.zeta calls these
    return f"scipy.special.{public}" if hasattr(special, public) else name


# Attributes of arrays that a Tensor does not have

_IN_PLACE = {
    "fill": "np.full_like(t, value)",
    "partition": "t = np.partition(t, kth)",
    "put": "np.where(mask, new, t), with np.put of a mask, an array",
    "resize": "t = np.resize(t, shape)",
    "sort": "t = np.sort(t)",
}
_OF_MEMORY = (
    *("base", "byteswap", "ctypes", "flags", "getfield", "setfield", "setflags", "strides"),
    *("view", "to_device"),
)
_WINDOWS = "np.lib.stride_tricks.sliding_window_view(t, shape)[::step] for windows of t"
_INSTEAD_OF_MEMORY = {
    "view": ", or t.astype(dtype) for other numbers",
    "strides": f", or {_WINDOWS}",
}
_TAKES_VALUES = ("dump", "dumps", "tobytes", "tofile", "tolist")


@handles(np.ndarray)
def _attribute(t: Tensor, name: str) -> NoReturn:
    """An AttributeError that says what to write instead of an attribute of arrays."""
    told = f"the array method .{name}"
    if name in _IN_PLACE:
        raise AttributeError(str(in_place(told, _IN_PLACE[name])))
    if name in _OF_MEMORY:
        raise AttributeError(
            f"{told} is about how an array lies in memory, which is no part of a Tensor: write "
            f"t.data.{name}{_INSTEAD_OF_MEMORY.get(name, '')}"
        )
    if name in _TAKES_VALUES:
        if is_tracing():
            raise errors.no_value(f".{name}")
        raise AttributeError(
            f"{told} would cut the gradient: write t.data.{name}() for plain values"
        )
    raise AttributeError(str(no_rule(told)))


# Functions that are refused: what they do, and what to write

_VALUES = "gives a result whose shape depends on values"
_REFUSED = {
    "unique": f"{_VALUES}: t[np.unique(t.data, return_index=True)[1]] has the gradient",
    **dict.fromkeys(
        ("unique_all", "unique_counts", "unique_inverse", "unique_values"),
        f"{_VALUES}: t[np.unique(t.data, return_index=True)[1]] has the gradient",
    ),
    **dict.fromkeys(
        ("intersect1d", "setdiff1d", "setxor1d", "union1d"),
        f"{_VALUES}: t[np.isin(t, u)] has the gradient, and t[~np.isin(t, u)] of the others",
    ),
    "trim_zeros": f"{_VALUES}: slice it, t[a:b]",
    **dict.fromkeys(
        ("histogram", "histogram2d", "histogramdd", "histogram_bin_edges"),
        "counts, and counts have no gradient: pass t.data, or add weights up with "
        "np.bincount(np.digitize(t.data, edges), weights)",
    ),
    "polymul": "strips zeros in front: write np.convolve(p, q)",
    "polydiv": "divides by steps that depend on values: solve a linear system with np.linalg.solve",
    "polyfit": "has no rule: write np.linalg.lstsq(np.vander(x, degree + 1), y)[0]",
    "poly": "has no rule: multiply the factors, with np.convolve(p, np.stack([1.0, -t[k]]))",
    "roots": "gives complex numbers, and a Tensor holds real ones",
    "sort_complex": "gives complex numbers, and a Tensor holds real ones: write np.sort",
}


def _refuse_function(function: Callable[..., Any], told: str) -> None:
    def refusing(*_: Any, **__: Any) -> Any:
        raise TypeError(f"np.{function.__name__} of a Tensor {told}")

    HANDLERS[function] = refusing


for _name, _told in _REFUSED.items():
    if hasattr(np, _name):  # (other versions of NumPy have other names)
        _refuse_function(getattr(np, _name), _told)


# What would make an array of a Tensor

_ITSELF = "Use t.data for the array behind it, or the Tensor itself, which serves as an array does"
_OTHERWISE = (
    "Use t.data for the array behind it, or operations on the Tensor itself, as a @ t for "
    "a.dot(t); np.stack makes one Tensor of a list of them, and of what would fill an array part "
    "by part"
)
_INSTEAD = {
    "np.arange": "Write start + step * np.arange(n), or pass t.item()",
    "np.copyto": "It writes in place: write the Tensor itself, or np.where(mask, new, t)",
    "np.full": "Write np.broadcast_to(t, shape)",
    "np.full_like": "Write np.broadcast_to(t, shape)",
    "np.lib.as_strided": f"Write {_WINDOWS}",
    "np.kaiser": (
        "Write np.i0(beta * np.sqrt(1 - np.linspace(-1, 1, M) ** 2)) / np.i0(beta), or pass "
        "beta.item()"
    ),
    "np.r_": "Write np.concatenate",
    "np.c_": "Write np.column_stack",
    "scipy.special.logsumexp": "Write ag.logsumexp(t, axis)",
    "scipy.special.softmax": "Write ag.softmax(t, axis)",
    "scipy.special.log_softmax": "Write ag.log_softmax(t, axis)",
    "scipy.special.multigammaln": (
        "Write d * (d - 1) / 4 * np.log(np.pi) + sum(gammaln(a - k / 2) for k in range(d))"
    ),
    "scipy.special.polygamma": (
        "Write (-1) ** (n + 1) * math.factorial(n) * scipy.special.zeta(n + 1, t)"
    ),
    "scipy.linalg.solve_triangular": "Write np.linalg.solve(np.tril(A), b), np.triu for an upper A",
    "scipy.linalg.cho_solve": "Write np.linalg.solve(L.T, np.linalg.solve(L, b))",
    "scipy.linalg.expm": (
        "Make it an operation:\n"
        "    @ag.differentiable(lambda g, y, A:\n"
        "        expm(np.block([[A.T, g], [0 * A, A.T]]))[: len(A), len(A) :])\n"
        "    def expm(A): return scipy.linalg.expm(A)\n"
    ),
}
for _name in ("as", "asany", "ascontiguous", "asfortran"):
    _INSTEAD[f"np.{_name}array"] = _ITSELF
_INSTEAD["np.require"] = _INSTEAD["np.asarray_chkfinite"] = _ITSELF
for _name in ("solve", "inv", "det", "cholesky", "norm", "svd", "eigh", "qr", "pinv", "lstsq"):
    _INSTEAD[f"scipy.linalg.{_name}"] = f"Write np.linalg.{_name}"


@handles(np.asarray)
def _not_an_array(t: Tensor, frame: Any) -> TypeError:
    """The error where an array is made of t, on behalf of what this frame calls."""
    taker = _taker(frame)
    told = f"{taker + ': ' if taker else ''}a Tensor is not an array: "
    if t._data.dtype.kind in "biu":
        return TypeError(
            f"{told}one of {errors.described(t)} would be frozen at its values. To index an array "
            "a with it, ag.Tensor(a)[t]; t.data is the array behind it."
        )
    instead = _INSTEAD.get(taker, _OTHERWISE)
    if taker.startswith("scipy.") and taker not in _INSTEAD:
        instead = (
            "Give it a rule: @ag.differentiable(lambda g, y, x: ...) above a function that calls "
            "it, or pass t.data"
        )
    described = errors.described(t)
    return TypeError(f"{told}making one of {described} would cut the gradient. {instead}.")


@handles(np.copyto)
def _copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """`dst[...] = src` of a Tensor dst; of an array an error. (np.full calls it too.)"""
    if not isinstance(dst, Tensor):
        raise _not_an_array(src, sys._getframe(3))
    src = constant(src)
    if not np.can_cast(src.dtype, dst.dtype, casting):
        raise TypeError(f"np.copyto does not put {src.dtype} into {dst.dtype}: {casting=}")
    dst[...] = src if where is True else np.where(where, src, dst)


def _taker(frame: Any) -> str:
    """The function of NumPy or SciPy that was given a Tensor: `np.full`, `scipy.linalg.expm`."""
    maker = None
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in ("numpy", "scipy"):
        maker, frame = frame.f_locals.get("self"), frame.f_back
    for name in ("r_", "c_"):
        if maker is getattr(np, name):
            return f"np.{name}"
    function = errors.called(frame)
    module = getattr(function, "__module__", None) or ""
    public = [part for part in module.split(".") if not part.startswith("_")]
    if public[:1] not in (["numpy"], ["scipy"]):
        return ""
    path = ".".join(["np" if public[0] == "numpy" else "scipy", *public[1:2]])
    return f"{path}.{function.__name__}"
