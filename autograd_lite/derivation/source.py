"""Closed forms as Python functions: of NumPy, PyTorch or JAX, with vectors as 1-d arrays."""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from autograd_lite.algebra.matrices import diagonal_of, is_op, links, transposition
from autograd_lite.algebra.matrix_form import own_name
from autograd_lite.algebra.notation import RELATIONS
from autograd_lite.algebra.tree import (
    Apply,
    Expression,
    Number,
    Ones,
    Symbol,
    elementwise,
    factors,
    only,
    terms,
    unit_vector,
)

IMPORTS = {
    "numpy": "import numpy as np",
    "torch": "import torch",
    "jax": "import jax\nimport jax.numpy as jnp",
}
_PREFIX = {"numpy": "np", "torch": "torch", "jax": "jnp"}
ADDED, MULTIPLIED, SIGNED, CALLED, SINGLE = range(1, 6)  # how tightly Python binds
_HELPERS = {
    "sigmoid": "def sigmoid(x):\n    return 1 / (1 + np.exp(-x))\n",
    "softplus": "def softplus(x):\n    return np.logaddexp(x, 0)\n",
    "softmax": (
        "def softmax(x, axis):\n"
        "    e = np.exp(x - x.max(axis, keepdims=True))\n"
        "    return e / e.sum(axis, keepdims=True)\n"
    ),
    "log_softmax": (
        "def log_softmax(x, axis):\n"
        "    x = x - x.max(axis, keepdims=True)\n"
        "    return x - np.log(np.exp(x).sum(axis, keepdims=True))\n"
    ),
    "logsumexp": (
        "def logsumexp(x, axis):\n"
        "    most = x.max(axis, keepdims=True)\n"
        "    return np.log(np.exp(x - most).sum(axis)) + most.squeeze(axis)\n"
    ),
}
_IN_LIBRARY = {
    "torch": {name: f"torch.{name}" for name in _HELPERS} | {
        "softplus": "torch.nn.functional.softplus"
    },
    "jax": {name: f"jax.nn.{name}" for name in _HELPERS},
}  # fmt: skip
_TORCH_NAMES = {"absolute": "abs", "power": "pow", "arctan": "atan", "arcsin": "asin"}


def function_source(
    expression: Expression,
    names: Sequence[tuple[Symbol, Expression]],
    inputs: Sequence[Symbol],
    called: str,
    library: str = "numpy",
    others: Sequence[Symbol] = (),
    sizes: Mapping[str, int] | None = None,
) -> str:
    """A function of the inputs that gives the value of an expression in matrix form.

    others: letters that are inputs too if only they have a size that is needed. sizes: the numbers
    for which letters of sizes stand. Raises ValueError for another library than these three.
    """
    if library not in IMPORTS:
        raise ValueError(f"library={library!r}: there are {', '.join(IMPORTS)}")
    writer = Writer(library, inputs, others, sizes or {})
    lines = [f"{python_name(name.label)} = {writer(meaning)}" for name, meaning in names]
    lines.append(f"return {writer(expression)}")
    given = {python_name(s.label) for s in writer.more}
    sizes_first = [f"{x} = {n}" for x, n in writer.used_sizes.items() if x not in given]
    lines = [*sizes_first, *lines]
    arguments = ", ".join(python_name(s.label) for s in (*inputs, *writer.more))
    body = "".join(f"    {line}\n" for line in lines)
    helpers = "".join(f"\n\n{_HELPERS[name]}" for name in sorted(writer.helpers))
    return f"{IMPORTS[library]}\n{helpers}\n\ndef {called}({arguments}):\n{body}"


def python_name(label: str) -> str:
    """A name as Python takes it."""
    name = re.sub(r"\W", "_", label.replace("′", "_prime"))
    return f"{name}_" if keyword.iskeyword(name) or not name.isidentifier() else name


class Writer:
    """Writes expressions as Python; `helpers` are the functions that they call."""

    def __init__(
        self,
        library: str,
        inputs: Sequence[Symbol],
        others: Sequence[Symbol],
        sizes: Mapping[str, int],
    ) -> None:
        self.library, self.prefix = library, _PREFIX[library]
        self.helpers: set[str] = set()
        self.sizes, self.used_sizes = sizes, dict[str, str]()
        self.letters, self.inputs = inputs, [s for s in inputs if s.shape]
        self.others, self.more = others, list[Symbol]()

    @property
    def dtype(self) -> str:
        """The argument by which PyTorch makes an array like a letter's; the others need none."""
        arrays = [s for s in (*self.letters, *self.more) if s.kind != "size"]
        if self.library != "torch" or not arrays:
            return ""
        return f", dtype={python_name(arrays[0].label)}.dtype"

    def __call__(self, e: Expression) -> str:
        return self.write(e)[0]

    def within(self, e: Expression, least: int) -> str:
        """The code, in parentheses where it binds less tightly."""
        text, binds = self.write(e)
        return text if binds >= least else f"({text})"

    def write(self, e: Expression) -> tuple[str, int]:
        """The code, and how tightly it binds."""
        if isinstance(e, Symbol):
            if e.kind == "size":
                self.used_sizes[python_name(e.label)] = self.size(self.sizes[e.label], e)
            return python_name(e.label), SINGLE
        if isinstance(e, Number):
            return _python_constant(e.value)
        if isinstance(e, Ones):
            return self.ones(e.shape), SINGLE
        assert isinstance(e, Apply)
        if e.op in (np.add, np.subtract):
            return self.sum(e), ADDED
        if e.op in (np.multiply, np.divide, np.negative, np.square, np.power):
            return self.quotient(e)
        if e.op is np.dot:
            return self.product(links(e))
        if e.op is only:
            return self.write(e.arguments[0])
        if e.op is np.transpose:
            x = e.arguments[0]
            return self.write(x) if 1 in x.shape else (f"{self.within(x, CALLED)}.T", CALLED)
        if e.op in RELATIONS:
            sign = {"=": "==", "≠": "!=", "≥": ">=", "≤": "<="}.get(RELATIONS[e.op][0])
            a, b = (self.within(x, ADDED) for x in e.arguments)
            return f"({a} {sign or RELATIONS[e.op][0]} {b})", SINGLE
        return self.call(e), SINGLE

    def size(self, n: int, letter: Symbol | None = None) -> str:
        """Where a size is found among the inputs; a letter that is none of theirs is an input."""
        for s in (*self.inputs, *self.more, *self.others):
            for axis, length in enumerate(s.shape):
                if length == n and n > 1:
                    if s not in (*self.inputs, *self.more):
                        self.more.append(s)
                    return f"{python_name(s.label)}.shape[{axis}]"
        if letter is not None and letter not in self.more:
            self.more.append(letter)
        return str(n)

    def ones(self, shape: tuple[int, ...]) -> str:
        """Ones; a row or a column of them is a 1-d array."""
        sizes = [self.size(n) for n in shape if n > 1]
        inside = sizes[0] if len(sizes) == 1 else f"({', '.join(sizes)})"
        return f"{self.prefix}.ones({inside}{self.dtype})"

    def sum(self, e: Expression) -> str:
        """What is added and subtracted."""
        text = ""
        for sign, term in terms(e):
            coefficient, *_ = factors(term)
            if coefficient < 0:
                sign, term = -sign, elementwise(np.negative, term)
            own = self.within(term, MULTIPLIED)
            first = own if sign > 0 else f"-{own}"
            text += (" + " if sign > 0 else " - ") + own if text else first
        return text

    def quotient(self, e: Apply) -> tuple[str, int]:
        """What is multiplied and divided: numbers first, then scalars, then arrays."""
        coefficient, above, below = factors(e)
        if above == [e]:
            a, b = (self.within(x, CALLED) for x in e.arguments)
            return f"{a}**{b}", SIGNED
        sign, share = ("-" if coefficient < 0 else ""), _above_and_below(abs(coefficient))
        top = [share[0]] * (share[0] != "1")
        bottom = [share[1]] * (share[1] != "1")
        top += self.powers(above, bool(top))
        bottom += self.powers(below, True)
        text = sign + " * ".join(top or ["1"])
        if bottom:
            text += f" / {bottom[0]}" if len(bottom) == 1 else f" / ({' * '.join(bottom)})"
        return text, SIGNED if len(top) == 1 and not bottom and "@" not in text else MULTIPLIED

    def powers(self, parts: list[Expression], others: bool) -> list[str]:
        """The factors, scalars first; others: whether more stand beside them."""
        counts: dict[Expression, int] = {}
        for x in sorted(parts, key=lambda x: len(x.shape)):
            counts[x] = counts.get(x, 0) + 1
        pieces = []
        for x, n in counts.items():
            if n > 1:
                pieces.append(f"{self.within(x, CALLED)}**{n}")
            else:
                pieces.append(self.within(x, SIGNED if others or pieces else MULTIPLIED))
        return pieces

    def product(self, chain: list[Expression]) -> tuple[str, int]:
        """A product: from the right where it ends in a vector, so that no matrix is multiplied."""
        for k, x in enumerate(chain[:-1]):
            if x.shape[1] == 1:
                a, b = self.product(chain[: k + 1])[0], self.product(chain[k + 1 :])[0]
                return f"{self.prefix}.outer({a}, {b})", SINGLE
        if len(chain) == 1:
            return self.write(chain[0])
        first, *_, last = chain
        if isinstance(last, Ones) and last.shape[1] == 1:
            body, binds = self.product(chain[:-1])
            body = body if binds >= CALLED else f"({body})"
            axis = "1" if len(chain[-2].shape) == 2 and first.shape[0] > 1 else ""
            return f"{body}.sum({axis})", CALLED
        if isinstance(first, Ones) and first.shape[0] == 1:
            body, binds = self.product(chain[1:])
            body = body if binds >= CALLED else f"({body})"
            return f"{body}.sum({'0' if last.shape[1] > 1 else ''})", CALLED
        plain = not any(_solves(x) or is_op(x, np.diagflat) for x in chain)
        if plain and 1 not in (first.shape[0], last.shape[1]):
            return " @ ".join(self.within(x, SIGNED) for x in chain), MULTIPLIED
        if first.shape[0] == 1:  # a row: from the left
            return self.joined(chain[:-1], [last])
        return self.joined([first], chain[1:])

    def joined(self, a: list[Expression], b: list[Expression]) -> tuple[str, int]:
        """The product of two products: a system is solved, and diag(v) multiplies by element."""
        if len(a) == 1 and _solves(a[0]):
            return self.solved(a[0], self.product(b)[0]), SINGLE
        if len(b) == 1 and _solves(b[0]) and a[0].shape[0] == 1:
            return self.solved(transposition(b[0]), self.product(a)[0]), SINGLE
        (left, binds_left), (right, binds_right) = self.product(a), self.product(b)
        left = left if binds_left >= SIGNED or len(a) > 1 else f"({left})"
        right = right if binds_right >= SIGNED else f"({right})"
        if len(a) == 1 and is_op(a[0], np.diagflat):
            v = self.within(a[0].arguments[0], CALLED)
            return f"{v}[:, None] * {right}" if b[-1].shape[1] > 1 else f"{v} * {right}", MULTIPLIED
        if len(b) == 1 and is_op(b[0], np.diagflat):
            return f"{left} * {self.within(b[0].arguments[0], SIGNED)}", MULTIPLIED
        return f"{left} @ {right}", MULTIPLIED

    def solved(self, a: Expression, b: str) -> str:
        """A⁻¹ B without the inverse."""
        inner: Any = a.arguments[0] if is_op(a, np.transpose) else a
        (x,) = inner.arguments
        matrix = self(x) if inner is a else f"{self.within(x, CALLED)}.T"
        return f"{self.prefix}.linalg.solve({matrix}, {b})"

    def call(self, e: Apply) -> str:
        """A function; ValueError for one that NumPy does not have."""
        name = own_name(e.op) or e.op.__name__
        if e.op is np.eye:
            return f"{self.prefix}.eye({self.size(e.static['N'])}{self.dtype})"
        if e.op is unit_vector:
            (k,) = e.arguments
            return f"{self.prefix}.eye({self.size(e.shape[0])}{self.dtype})[{int(k.value) - 1}]"
        inside = ", ".join(map(self, e.arguments))
        if name == "logabsdet":
            return f"{self.prefix}.linalg.slogdet({inside})[1]"
        if e.op is np.diagflat or e.op is diagonal_of:
            return f"{self.prefix}.diag({inside})"
        if e.op in (np.linalg.inv, np.linalg.det, np.linalg.norm, np.linalg.pinv):
            return f"{self.prefix}.linalg.{name}({inside})"
        if name in _HELPERS:
            return self.helper(name, inside, e)
        if "axis" in e.static:
            return self.reduced(name, inside, e)
        if self.library == "torch":
            name = _TORCH_NAMES.get(name, name)
            inside = ", ".join(
                f"torch.as_tensor({self(a)}{self.dtype})" if isinstance(a, Number) else self(a)
                for a in e.arguments
            )
        if self.library == "numpy" and not hasattr(np, name):
            raise ValueError(f"{name} is not a function of NumPy: there is no source to show")
        return f"{self.prefix}.{name}({inside})"

    def helper(self, name: str, inside: str, e: Apply) -> str:
        """A function that NumPy does not have: its definition is shown, or the library has one."""
        function = _IN_LIBRARY.get(self.library, {}).get(name, name)
        if self.library == "numpy":
            self.helpers.add(name)
        return f"{function}({inside}{self.axis(e) if 'axis' in e.static else ''})"

    def axis(self, e: Apply) -> str:
        """The argument for the axis; a vector has only one."""
        axes = e.static["axis"]
        axis = 0 if 1 in e.arguments[0].shape else axes[0]
        return f", {axis}"

    def reduced(self, name: str, inside: str, e: Apply) -> str:
        """A function along one axis, or of all elements."""
        every = e.shape in ((), (1, 1))
        ddof = ", correction=0" if self.library == "torch" and name in ("std", "var") else ""
        return f"{self.prefix}.{name}({inside}{'' if every else self.axis(e)}{ddof})"


def _solves(e: Expression) -> bool:
    inner = e.arguments[0] if is_op(e, np.transpose) else e
    return is_op(inner, np.linalg.inv)


def _python_constant(value: Any) -> tuple[str, int]:
    top, bottom = _above_and_below(value)
    if bottom != "1":
        return f"{top} / {bottom}", MULTIPLIED
    return top, SIGNED if value < 0 else SINGLE


def _above_and_below(value: Any) -> tuple[str, str]:
    """What stands above and below the line of a constant."""
    if isinstance(value, Fraction) and value.denominator <= 100_000:
        return str(value.numerator), str(value.denominator)
    return repr(float(value)), "1"
