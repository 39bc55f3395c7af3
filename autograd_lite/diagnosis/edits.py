"""Small edits of an expression: what a person changes in a wrong formula until it is right.

One table serves every language. It works on `Expr`, a plain tree; an adapter reads a language into
it and writes it back, as `python_source` does for Python. An adapter is two functions:

- `read(text) -> Expr`, in which each node has one of the `KINDS` below. What the language has and
  this table does not is `other`: it is walked through, and never edited itself. `origin` is the
  adapter's own, and tells it how an unchanged node was written.
- `write(expr) -> str`, for trees that were read and for those that edits make. Edits make nodes
  without an origin; they keep the origin of a node of which they change the children or the label.

`edits(expr, scope)` then yields every single edit, what is most often the mistake first. Whoever
asks tries each `Edit.result`, and shows the `words` of the one that is right.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

KINDS = {
    "name": "a variable; label: as it is written (`x`, `self.W`, `Z^{[l]}`)",
    "number": "label: an int, a float or a Fraction",
    "add": "a + b; likewise subtract, multiply (elementwise or by a scalar), divide, power",
    "matmul": "a @ b, the matrix product",
    "negative": "−a",
    "transpose": "the transpose of a",
    "compare": "a > b; label: one of < > <= >= == !=",
    "call": "a function of the children; label: its name, then the names of the last arguments",
    "index": "a[i, j, …]: the array, then the indices; likewise W_ij",
    "slice": "i:j:k inside an index; what is left out is `nothing`",
    "tuple": "a, b, …",
    "assign": "a target and what it is set to; label: = += -= *= /=",
    "constant": "what is never edited: a string, True, None; label: its value",
    "nothing": "what is left out of a slice",
    "other": "all else",
}
BINARY = ("add", "subtract", "multiply", "divide", "power", "matmul")
_PASSES_SIGN = ("multiply", "divide", "matmul", "negative", "transpose")


@dataclass(frozen=True)
class Expr:
    """A node of an expression; `KINDS` says which there are, and what their labels mean."""

    kind: str
    children: tuple[Expr, ...] = ()
    label: Any = None
    origin: Any = field(default=None, compare=False, repr=False)

    def parts(self) -> Iterator[Expr]:
        """The node itself, and all below it."""
        yield self
        for child in self.children:
            yield from child.parts()


@dataclass(frozen=True)
class Scope:
    """What an edit may use.

    names: the variables in reach. counts: numbers of the problem, such as that of the samples.
    pieces: expressions that stand elsewhere in the same text (an edit puts in a copy). alike: the
    variables that may stand for another one, by shape. dimensions: of the value of an expression,
    None where it is not known. write: the language's own text of an expression.
    """

    write: Callable[[Expr], str]
    names: Sequence[Expr] = ()
    counts: Sequence[Expr] = ()
    pieces: Sequence[Expr] = ()
    alike: Callable[[Expr], Sequence[Expr]] = lambda name: ()
    dimensions: Callable[[Expr], int | None] = lambda expr: None


@dataclass(frozen=True)
class Edit:
    """One edit: its kind, what it mends in words, the whole expression after it.

    rank: 1 for a slip in what is written; 2 for what is missing, a name or number in reach;
    3 for a missing expression; 4 for a missing factor made of two, or a power. path: the place, as
    the number of the child at each level.
    """

    kind: str
    words: str
    result: Expr
    rank: int
    path: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Site:
    """A node, those above it (the root first), and its path. role: what its value is used for:
    `value`, `index`, or `static` (an axis, a shape)."""

    node: Expr
    above: tuple[Expr, ...]
    path: tuple[int, ...]
    role: str

    @property
    def parent(self) -> Expr:
        return self.above[-1] if self.above else Expr("other")

    @property
    def is_whole(self) -> bool:
        """Whether no product goes on around it: a factor put in here is put into the product."""
        return self.parent.kind not in _PASSES_SIGN

    @property
    def is_result(self) -> bool:
        """Whether it is a bare name that is returned, or handed on in a tuple: nobody writes more
        than the name there."""
        assigned = len(self.above) > 1 and self.above[-2].kind == "assign"
        handed = (self.within("tuple") and not assigned) or self.parent.label == "return"
        return handed and self.node.kind in ("name", "number")

    @property
    def is_target(self) -> bool:
        """Whether it is, or is in, what is assigned to (an index of it is not)."""
        root = self.above[0] if self.above else self.node
        last = len(root.children) - 1
        assigned = root.kind == "assign" and (not self.path or self.path[0] < last)
        return assigned and self.role == "value"

    def within(self, kind: str) -> bool:
        return self.parent.kind == kind


_OF_TARGETS = ("accumulated", "target", "order")
_Found = Iterator[tuple[Expr, str]]
_Rule = Callable[[_Site, Scope], _Found]
_TABLE: list[tuple[str, int, str, _Rule]] = []


def _edit(kind: str, rank: int = 1, role: str = "value") -> Callable[[_Rule], _Rule]:
    """Enter a row of the table: from a node (in this role) to what may stand there, in words."""

    def enter(rule: _Rule) -> _Rule:
        _TABLE.append((kind, rank, role, rule))
        return rule

    return enter


def edits(
    expr: Expr, scope: Scope, role: str = "value", ranks: Sequence[int] = (1, 2, 3, 4)
) -> Iterator[Edit]:
    """Every single edit of an expression, rank after rank, each result once.

    role: what the expression's value is used for; `index` for what a loop runs over.

    >>> x, dout = Expr("name", label="x"), Expr("name", label="dout")
    >>> scope = Scope(write=lambda e: e.label or e.kind)
    >>> found = [e for e in edits(Expr("multiply", (x, dout)), scope) if e.kind == "product"]
    >>> found[1].result == Expr("matmul", (Expr("transpose", (x,)), dout)), found[1].words
    (True, 'the matrix product belongs there, not *')
    """
    seen = {expr}
    sites = list(_sites(expr, (), (), role))
    for rank in ranks:
        for (kind, its_rank, its_role, rule), site in itertools.product(_TABLE, sites):
            if its_rank != rank or its_role != site.role:
                continue
            if site.is_target and kind not in _OF_TARGETS:
                continue
            for new, words in rule(site, scope):
                result = put(expr, site.path, new)
                if result not in seen:
                    seen.add(result)
                    yield Edit(kind, words, result, rank, site.path)


def put(expr: Expr, path: tuple[int, ...], new: Expr) -> Expr:
    """The expression with another one at a path."""
    if not path:
        return new
    k, *rest = path
    children = list(expr.children)
    children[k] = put(children[k], tuple(rest), new)
    return replace(expr, children=tuple(children))


_SHAPES = ("reshape", "transpose", "zeros", "ones", "empty", "full", "range", "arange", "axis")


def _sites(
    node: Expr, above: tuple[Expr, ...], path: tuple[int, ...], role: str
) -> Iterator[_Site]:
    if node.kind not in ("constant", "nothing"):
        yield _Site(node, above, path, role)
    for k, child in enumerate(node.children):
        inner = role
        if role == "value" and _is_index(node, k):
            inner = "index"
        elif role == "value" and node.kind == "call" and _is_static(node, k):
            inner = "static"
        yield from _sites(child, (*above, node), (*path, k), inner)


def _is_index(node: Expr, k: int) -> bool:
    return (node.kind == "index" and k > 0) or node.kind == "slice"


def _is_static(call: Expr, k: int) -> bool:
    """Whether an argument is a setting: given by keyword, or a shape."""
    function, *keywords = call.label
    keyword = k >= len(call.children) - len(keywords)
    return keyword or (k > 0 and function in _SHAPES) or function in ("zeros", "ones", "range")


def _n(value: int | Fraction) -> Expr:
    if value < 0:
        return Expr("negative", (_n(-value),))
    return Expr("number", label=int(value) if value == int(value) else value)


def _is_number(node: Expr, value: Any = None) -> bool:
    return node.kind == "number" and (value is None or node.label == value)


def _is_array(node: Expr) -> bool:
    return node.kind not in ("number", "constant", "nothing", "tuple", "assign", "slice", "other")


# A slip in what is written


_TURNED = {"add": "subtract", "subtract": "add"}
_SHOWN = {"add": "+", "subtract": "−", "multiply": "*", "divide": "/", "matmul": "@"}


@_edit("sign")
def _sign(site: _Site, scope: Scope) -> _Found:
    node = site.node
    if node.kind == "negative":
        yield node.children[0], f"the minus before {scope.write(node.children[0])} is too much"
    if node.kind in _TURNED:
        turned = _TURNED[node.kind]
        words = f"{_SHOWN[turned]} belongs before {scope.write(node.children[1])}"
        yield Expr(turned, node.children), words
        if node.kind == "subtract":
            yield Expr(node.kind, node.children[::-1]), "the difference is the other way round"
    if not site.is_result:
        yield from _with_minus(site, scope)


@_edit("sign", rank=3)
def _sign_of_result(site: _Site, scope: Scope) -> _Found:
    if site.is_result:
        yield from _with_minus(site, scope)


def _with_minus(site: _Site, scope: Scope) -> _Found:
    node = site.node
    if site.is_whole and _is_array(node) and site.parent.kind != "add" and node.kind != "negative":
        yield Expr("negative", (node,)), f"the minus before {scope.write(node)} is missing"


@_edit("operation")
def _operation(site: _Site, scope: Scope) -> _Found:
    turned = {"multiply": ("divide",), "divide": ("multiply",), "matmul": ("multiply",)}
    turned |= {"add": ("multiply",), "subtract": ("multiply",)}
    for kind in turned.get(site.node.kind, ()):
        yield (
            Expr(kind, site.node.children),
            f"{_SHOWN[kind]} belongs there, not {_SHOWN[site.node.kind]}",
        )


_REDUCTIONS = ("sum", "mean", "max", "min", "prod", "std", "var", "argmax", "argmin", "norm")


@_edit("axis")
def _axis(site: _Site, scope: Scope) -> _Found:
    """Another axis, several, all, or one where all were taken; keepdims put or left out."""
    node = site.node
    if node.kind != "call" or node.label[0] not in (*_REDUCTIONS, "concatenate", "stack"):
        return
    name, *keywords = node.label
    first = node.children[: len(node.children) - len(keywords)][:1]
    given = dict(zip(keywords, node.children[len(node.children) - len(keywords) :], strict=True))
    if len(node.children) - len(keywords) == 2:
        given["axis"] = node.children[1]
    kept = {"keepdims": Expr("constant", label=True)}
    ndim = scope.dimensions(first[0]) if first else None
    several = range(2 if ndim is None else ndim)
    axes = [(k,) for k in several] + [a for n in (2, 3) for a in itertools.combinations(several, n)]
    options = [_n(a[0]) if len(a) == 1 else Expr("tuple", tuple(map(_n, a))) for a in axes]
    for axis in (given.get("axis"), *options, None):
        for more in ({}, kept):
            new = {key: e for key, e in given.items() if key not in ("axis", "keepdims")}
            new |= ({} if axis is None else {"axis": axis}) | more
            words = f"{name} is over the wrong axis" if axis != given.get("axis") else "keepdims"
            if words == "keepdims":
                words = f"{name} must {'' if more else 'not '}keep the axis (keepdims)"
            yield Expr("call", (*first, *new.values()), (name, *new), node.origin), words


@_edit("transpose")
def _flip(site: _Site, scope: Scope) -> _Found:
    node = site.node
    if node.kind == "transpose":
        yield node.children[0], f"{scope.write(node.children[0])} must not be transposed"
    elif node.kind in ("name", "index", "call", "matmul", "multiply"):
        known = scope.dimensions(node)
        if not site.within("transpose") and (known is None or known >= 2):
            yield _t(node), f"{scope.write(node)} must be transposed"


@_edit("product")
def _product(site: _Site, scope: Scope) -> _Found:
    """`@` for `*`, its operands in either order, with the transposes that they may need."""
    if site.node.kind not in ("multiply", "matmul"):
        return
    a, b = site.node.children
    if _is_number(a) or _is_number(b):
        return
    words = "the matrix product belongs there, not *"
    if site.node.kind == "matmul":
        words = "the operands of the matrix product are transposed or in the wrong order"
    for x, y in ((a, b), (b, a)):
        for left, right in ((x, y), (_t(x), y), (x, _t(y)), (_t(x), _t(y))):
            yield Expr("matmul", (left, right)), words


def _t(node: Expr) -> Expr:
    return node.children[0] if node.kind == "transpose" else Expr("transpose", (node,))


_MULTIPLIES = ("multiply", "matmul")


@_edit("number")
def _other_number(site: _Site, scope: Scope) -> _Found:
    if site.node.kind != "number" or isinstance(site.node.label, complex):
        return
    value = Fraction(site.node.label)
    others = [2 * value, value / 2, value + 1, value - 1, 1 / value if value else value]
    exponent = site.parent.kind in ("divide", "power") and site.path[-1] == 1
    without = exponent or site.parent.kind in _MULTIPLIES
    for other in others:
        new = _n(other)
        if (other == 1 and without) or (site.within("divide") and new in site.parent.children):
            continue  # that it is left out is found as `too much`
        yield new, f"{scope.write(new)} belongs there, not {scope.write(site.node)}"


@_edit("too much")
def _too_much(site: _Site, scope: Scope) -> _Found:
    """A factor, a term, a power or a function left out."""
    node = site.node
    word = {"multiply": "factor", "matmul": "factor", "add": "term", "subtract": "term"}
    if node.kind in word:
        a, b = node.children
        yield a, f"the {word[node.kind]} {scope.write(b)} is too much"
        if node.kind != "subtract":
            yield b, f"the {word[node.kind]} {scope.write(a)} is too much"
    elif node.kind == "divide" and not (
        _is_number(node.children[0], 1) and site.parent.kind in _MULTIPLIES
    ):
        yield node.children[0], f"the division by {scope.write(node.children[1])} is too much"
    elif node.kind == "power":
        yield node.children[0], f"{scope.write(node.children[0])} itself belongs there, no power"
    elif node.kind == "call" and node.children:
        yield node.children[0], f"{node.label[0]} is too much"
    elif node.kind == "compare":
        yield node.children[0], f"the comparison with {scope.write(node.children[1])} is too much"


@_edit("power")
def _power(site: _Site, scope: Scope) -> _Found:
    node = site.node
    if node.kind in ("name", "index", "call") and site.parent.kind != "power":
        yield Expr("power", (node, _n(2))), f"{scope.write(node)} must be squared"
        root = Expr("power", (node, _n(Fraction(1, 2))))
        yield root, f"the square root of {scope.write(node)} belongs there"
    if node.kind == "power":
        base, exponent = node.children
        yield Expr("power", (base, Expr("negative", (exponent,)))), "the exponent must be negative"


_COMPARED: dict[str, tuple[str, ...]] = {
    ">": ("<", ">="),
    "<": (">", "<="),
    ">=": (">", "<="),
    "<=": ("<", ">="),
}
_COMPARED |= {"==": ("!=",), "!=": ("==",)}


@_edit("mask")
def _comparison(site: _Site, scope: Scope) -> _Found:
    if site.node.kind == "compare":
        for other in _COMPARED.get(site.node.label, ()):
            new = Expr("compare", site.node.children, other)
            yield new, f"{other} belongs there, not {site.node.label}"


@_edit("setting")
def _other_setting(site: _Site, scope: Scope) -> _Found:
    """True for False in the arguments of a call."""
    node = site.node
    for k, child in enumerate(node.children if node.kind == "call" else ()):
        if child.kind == "constant" and isinstance(child.label, bool):
            new = Expr("constant", label=not child.label)
            yield put(node, (k,), new), f"{new.label} belongs there, not {child.label}"


# Functions that are taken for each other, as for its derivative or its inverse.
_MISTAKEN_FUNCTIONS: tuple[tuple[str, ...], ...] = (
    ("exp", "log"),
    ("sin", "cos"),
    ("sum", "mean"),
    ("var", "std"),
    ("max", "min", "sum"),
    ("maximum", "minimum"),
    ("argmax", "argmin"),
    ("sqrt", "square"),
    ("tanh", "cosh"),
    ("zeros_like", "ones_like"),
    ("zeros", "ones"),
)


@_edit("function")
def _other_function(site: _Site, scope: Scope) -> _Found:
    node = site.node
    if node.kind != "call":
        return
    name, *keywords = node.label
    for group in _MISTAKEN_FUNCTIONS:
        for other in group if name in group else ():
            new = replace(node, label=(other, *keywords))
            yield new, f"{other} belongs there, not {name}"


@_edit("order")
def _order(site: _Site, scope: Scope) -> _Found:
    """Two arguments, indices, or operands of a division in the other order."""
    node = site.node
    if node.kind in ("divide", "power"):
        yield Expr(node.kind, node.children[::-1]), "the operands are in the wrong order"
    if node.kind in ("index", "call"):
        keywords = len(node.label) - 1 if node.kind == "call" else 0
        last = len(node.children) - keywords
        for i, j in itertools.combinations(range(node.kind == "index", last), 2):
            children = list(node.children)
            children[i], children[j] = children[j], children[i]
            word = {"index": "indices", "call": "arguments"}[node.kind]
            yield replace(node, children=tuple(children)), f"two {word} are in the wrong order"


@_edit("axis", role="static")
def _static(site: _Site, scope: Scope) -> _Found:
    """Another number or another order of axes in a setting."""
    node = site.node
    if node.kind == "tuple" and len(node.children) <= 4:
        for order in itertools.permutations(node.children):
            yield replace(node, children=order), "the axes are in the wrong order"
    if node.kind in ("number", "name", "index", "add", "subtract"):
        yield from _shifted(node, scope)
    if node.kind == "name":
        yield from _other_name(site, scope)


@_edit("order")
def _axes(site: _Site, scope: Scope) -> _Found:
    """`x.transpose(0, 2, 1)`: any order of the axes."""
    node = site.node
    if node.kind == "call" and node.label[0] in ("transpose", "reshape") and len(node.label) == 1:
        first, *rest = node.children
        if 2 <= len(rest) <= 6:
            for order in itertools.islice(itertools.permutations(rest), 120):
                new = replace(node, children=(first, *order))
                yield new, "the axes are in the wrong order"


@_edit("index", role="index")
def _other_index(site: _Site, scope: Scope) -> _Found:
    """One more or one less; another name; two in the other order."""
    node = site.node
    if node.kind in ("number", "name", "index", "add", "subtract"):
        yield from _shifted(node, scope)
    if node.kind == "name":
        yield from _other_name(site, scope)
    if node.kind == "tuple" and len(node.children) == 2:
        yield replace(node, children=node.children[::-1]), "two indices are in the wrong order"
    if node.kind == "slice":
        for k, child in enumerate(node.children):
            if child.kind != "nothing":
                yield put(node, (k,), Expr("nothing")), f"{scope.write(child)} is too much"
    yield from _operation(site, scope)


def _shifted(node: Expr, scope: Scope) -> _Found:
    if node.kind in ("add", "subtract"):
        a, b = node.children
        for new in (a, b, Expr(_TURNED[node.kind], (a, b))):
            yield new, f"{scope.write(new)} belongs there, not {scope.write(node)}"
        return
    for by in (1, -1):
        if node.kind == "number" and isinstance(node.label, int):
            new = _n(node.label + by)
        else:
            new = Expr("add" if by > 0 else "subtract", (node, _n(1)))
        yield new, f"{scope.write(new)} belongs there, not {scope.write(node)}"


@_edit("accumulated")
def _accumulated(site: _Site, scope: Scope) -> _Found:
    node = site.node
    if node.kind != "assign":
        return
    others = {"=": ("+=", "-="), "+=": ("=", "-="), "-=": ("+=", "=")}
    others |= {"*=": ("/=", "="), "/=": ("*=", "=")}
    for other in others.get(node.label, ()):
        target = scope.write(node.children[0])
        words = f"{target} is {'added up' if other == '+=' else 'set'} here: {other}, not "
        yield replace(node, label=other), words + node.label


# What is missing: a name or a number in reach


@_edit("name", rank=2)
def _other_name(site: _Site, scope: Scope) -> _Found:
    node = site.node
    if node.kind == "name":
        for other in scope.alike(node):
            if other != node:
                yield other, f"{scope.write(other)} belongs there, not {scope.write(node)}"


@_edit("target", rank=2)
def _target(site: _Site, scope: Scope) -> _Found:
    """The result put under another name."""
    node = site.node
    if node.kind != "assign" or node.children[0].kind not in ("name", "index"):
        return
    path = (0,) if node.children[0].kind == "name" else (0, 0)
    name = node.children[0].children[0] if len(path) > 1 else node.children[0]
    for other in scope.alike(name) if name.kind == "name" else ():
        yield put(node, path, other), f"this is {scope.write(other)}, not {scope.write(name)}"


def _with_factor(site: _Site, scope: Scope, factors: Iterator[Expr] | Sequence[Expr]) -> _Found:
    node = site.node
    edited = _is_array(node) or node.kind == "number"
    if site.is_result:
        return
    if not (edited and (site.is_whole or site.within("matmul"))):
        return
    for factor in factors:
        said = scope.write(factor)
        if factor != node:
            yield Expr("multiply", (node, factor)), f"the factor {said} is missing"
            if not (_is_number(factor) or factor.kind == "compare"):
                yield Expr("divide", (node, factor)), f"the division by {said} is missing"


def _with_term(site: _Site, scope: Scope, terms: Sequence[Expr]) -> _Found:
    node = site.node
    if not _is_array(node) or site.parent.kind in ("add", "subtract", "negative"):
        return
    if node.kind == "negative" or site.is_result:
        return
    for term in terms:
        said = scope.write(term)
        if term != node:
            yield Expr("add", (node, term)), f"the term {said} is missing"
            yield Expr("subtract", (node, term)), f"the term −{said} is missing"
            if node.kind not in ("add", "subtract") and not site.within("assign"):
                yield Expr("subtract", (term, node)), f"{said} minus this is meant"


_USUAL = (_n(2), _n(Fraction(1, 2)))


@_edit("order", rank=2)
def _order_of_parts(site: _Site, scope: Scope) -> _Found:
    """Two parts of a tuple in the other order: two results, or what they are called."""
    if site.node.kind == "tuple":
        for i, j in itertools.combinations(range(len(site.node.children)), 2):
            children = list(site.node.children)
            children[i], children[j] = children[j], children[i]
            said = " and ".join(map(scope.write, (children[j], children[i])))
            yield replace(site.node, children=tuple(children)), f"{said} are exchanged"


@_edit("factor", rank=2)
def _factor(site: _Site, scope: Scope) -> _Found:
    yield from _with_factor(site, scope, [*_USUAL, *scope.names, *scope.counts])


@_edit("term", rank=2)
def _term(site: _Site, scope: Scope) -> _Found:
    yield from _with_term(site, scope, [_n(1), *scope.names])


@_edit("indexed", rank=2)
def _indexed(site: _Site, scope: Scope) -> _Found:
    """An array where an element, row or step of it is meant: indexed as others here are."""
    node = site.node
    if node.kind == "name" and not site.within("index"):
        seen = {p.children[1:] for p in scope.pieces if p.kind == "index"}
        for indices in seen:
            new = Expr("index", (node, *indices))
            yield new, f"{scope.write(new)} belongs there, not {scope.write(node)}"


# What is missing: an expression


@_edit("name", rank=3)
def _name_of_other_shape(site: _Site, scope: Scope) -> _Found:
    if site.node.kind == "name":
        for other in scope.names:
            if other != site.node:
                yield other, f"{scope.write(other)} belongs there, not {scope.write(site.node)}"


@_edit("factor", rank=3)
def _piece_as_factor(site: _Site, scope: Scope) -> _Found:
    yield from _with_factor(site, scope, scope.pieces)
    seen = {p.children[1:] for p in scope.pieces if p.kind == "index"}
    indexed = (Expr("index", (name, *at)) for name in scope.names for at in seen)
    yield from _with_factor(site, scope, indexed)


@_edit("transpose", rank=3)
def _axes_exchanged(site: _Site, scope: Scope) -> _Found:
    """The axes of an array of three or four in another order."""
    ndim = scope.dimensions(site.node) if site.node.kind in ("name", "call", "index") else 0
    for order in itertools.permutations(range(ndim or 0)) if ndim in (3, 4) else ():
        new = Expr("call", (site.node, Expr("tuple", tuple(map(_n, order)))), ("transpose",))
        yield new, f"the axes of {scope.write(site.node)} must be in another order"


@_edit("term", rank=3)
def _piece_as_term(site: _Site, scope: Scope) -> _Found:
    yield from _with_term(site, scope, scope.pieces)


@_edit("expression", rank=3)
def _piece(site: _Site, scope: Scope) -> _Found:
    """Another expression of the same text in its place."""
    if _is_array(site.node):
        for piece in scope.pieces:
            yield piece, f"{scope.write(piece)} belongs there, not {scope.write(site.node)}"


@_edit("sum", rank=3)
def _with_sum(site: _Site, scope: Scope) -> _Found:
    node = site.node
    if not _is_array(node) or not (site.is_whole or site.within("matmul")):
        return
    ndim = scope.dimensions(node)
    options: list[Expr | None] = [_n(k) for k in range(2 if ndim is None else ndim)]
    for name, axis, kept in itertools.product(("sum", "mean"), [None, *options], (True, False)):
        settings = {} if axis is None else {"axis": axis}
        settings |= {"keepdims": Expr("constant", label=True)} if kept else {}
        new = Expr("call", (node, *settings.values()), (name, *settings))
        where = "" if axis is None else f" over axis {axis.label}"
        yield new, f"the {name}{where} of {scope.write(node)} belongs there"


def slopes_of(name: Expr) -> Iterator[Expr]:
    """What derivatives of common functions look like, in their argument or their value."""
    one, zero, two = _n(1), _n(0), _n(2)
    square = Expr("power", (name, two))
    yield Expr("compare", (name, zero), ">")
    yield Expr("subtract", (one, name))
    yield Expr("subtract", (one, square))
    yield square
    yield Expr("power", (name, _n(-1)))
    yield Expr("power", (name, _n(Fraction(1, 2))))
    yield Expr("multiply", (name, Expr("subtract", (one, name))))


@_edit("factor", rank=3)
def _usual_slope(site: _Site, scope: Scope) -> _Found:
    factors = (slope for name in scope.names for slope in slopes_of(name))
    yield from _with_factor(site, scope, factors)


@_edit("factor", rank=4)
def _made_of_two(site: _Site, scope: Scope) -> _Found:
    """`x - mean`, `2 * reg` and their like: a factor made of two that are in reach."""
    pairs = list(itertools.combinations([*scope.names, *scope.counts], 2))
    factors = [Expr("multiply", (n, name)) for n in _USUAL for name in scope.names]
    factors += [Expr("multiply", pair) for pair in pairs]
    factors += [Expr("subtract", pair) for pair in pairs]
    factors += [Expr("add", pair) for pair in pairs]
    yield from _with_factor(site, scope, factors)


@_edit("factor", rank=4)
def _power_of_piece(site: _Site, scope: Scope) -> _Found:
    """A power of an expression, as the −3/2 of a variance."""
    halves = (-2, -3, -1, 1, 4, -4, -6, 6)
    exponents = [_n(Fraction(half, 2)) for half in halves]
    for piece in (*scope.names, *scope.pieces):
        if piece.kind not in ("power", "index", "matmul"):
            powers = [Expr("power", (piece, exponent)) for exponent in exponents]
            yield from _with_factor(site, scope, powers)
            if site.node == piece:
                for power in powers:
                    yield power, f"{scope.write(power)} belongs there, not {scope.write(piece)}"
