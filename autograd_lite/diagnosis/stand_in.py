"""A user's function on Tensors, unchanged, with a thin stand-in for NumPy in it.

NumPy's functions take Tensors already, but an array that `np.zeros` makes cannot be assigned one.
Here `np.zeros` and its kin make Tensors. The function, and what it calls of the user's own, is
copied with other globals: nothing of the user's is changed, and other threads may run it meanwhile.
"""

from __future__ import annotations

import builtins
import contextlib
import copy
import functools
import os
import sysconfig
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd_lite import errors
from autograd_lite.tensor import Tensor, recording
from autograd_lite.transforms import flatten


def _makes(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whose array of numbers becomes a Tensor."""

    @functools.wraps(function)
    def made(*args: Any, **kwargs: Any) -> Any:
        return _recordable(function(*args, **kwargs))

    return made


def _recordable(x: Any) -> Any:
    """An array of numbers as a Tensor, which may be assigned to; anything else as it is."""
    return Tensor(x) if isinstance(x, np.ndarray) and x.dtype.kind in "fiub" else x


@functools.wraps(np.full)
def _full(shape: Any, fill_value: Any, dtype: Any = None, **options: Any) -> Any:
    if not isinstance(fill_value, Tensor):
        return _recordable(np.full(shape, fill_value, dtype, **options))
    t = Tensor(np.zeros(shape, dtype or fill_value.dtype))
    t[...] = fill_value
    return t


def _converts(function: Callable[..., Any], copies: bool) -> Callable[..., Any]:
    """np.array and its kin: of a Tensor, or of lists with Tensors in them."""

    @functools.wraps(function)
    def converted(x: Any, dtype: Any = None, **options: Any) -> Any:
        if not any(isinstance(leaf, Tensor) for leaf in flatten(x)):
            array = function(x, dtype, **options)
            return _recordable(array) if copies and array.dtype.kind == "f" else array
        t = _stacked(x)
        t = t if dtype is None else t.astype(dtype, copy=False)
        return t.copy() if copies and t is x and options.get("copy", True) else t

    return converted


def _stacked(x: Any) -> Any:
    return np.stack([_stacked(row) for row in x]) if isinstance(x, list | tuple) else x


class _AnyArray(type(np.ndarray)):  # type: ignore[misc]
    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, np.ndarray | Tensor)


class _NdArray(np.ndarray, metaclass=_AnyArray):
    """What isinstance(x, np.ndarray) asks."""


class _AnyFloat(type):
    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, float | Tensor)


class _Float(float, metaclass=_AnyFloat):
    """`float` where a Tensor stays one; as a dtype it is float64."""

    dtype = np.dtype(float)

    def __new__(cls, x: Any = 0.0) -> Any:
        return x if isinstance(x, Tensor) else float(x)


# By the id of what stands in NumPy, what stands here in its place.
ON_TENSORS: dict[int, Any] = {
    id(f): _makes(f)
    for f in (np.zeros, np.ones, np.empty, np.zeros_like, np.ones_like, np.empty_like)
}
ON_TENSORS |= {id(np.full): _full, id(np.full_like): _makes(np.full_like)}
_array_of = _converts(np.array, copies=True)


@functools.wraps(np.copy)
def _copy(x: Any, order: Any = "K", subok: bool = False) -> Any:
    return _array_of(x, order=order, subok=subok)


ON_TENSORS |= {id(np.array): _array_of, id(np.copy): _copy}
ON_TENSORS |= {
    id(f): _converts(f, copies=False) for f in (np.asarray, np.ascontiguousarray, np.asanyarray)
}
ON_TENSORS |= {id(np.ndarray): _NdArray}


class _Joins:
    """np.r_ and np.c_, of arrays and lists with Tensors among them too."""

    def __init__(self, own: Any, shaped: Callable[[Any], Any], axis: int) -> None:
        self._own, self._shaped, self._axis = own, shaped, axis

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        if not any(isinstance(leaf, Tensor) for leaf in flatten(list(parts))):
            return _recordable(self._own[key])
        arrays = [self._own[x] if isinstance(x, slice) else _stacked(x) for x in parts]
        return np.concatenate([self._shaped(x) for x in arrays], axis=self._axis)


def _column(x: Any) -> Any:
    return np.reshape(x, (-1, 1)) if np.ndim(x) < 2 else x


ON_TENSORS |= {id(np.r_): _Joins(np.r_, np.atleast_1d, 0), id(np.c_): _Joins(np.c_, _column, -1)}
BUILTINS = {"float": _Float, "print": lambda *_, **__: None}

_NUMPY = os.path.join(os.path.dirname(os.path.abspath(np.__file__)), "")
_STANDARD = os.path.join(sysconfig.get_paths()["stdlib"], "")


def is_users(file: str | None) -> bool:
    """Whether a file of code is a user's, and not Python's, NumPy's or this package's."""
    if file is None or file.startswith("<frozen"):
        return False
    file = os.path.abspath(file)
    standard = file.startswith(_STANDARD) and "site-packages" not in file
    return not (standard or file.startswith(_NUMPY) or errors.is_own(file))


class _Module(types.ModuleType):
    """A module whose attributes are handed out as `of` makes them."""

    def __init__(self, module: types.ModuleType, of: Callable[[Any], Any]) -> None:
        super().__init__(module.__name__)
        self.__dict__.update(_module=module, _of=of)

    def __getattr__(self, name: str) -> Any:
        return self._of(getattr(self._module, name))


class StandIns:
    """Copies of a user's functions, classes and objects, in which NumPy's stand-in is used.

    `of(x)` is the copy of x, one for each x, and x itself where there is nothing to replace.
    variables: the Tensors with which they run, whose gradients a copy by `copy` keeps.
    """

    def __init__(self, variables: Sequence[Tensor] = ()) -> None:
        self.variables = variables
        self.known: dict[int, Any] = {id(f): self._copies(f) for f in (copy.copy, copy.deepcopy)}
        self.kept: list[Any] = []  # so that an id stays one object's
        self.builtins = {**vars(builtins), **BUILTINS, "__import__": self._import}

    def _copies(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def copied(*args: Any, **kwargs: Any) -> Any:
            with recording(self.variables):
                return function(*args, **kwargs)

        return copied

    def of(self, x: Any) -> Any:
        """What stands for x."""
        if id(x) in ON_TENSORS:
            return ON_TENSORS[id(x)]
        if id(x) in self.known:
            return self.known[id(x)]
        self.kept.append(x)
        self.known[id(x)] = x  # until it is known, for what refers to itself
        self.known[id(x)] = made = self._copy(x)
        return made

    def _copy(self, x: Any) -> Any:
        if isinstance(x, types.ModuleType):
            replaced = x.__name__.split(".")[0] in ("numpy", "copy")
            return _Module(x, self.of) if replaced or is_users(getattr(x, "__file__", None)) else x
        if isinstance(x, types.FunctionType):
            return self._function(x) if is_users(x.__code__.co_filename) else x
        if isinstance(x, types.MethodType):
            return types.MethodType(self.of(x.__func__), self.of(x.__self__))
        if isinstance(x, functools.partial):
            return functools.partial(self.of(x.func), *x.args, **x.keywords)
        if isinstance(x, staticmethod | classmethod):
            return type(x)(self.of(x.__func__))
        if isinstance(x, property):
            return property(*map(self.of, (x.fget, x.fset, x.fdel)))
        if type(x) in (list, tuple):
            return self._unless_same(x, type(x)(map(self.of, x)))
        if type(x) is dict:
            return self._unless_same(x, {key: self.of(value) for key, value in x.items()})
        if isinstance(x, type):
            return self._class(x) if _defined_by_user(x) else x
        return self._object(x) if _defined_by_user(type(x)) else x

    def _unless_same(self, x: Any, new: Any) -> Any:
        return x if all(a is b for a, b in zip(flatten(x), flatten(new), strict=True)) else new

    def _function(self, f: types.FunctionType) -> types.FunctionType:
        scope = self._globals(f.__globals__)
        cells = [self._cell(cell) for cell in f.__closure__ or ()]
        new = types.FunctionType(f.__code__, scope, f.__name__, None, tuple(cells))
        self.known[id(f)] = new
        new.__defaults__ = f.__defaults__ and tuple(map(self.of, f.__defaults__))
        new.__kwdefaults__ = self.of(f.__kwdefaults__)
        new.__qualname__, new.__module__, new.__doc__ = f.__qualname__, f.__module__, f.__doc__
        new.__dict__.update({key: self.of(value) for key, value in vars(f).items()})
        for name in _global_names(f.__code__):
            if name in f.__globals__:
                scope[name] = self.of(f.__globals__[name])
        return new

    def _globals(self, scope: dict[str, Any]) -> dict[str, Any]:
        if id(scope) not in self.known:
            self.kept.append(scope)
            self.known[id(scope)] = {**scope, "__builtins__": self.builtins}
        found: dict[str, Any] = self.known[id(scope)]
        return found

    def _cell(self, cell: types.CellType) -> types.CellType:
        if id(cell) not in self.known:
            self.kept.append(cell)
            self.known[id(cell)] = new = types.CellType()
            with contextlib.suppress(ValueError):  # it is empty as yet
                new.cell_contents = self.of(cell.cell_contents)
        found: types.CellType = self.known[id(cell)]
        return found

    def _class(self, cls: type) -> type:
        own = {k: v for k, v in vars(cls).items() if k not in ("__dict__", "__weakref__")}
        try:
            new = type(cls)(cls.__name__, tuple(map(self.of, cls.__bases__)), dict(own))
        except Exception:  # a metaclass of its own kind: the class stays as it is
            return cls
        self.known[id(cls)] = new
        for name, value in own.items():
            made = self.of(value)
            if made is not value:
                setattr(new, name, made)
        return new

    def _object(self, x: Any) -> Any:
        try:
            new = copy.copy(x)
            new.__class__ = self.of(type(x))
        except Exception:  # its memory is laid out in its own way
            return x
        self.known[id(x)] = new
        for name, value in vars(new).items():
            setattr(new, name, self.of(value))
        return new

    def _import(self, name: str, *rest: Any) -> Any:
        return self.of(builtins.__import__(name, *rest))


def is_users_object(x: Any) -> bool:
    """Whether x is an object, with attributes, of a class that a user wrote."""
    return hasattr(x, "__dict__") and not isinstance(x, type) and _defined_by_user(type(x))


def _defined_by_user(cls: type) -> bool:
    """Whether a class, or one that it inherits from, has functions of a user's."""
    functions = [f for c in cls.__mro__ for f in vars(c).values()]
    return any(
        is_users(f.__code__.co_filename) for f in functions if isinstance(f, types.FunctionType)
    )


def _global_names(code: types.CodeType) -> set[str]:
    """The global names that code, or what is defined in it, may use."""
    inner = [_global_names(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return set(code.co_names).union(*inner)
