"""Sizes and values drawn for a note, on which its claims are judged, and what becomes of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.tree import Apply, Derivative, Expression, Number
from autograd_lite.formula.elaboration import Elaborator, Env
from autograd_lite.formula.indexing import COMPARISONS
from autograd_lite.formula.naming import names_in
from autograd_lite.formula.plan import NoteClaim, NotePlan, raised_shape, shape_of
from autograd_lite.formula.shapes import (
    NotConforming,
    Size,
    is_number,
    joined,
    matrix_shape,
    settled,
    written_shape,
)
from autograd_lite.formula.syntax import (
    Chain,
    Differentiation,
    Name,
    Num,
    Scripted,
    Sum,
    nodes,
    words,
)
from autograd_lite.formula.tokens import FormulaError
from autograd_lite.formula.vocabulary import Drawn, identity_matrix
from autograd_lite.formula.world import (
    Ambiguous,
    Outside,
    SizeDrawing,
    Undefined,
    Unfit,
    World,
)

TOLERANCE = 1e-8  # of two sides, relative to the largest component
PATTERNS = (
    "different",
    "different",
    "equal",
    "pairs",
    *(f"one {n}" for n in range(1, 7)),
    "different",
    "different",
)
_DEPTHS = (3, 2, 2, 3, 2, 3, 1, 4, 2, 3, 4, 2)
HOLDS, WRONG, MISFIT, UNDEFINED, AMBIGUOUS = (
    "holds", "wrong", "does not conform", "undefined", "ambiguous",
)  # fmt: skip


@dataclass
class Outcome:
    """What became of a claim in the drawings: how often right, wrong, not conforming, and why."""

    right: int = 0
    wrong: int = 0
    misfit: int = 0
    why: str = ""
    undefined: str = ""
    ambiguous: str = ""
    unread: FormulaError | None = None
    remarks: dict[str, None] = field(default_factory=dict)
    skipped: str = ""
    outside: int = 0  # how often a drawing has no element that is meant, or gives no value
    reading: dict[str, str] = field(default_factory=dict)  # where it is not the usual one
    error: float | None = None  # the largest difference
    size: float = 0.0  # the largest number on either side

    @property
    def empty(self) -> bool:
        """Whether both sides were 0 wherever they had values."""
        return self.error is not None and self.size < 1e-12

    @property
    def failed(self) -> bool:
        """Whether it does not hold somewhere."""
        return bool(self.wrong or self.misfit or self.undefined or self.ambiguous)

    @property
    def verdict(self) -> str:
        if self.ambiguous:
            return AMBIGUOUS
        if self.undefined:
            return UNDEFINED
        if self.wrong:
            return WRONG
        if self.misfit:
            return MISFIT
        return HOLDS if self.right > self.outside else UNDEFINED

    @property
    def tried(self) -> str:
        """How often what was found, in words."""
        counts = {"right": self.right, "wrong": self.wrong, "nonconforming": self.misfit}
        found = "; ".join(f"{n} {kind}" for kind, n in counts.items() if n)
        said = (
            self.ambiguous or self.undefined or self.why
            if not self.right + self.wrong
            else self.why
        )
        example = f", such as {said}" if said and self.misfit else f": {said}" if said else ""
        return f"of {sum(counts.values())}: {found}{example}" if found else said


class Drawings:
    """The worlds on which the claims of a note are judged."""

    def __init__(self, plan: NotePlan, rng: int, **options: str) -> None:
        self.plan, self.rng, self.options = plan, rng, options
        self.problems: dict[str, FormulaError] = {}  # definitions that do not fit
        self.worlds = [self.world(n, p) for n, p in enumerate(PATTERNS)]

    def world(self, n: int, pattern: str, positive: bool = False) -> World:
        rng = np.random.default_rng([self.rng, n, positive])
        world = World(
            self.plan,
            SizeDrawing(_DEPTHS[n], 1 + _DEPTHS[n] % 4, pattern, rng),
            Elaborator,
            **self.options,
        )
        world.positive = positive
        for definition in self.plan.definitions:
            if definition.parameters:
                continue
            try:
                world.elaborator.instances(definition)
            except (Outside, IndexError):  # the ends of a family, an element that there is not
                continue
            except FormulaError as error:
                self.problems.setdefault(error.said, error)
            except (NotConforming, Undefined, Ambiguous) as error:
                statement = definition.statement
                place = f"{statement.line}"
                said = FormulaError(str(error), statement.passage.source, statement.start)
                said.undefined = not isinstance(error, NotConforming | Unfit)
                self.problems.setdefault(place, said)
        world.close()
        return world

    def outcome(self, claim: NoteClaim, **reading: str) -> Outcome:
        """Judge a claim on every world; reading: what is not read as usual."""
        found = Outcome(reading=reading)
        for n, world in enumerate(self.worlds):
            for _ in range(3):
                with world.elaborator.reading(**reading):
                    again = self._on(world, claim, found)
                if not again:
                    break
                world = self.worlds[n] = self.world(n, PATTERNS[n], True)
            if found.unread or found.ambiguous:
                break
        return found

    @cached_property
    def symmetric(self) -> Drawings:
        """The same, with all square matrices symmetric."""
        return self.other(square="symmetric")

    @property
    def leave_functions_open(self) -> bool:
        """Whether a function was drawn that may be any of the usual ones."""
        drawn = (f for f in self.worlds[0].functions.values() if isinstance(f, Drawn))
        return not all(f.scalar for f in drawn)

    @cached_property
    def usual_functions(self) -> dict[str, Drawings]:
        """The same, with the functions that the note leaves open as those that it may mean."""
        return {f: self.other(open_functions=f) for f in ("tanh", "σ")}

    def other(self, **options: str) -> Drawings:
        """The same, drawn with other options."""
        return Drawings(self.plan, self.rng, **{**self.options, **options})

    def square_letters(self, claim: NoteClaim) -> list[str]:
        """The letters of a claim that are drawn, and are square whatever the sizes are."""
        used = {name.letter for name in names_in(claim.chain)}
        return [e.symbol.label for e in self.worlds[0].by_number
                if e.symbol.label in used and self.worlds[0].is_square(e)]  # fmt: skip

    def holds(self, claim: NoteClaim, **reading: str) -> bool:
        """Whether a claim holds on every world; the first one that it fails on decides."""
        held = False
        for world in self.worlds:
            found = Outcome()
            try:
                with world.elaborator.reading(**reading):
                    again = self._on(world, claim, found, every=False)
            except (ArithmeticError, AttributeError, KeyError, TypeError):
                return False
            judged = found.right or found.wrong or found.misfit or found.outside
            none = not (judged or found.undefined or found.ambiguous)  # no such layer here
            if again or found.unread is not None or not (none or found.verdict == HOLDS):
                return False
            held = held or not none
        return held

    def _on(self, world: World, claim: NoteClaim, found: Outcome, every: bool = True) -> bool:
        """Judge on one world; whether a value was not finite, so that it must be drawn again.

        every: whether to go on, for other layers, after one for which the claim does not hold.
        """
        before = found.right, found.wrong, found.misfit
        try:
            chosen = list(instances(world, claim))
        except FormulaError as error:  # a range that is none
            found.unread = error
            return False
        for letters in chosen:
            try:
                left, right = elaborated(world, claim, letters)
                difference, size = compared(world, left, right, claim.relation)
                found.size = max(found.size, size)
            except NotConforming as error:
                found.misfit += 1
                found.why = found.why or str(error)
            except Outside as error:
                found.skipped = str(error)
            except Undefined as error:
                found.undefined = found.undefined or str(error)
            except Ambiguous as error:
                found.ambiguous = str(error)
            except FormulaError as error:
                found.unread = error
            except (IndexError, ValueError, ArithmeticError, TypeError) as error:
                found.outside += 1
                found.skipped = str(error).partition("\n")[0]
            else:
                if difference is None:
                    found.right, found.wrong, found.misfit = before
                    return True
                found.error = max(found.error or 0.0, difference)
                if difference <= (rounding(claim) or TOLERANCE):
                    found.right += 1
                elif what := world.left_open(left, right, rounding(claim) > 0):
                    found.undefined = f"it depends on what {what}, which the note leaves open"
                else:
                    found.wrong += 1
            if found.failed and not every:
                break
        if world is self.worlds[0]:
            found.remarks |= world.elaborator.remarks
        world.elaborator.remarks.clear()
        return False


def rounding(claim: NoteClaim) -> float:
    """Half a unit of the last decimal, where the right side is numbers alone and rounded."""
    if any(isinstance(n, Name) for n in nodes(claim.right)):
        return 0.0
    source = claim.statement.passage.source.text
    written = [source[n.start : n.end] for n in nodes(claim.right) if isinstance(n, Num)]
    decimals = [len(text.partition(".")[2]) for text in written if "." in text]
    return 0.51 * 10.0 ** -max(decimals) if decimals else 0.0


def instances(world: World, claim: NoteClaim) -> Iterator[dict[str, int]]:
    """The numbers of layers for which a claim stands."""
    world.source = claim.statement.passage.source
    for chosen in world.ranges(numbering(world.plan, claim), claim.statement):
        if all(_condition(world, c, chosen) for c in claim.statement.conditions):
            yield chosen


def numbering(plan: NotePlan, claim: NoteClaim) -> list[str]:
    """The letters of a claim that number its names and are bound by no sum in it."""
    known = [index for index in claim.indices if index[2] in plan.families]
    return sorted({x for name, kind, x in known if kind == "^" or plan.numbered_below(name)})


def _condition(world: World, chain: Chain, letters: dict[str, int]) -> bool:
    values = [world.number(x, letters) for x in chain.parts]
    for a, b, relation in zip(values, values[1:], chain.relations, strict=False):
        if a is None or b is None:
            continue
        if relation not in COMPARISONS:
            raise world.elaborator.error(
                "a condition beside a claim is a comparison, as l ≠ 1", chain
            )
        if not COMPARISONS[relation](a, b):
            return False
    return True


def elaborated(
    world: World, claim: NoteClaim, letters: dict[str, int]
) -> tuple[Expression, Expression]:
    """Both sides of a claim with numbers for sizes."""
    left, right = sides(world, claim, letters)
    return settled(left), settled(right)


def sides(world: World, claim: NoteClaim, letters: dict[str, int]) -> tuple[Expression, Expression]:
    """Both sides of a claim; NotConforming where their shapes differ."""
    read: Elaborator = world.elaborator
    env = Env(dict(letters))
    world.source = claim.statement.passage.source
    world.closed = False
    for letter in read.varying(claim.left, claim.right, env):  # f′(z) = …, for each number z
        env.parameters[letter] = world.number_called(letter)
    left = read(claim.left, env)
    counts: list[Any] = [index.count for index in env.axes.values()]
    ranges = {count.root for count in counts if isinstance(count, Size)}
    if any(size.root not in ranges for size in world.open):
        world.close()  # the right side decides how far an index goes, and nothing else
    world.closed = True
    if claim.relation == "∈":
        return left, _of_shape(world, claim, left, letters)
    alone = derivatives_alone(claim.right)
    by_step = read.terms == "step" or words(claim.left) in alone
    with read.reading(step=alone if by_step else ()):
        right = read(claim.right, env)
    if right == Number(Fraction(1)) and _is_jacobian(left):
        read.remark("1 is read as the unit matrix")
        right = Apply(identity_matrix, (), left.shape, {"shape": left.shape})
    _agree(left, right, claim.relation)
    for chain in claim.statement.conditions:
        if all(isinstance(x, Name) and x.text in env.axes for x in chain.parts):
            holds = read.condition(chain, env)
            left, right = read.scaled(holds, left), read.scaled(holds, right)
    world.close()
    return left, right


def derivatives_alone(side: Any) -> list[Any]:
    """The terms of a sum that are a derivative and nothing else, in words."""
    terms = side.terms if isinstance(side, Sum) else ()
    return [words(x) for sign, x in terms if sign > 0 and isinstance(x, Differentiation)]


def _of_shape(
    world: World, claim: NoteClaim, left: Expression, letters: dict[str, int]
) -> Expression:
    """The left side itself, if it has the shape that is claimed."""
    source = claim.statement.passage.source
    right = claim.right
    sizes = raised_shape(right, source) if isinstance(right, Scripted) else shape_of(right)
    wanted = world.shape(sizes or (), letters, claim.statement)
    a = matrix_shape(left)
    if not (joined(a[0], wanted[0]) and joined(a[1], wanted[1])):
        turned = joined(a[0], wanted[1]) and joined(a[1], wanted[0])
        more = ": that is the shape of its transpose" if turned else ""
        raise NotConforming(f"it is {written_shape(a)}, not {written_shape(wanted)}{more}")
    return left


def _is_jacobian(e: Expression) -> bool:
    """Whether this is the derivative of a vector by one of its length."""
    if not (isinstance(e, Derivative) and e.at == (None, None) and len(e.shape) == 2):
        return False
    return not (is_number(e.of) or is_number(e.wrt)) and joined(*matrix_shape(e))


def _agree(left: Expression, right: Expression, relation: str) -> None:
    """Raise NotConforming where two sides cannot be equal; a number that is written fits all."""
    if isinstance(right, Number) and (right.value in (0, 1) or relation != "="):
        return
    if len(left.shape) == 4 or len(right.shape) == 4:
        if len(left.shape) == 4 > len(right.shape):  # ∂z/∂W = xᵀ, by a convention
            raise Undefined("how a derivative with four indices is made a matrix is left open")
        if len(left.shape) != len(right.shape):
            raise NotConforming("the two sides have different numbers of indices")
        return
    a, b = matrix_shape(left), matrix_shape(right)
    if is_number(left) != is_number(right) and {d.root.value for d in (*a, *b)} == {1}:
        return  # a vector of one component
    fits = is_number(left) == is_number(right)
    if not (fits and joined(a[0], b[0]) and joined(a[1], b[1])):
        raise NotConforming(f"{written_shape(a)} on the left, {written_shape(b)} on the right")


def components(world: World, e: Expression) -> NDArray[np.float64]:
    """The value of an expression with numbers for sizes, on one world."""
    value = evaluate(e, world.value)
    return np.asarray(getattr(value, "data", value), dtype=float)


def compared(
    world: World, left: Expression, right: Expression, relation: str
) -> tuple[float | None, float]:
    """How far the sides are apart, relative to the larger, and how large they are.

    None for the difference where a side is not finite.
    """
    with np.errstate(all="ignore"):
        a, b = components(world, left), components(world, right)
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None, 0.0
    if relation in ("<", ">", "≤", "≥"):
        return (0.0 if COMPARISONS[relation](a, b).all() else 1.0), 1.0
    if a.shape != b.shape:
        a, b = np.broadcast_arrays(*_aligned(a, b, left, right))
    apart = float(np.max(np.abs(a - b), initial=0.0))
    scale = max(np.max(np.abs(a), initial=0.0), np.max(np.abs(b), initial=0.0))
    return (min(apart, apart / scale) if scale > 1e-12 else 0.0), scale


def _aligned(a: Any, b: Any, left: Expression, right: Expression) -> tuple[Any, Any]:
    if not left.shape and right.shape and a.ndim:
        a = a[..., None, None]
    if not right.shape and left.shape and b.ndim:
        b = b[..., None, None]
    return a, b
