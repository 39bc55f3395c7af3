"""What the letters of a formula are, where nothing says it: numbers, vectors, rows of a matrix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from autograd_lite.formula.evidence import ELEMENTS
from autograd_lite.formula.naming import NameParts, letter_and_step, names_in, taken_apart
from autograd_lite.formula.plan import NotePlan
from autograd_lite.formula.statements import formula
from autograd_lite.formula.syntax import (
    BigOperator,
    Bracket,
    Call,
    Name,
    Num,
    Product,
    Quotient,
    Scripted,
    Sum,
    nodes,
)
from autograd_lite.formula.tokens import FUNCTION_WORDS
from autograd_lite.formula.vocabulary import ELEMENTWISE
from autograd_lite.formula.world import COUNTS

LETTERS = "nmkpqrsd"  # for sizes without one
Shapes = Mapping[str, Sequence[str | int]]


def shapes_of_numbered(
    text: str, wrt: Sequence[str], shapes: Shapes | None
) -> dict[str, Sequence[str | int]]:
    """The shapes, with those of vectors of which a text has only w_1, w_2, …, and that are wrt."""
    found = dict(shapes or {})
    names = [x for line in text.strip().splitlines() for x in names_in(formula(line.strip()))]
    taken = {str(n) for shape in found.values() for n in shape} | {x.letter for x in names}
    free = (c for c in LETTERS if c not in taken)
    for letter in (x for x in wrt if x not in found):
        scripts = [x.indices for x in names if x.letter == letter]
        items = [s[0].items if s and s[0].kind == "_" else () for s in scripts]
        if items and all(len(x) == 1 and isinstance(x[0], Num) for x in items):
            found[letter] = (next(free),)
    return found


def numbers_in(syntax: Any) -> Iterator[str]:
    """Small letters before I, or alone below a line or under a root there, if nothing says more."""
    for node in nodes(syntax):
        parts = [node.below] if isinstance(node, Quotient) else []
        if isinstance(node, Product):
            parts = [x for sign, x in node.factors if sign == "/"]
            pairs = zip(node.factors, node.factors[1:], strict=False)
            parts += [x for (_, x), (_, y) in pairs if isinstance(y, Name) and y.text == "I"]
        for x in parts:
            if isinstance(x, Bracket) and x.kind == "√":
                (x,) = x.parts
            name = taken_apart(x)
            if name is not None and not (name.indices or name.operations):
                yield from {name.letter} - {*COUNTS} if name.letter.islower() else ()


def ends_of_sums(syntax: Any) -> list[str]:
    """The letters at which sums end: n of Σ_{i=1}^n."""
    highs = [x.high for x in nodes(syntax) if isinstance(x, BigOperator) and x.high is not None]
    return [x.text for high in highs for x in nodes(high) if isinstance(x, Name)]


def before_brackets(plan: NotePlan) -> list[str]:
    """Letters before brackets that are no functions, known ones or of the text."""
    known = {
        *FUNCTION_WORDS,
        *ELEMENTWISE,
        *(d.name.letter for d in plan.definitions if d.parameters),
    }
    bound, found = _letters_of_sums(plan), {}
    for definition in plan.definitions:
        for node in nodes(definition.meaning):
            name = taken_apart(node.function) if isinstance(node, Call) else None
            if name is None or name.letter in known:
                continue
            indices = _indices(name)
            is_sample = any(f"{name.letter.upper()}_{i}" in plan.conventions for i in indices)
            is_call = not node.spaced and taken_apart(node.arguments[0]) is not None  # φ_k(x_i)
            is_element = bool(indices) and {*indices} <= bound and not (is_sample or is_call)
            if is_element or all(s.kind == "^" and not s.mark for s in name.indices):
                found[name.letter] = True
    return list(found)


def assume_shapes(plan: NotePlan) -> None:
    """Capital letters are matrices; small ones are vectors where they are transposed or summed."""
    for definition in plan.definitions:
        for name in names_in(definition.meaning):
            if name.letter[:1].isupper():
                plan.evidence[name.letter] = "matrix"
        for node in nodes(definition.meaning):
            for name in _names_of_vectors(node):
                if not name.indices:
                    plan.evidence.setdefault(name.letter, "vector")


def _letters_of_sums(plan: NotePlan) -> set[str]:
    """The letters of indices over which something is summed; l in W_l is none."""
    parts = (x for d in plan.definitions for x in nodes(d.meaning) if isinstance(x, BigOperator))
    summed = {i.text for x in parts for i in x.indices}
    capital = (_indices(name) for name in _names_of(plan) if name.letter[:1].isupper())
    numbering = {letter for letters in capital if len(letters) == 1 for letter in letters}
    return summed & ELEMENTS | summed - numbering


def _names_of(plan: NotePlan) -> list[NameParts]:
    return [name for d in plan.definitions for name in names_in(d.meaning)]


def _indices(name: NameParts) -> list[str]:
    """The letters in the scripts of a name, as i and j of A_{i,j+1}; "" for anything else."""
    scripts = (s for s in name.indices if s.kind == "_" or s.mark)
    return [(letter_and_step(x) or ("",))[0] for s in scripts for x in s.items]


def assume_samples(plan: NotePlan, shapes: Shapes) -> dict[str, str]:
    """Where x_i is a vector, whether it is a `row` or a `column` of X; elsewhere x is a vector.

    The matrix has the capital letter, or that of the vector where the capital is another one.
    """
    bound = _letters_of_sums(plan)
    plan.elements |= bound
    for letter in bound:
        plan.families.pop(letter, None)
    parts = [node for d in plan.definitions for node in nodes(d.meaning)]
    vectors = {name.letter for x in parts for name in _names_of_vectors(x) if name.indices}
    found = {}
    for name in _names_of(plan):
        letters = _indices(name)
        if len(letters) != 1 or letters[0] not in bound:
            continue
        if name.letter not in vectors:
            plan.evidence.setdefault(name.letter, "vector")
            continue
        whole = _letter_of_matrix(name.letter, plan, shapes)
        first, second = (*shapes.get(whole, ()), "", "")[:2]
        raised = all(s.kind == "^" for s in name.indices)
        columns = raised or (second in COUNTS and first not in COUNTS)
        found[f"{whole}_{letters[0]}"] = "column" if columns else "row"
        plan.evidence[whole] = "matrix"
    plan.conventions.update(found)
    return found


def _letter_of_matrix(letter: str, plan: NotePlan, shapes: Shapes) -> str:
    """The letter of the matrix that x_1, x_2, … are the rows of."""
    capital = letter.upper()
    free = letter.isascii() and capital not in plan.mentioned and letter not in shapes
    return capital if capital in shapes or free else letter


def _names_of_vectors(node: Any) -> Iterator[NameParts]:
    """What is added or multiplied within (x − y)ᵀ, ‖x − y‖, ⟨x, y⟩, sum(x); x_i in wᵀ x_i too."""
    if isinstance(node, Scripted) and any(s.kind == "ᵀ" for s in node.scripts):
        name = taken_apart(node)
        if name is not None and name.indices:
            yield name
        elif isinstance(node.base, Bracket | Call):
            yield from _terms(node.base)
    elif isinstance(node, Bracket) and node.kind in "‖⟨":
        for part in node.parts:
            yield from _terms(part)
    elif isinstance(node, Product):
        for (_, a), (sign, b) in pairwise(node.factors):
            if sign in ("", "·", "@") and _acts_on_vectors(a):
                yield from (x for x in _terms(b) if x.indices)
    elif isinstance(node, Call):
        name = taken_apart(node.function)
        if name is not None and name.letter in ("sum", "mean", "softmax", "logsumexp", "diag"):
            yield from _terms(node.arguments[0])


def _acts_on_vectors(node: Any) -> bool:
    """Whether a factor is written as a matrix, or as a row: W, wᵀ, (x − y)ᵀ."""
    if isinstance(node, Scripted) and node.scripts[-1].kind == "ᵀ":
        return True
    return isinstance(node, Name) and node.text[:1].isupper() and node.text not in COUNTS


def _terms(node: Any) -> Iterator[NameParts]:
    name = taken_apart(node)
    if name is not None and not name.operations:
        yield name
    elif isinstance(node, Sum):
        for _, term in node.terms:
            yield from _terms(term)
    elif isinstance(node, Quotient):
        yield from _terms(node.above)
    elif isinstance(node, Product) and all(sign == "/" for sign, _ in node.factors[1:]):
        yield from _terms(node.factors[0][1])
    elif isinstance(node, Product) and all(sign in "∘⊙*" for sign, _ in node.factors[1:]):
        for _, factor in node.factors:
            yield from _terms(factor)
    elif isinstance(node, Bracket | Call):
        for part in node.parts if isinstance(node, Bracket) else node.arguments:
            yield from _terms(part)


def has_weights(plan: NotePlan) -> bool:
    """Whether softmax stands before a factor, as in softmax(S) V: its rows are weights."""
    products = (
        node.factors
        for definition in plan.definitions
        for node in nodes(definition.meaning)
        if isinstance(node, Product)
    )
    return any(_is_softmax(x) for factors in products for _, x in factors[:-1])


def _is_softmax(node: Any) -> bool:
    name = taken_apart(node.function) if isinstance(node, Call) else None
    return name is not None and name.letter == "softmax"
