"""What names stand for: the note's own, those of families, and those with a meaning by custom."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from autograd_lite.algebra.tree import (
    AXES,
    Apply,
    Derivative,
    Element,
    Expression,
    Index,
    Number,
    Ones,
    Symbol,
    symbols,
    unit_vector,
)
from autograd_lite.formula.indexing import Indexing, label_letter
from autograd_lite.formula.naming import (
    Key,
    NameParts,
    digits_apart,
    letter_and_step,
    subsets,
    taken_apart,
)
from autograd_lite.formula.operations import Env
from autograd_lite.formula.plan import Definition
from autograd_lite.formula.shapes import (
    ONE,
    NotConforming,
    is_number,
    is_one,
    is_soft,
    joined,
    matrix_shape,
    written_shape,
)
from autograd_lite.formula.syntax import (
    BigOperator,
    Call,
    Name,
    Num,
    Product,
    Script,
    Scripted,
    nodes,
)
from autograd_lite.formula.vocabulary import (
    gathered,
    identity_matrix,
    side_by_side,
)
from autograd_lite.formula.world import COUNTS, Outside, Undefined


class NameReader(Indexing):
    """Finds what a name stands for."""

    def definition(self, definition: Definition, letters: dict[str, int]) -> Expression:
        """What a definition's name stands for."""
        env = Env(dict(letters))
        elements = [
            x.text for s in definition.name.indices if s.kind == "_" for x in s.items
            if isinstance(x, Name) and self.world.plan.is_element(x, definition.name.letter)
        ]  # fmt: skip
        for k, letter in enumerate(elements):
            count: Any = self.world.opened(letter)
            for r in definition.statement.ranges:
                if r.letter == letter and isinstance(r.low, Num) and r.low.value == 1:
                    count = self.world.size(r.high, letters)
            env.axes[letter] = Index(letter, k, 1, count)
        meaning = self(definition.meaning, env)
        if not elements:
            return meaning
        if isinstance(meaning, Element) and (whole := _renamed(meaning, env, elements)) is not None:
            if meaning.row is None:
                self.world.of_columns |= {definition.name.letter, label_letter(whole)}
            return whole
        for size in filter(is_soft, matrix_shape(meaning)):
            joined(size, ONE)  # an element is a number
        counts: list[Any] = [env.axes[x].count for x in elements]
        rows, columns = matrix_shape(meaning)
        if not is_number(meaning):
            if len(elements) > 1 or not is_one(columns):
                raise NotConforming(
                    f"an element is a number, and this is {written_shape((rows, columns))}"
                )
            self.world.of_columns.add(definition.name.letter)
            side: Any = (rows, counts[0])
            return Apply(side_by_side, (meaning,), side, {"shape": side}, AXES)
        shape: Any = (counts[0], counts[1] if len(counts) > 1 else ONE)
        return Apply(gathered, (meaning,), shape, {"shape": shape}, AXES)

    def known(self, key: Key, env: Env) -> Expression | None:
        if not key.low and not key.high and key.letter in env.parameters:
            return env.parameters[key.letter]
        entry = self.world.find(key)
        return None if entry is None else entry.symbol

    def resolved(self, name: NameParts, env: Env) -> tuple[Expression, tuple[Script, ...]]:
        """What a name stands for, and the scripts that are not part of it."""
        if not name.indices and (simple := self.simple(name, env)) is not None:
            return simple, ()
        name = self.label_apart(name)
        for chosen, rest in subsets(name.indices):
            key = self.world.key(name.letter, chosen, env.letters)
            e = self.known(key, env)
            if any(self._makes_another(s, name.letter, env) for s in rest):
                continue  # A is not A[0]
            if e is None or not self._may_have(e, rest, key):
                continue
            if not self._has_no_element(e, rest, env):
                return e, rest
            return self.numbered_sample(name, env) or (e, rest)
        return self.special(name, env) or self.new(name, env)

    def simple(self, name: NameParts, env: Env) -> Expression | None:
        """An index, a number of a layer, a size, or a parameter, by its letter alone."""
        letter = name.letter
        if letter in env.parameters:
            return env.parameters[letter]
        if letter in env.axes:
            return env.axes[letter]
        if letter in env.letters:
            return Number(Fraction(env.letters[letter]))
        if self.world.find(Key(letter)) is None:
            plan = self.world.plan
            known = (
                letter in self.world.sizes or letter in plan.sizes or letter in plan.size_letters
            )
            if known or self.world.depth_of(letter):
                return self.size_as_number(letter)
            if letter == "π":
                return Number(float(np.pi))
        return None

    def is_exponential(self, name: NameParts, env: Env) -> bool:
        """Whether this is e^x, and e no name of the note's."""
        raised = isinstance(name.node, Scripted) and name.node.scripts[0].kind == "^"
        return name.letter == "e" and raised and self.known(Key("e"), env) is None

    def exponential(self, node: Any, env: Env) -> Expression:
        script = node.scripts[0]
        if len(script.items) != 1:
            raise Undefined("e with several exponents")
        x = self(script.items[0], env)
        return self.with_scripts(Apply(np.exp, (x,), x.shape), node.scripts[1:], env)

    def size_as_number(self, letter: str) -> Expression:
        self.world.named_size(letter)
        return Symbol("size", letter, 0, ())

    def special(self, name: NameParts, env: Env) -> tuple[Expression, tuple[Script, ...]] | None:
        """Names with a meaning by custom: dZ, 1_m, I, e_i, δ_ij, a sample x^{(i)}, a size."""
        readers = (
            *(self.gradient_name, self.sample, self.numbered_sample),
            *(self.constant, self.small_letter, self.a_size, self.last_layer),
        )
        for reader in readers:
            found = reader(name, env)
            if found is not None:
                return found
        return None

    def gradient_name(
        self, name: NameParts, env: Env
    ) -> tuple[Expression, tuple[Script, ...]] | None:
        """dZ: the gradient of the cost by Z, or m times it where the note means that."""
        letter = name.letter
        if len(letter) < 2 or letter[0] != "d" or letter[1] in "′_":
            return None
        of = replace(name, letter=letter[1:])
        cost = self.cost(env)
        try:
            variable, rest = self.resolved(of, env)
        except Undefined:
            return None
        if not isinstance(variable, Symbol):
            return None
        shape: Any = variable.shape
        e: Expression = Derivative(cost, variable, shape)
        if self.world.gradients == "m" and self.is_intermediate(variable):
            e = Apply(np.multiply, (self.count(), e), shape)
        return e, rest

    def is_intermediate(self, variable: Symbol) -> bool:
        """Whether a name has samples along one axis, as Z, A and X have, and W has not."""
        world, axis = self.world, 0 if self.world.plan.rows else 1
        if world.by_number[variable.number].meaning is not None:
            return True
        samples = matrix_shape(variable)[axis].root
        computed = (e.symbol for e in world.by_number if e.meaning is not None)
        return not is_one(samples) and any(matrix_shape(s)[axis].root is samples for s in computed)

    def count(self) -> Expression:
        return self.size_as_number("m")

    def cost(self, env: Env) -> Expression:
        """J: as the note defines it, or a drawn function of what nothing else uses."""
        letter = self.world.plan.cost
        found = self.known(Key(letter), env)
        return self.undefined_cost(letter) if found is None else found

    def undefined_cost(self, letter: str) -> Expression:
        """What a cost that the note does not define stands for."""
        total = self.summed_loss(letter)
        return self.implicit_cost(letter) if total is None else total

    def summed_loss(self, letter: str) -> Expression | None:
        """The sum that J takes the mean of, for a loss ℒ(a, y) that is differentiated itself."""
        for definition in self.world.plan.definitions:
            for node in nodes(definition.meaning):
                if (
                    isinstance(node, BigOperator)
                    and node.kind == "Σ"
                    and isinstance(node.body, Call)
                ):
                    called = taken_apart(node.body.function)
                    if called and called.letter == letter:
                        return self(node, Env())
        return None

    def implicit_cost(self, letter: str) -> Expression:
        """A drawn function of the last names, for a note that does not say what J is."""
        world = self.world
        if Key(letter) in world.entries:
            return world.entries[Key(letter)].symbol
        for definition in world.plan.definitions:
            with suppress(Undefined):  # such as a gradient of the cost
                if not definition.parameters:
                    self.instances(definition)
        used = {
            s.number for e in world.by_number if e.meaning is not None for s in symbols(e.meaning)
        }
        ends = [
            e.symbol
            for e in world.by_number
            if e.meaning is not None and e.symbol.number not in used
        ]
        if not ends:
            raise Undefined(f"{letter} is not defined, and nothing is that it could depend on")
        total: Expression | None = None
        for end in ends:
            f = world.drawn(Key(f"{letter} of {end.label}"), True)
            x = Apply(f, (end,), ())
            total = x if total is None else Apply(np.add, (total, x), ())
        assert total is not None
        entry = world.new_entry(Key(letter), (ONE, ONE))
        entry.meaning, entry.guessed = total, len(ends) > 1
        self.remark(
            f"{letter} is not defined: it is taken for any function of "
            f"{', '.join(e.label for e in ends)}"
        )
        return entry.symbol

    def instances(self, definition: Definition) -> None:
        """Make all names of one definition."""
        letter = definition.name.letter
        scripts = [s for s in definition.name.indices if not self.world.has_elements(s, letter)]
        letters = sorted({
            step[0] for s in scripts for x in s.items
            if (step := letter_and_step(x)) and step[0] in self.world.plan.families
        })  # fmt: skip
        for values in self.world.ranges(letters, definition.statement):
            self.world.find(self.world.key(letter, scripts, values))

    def sample(self, name: NameParts, env: Env) -> tuple[Expression, tuple[Script, ...]] | None:
        """x^{(i)}: a column of X, or a row as a column where samples are rows."""
        marked = [s for s in name.indices if s.kind == "^" and s.mark == "("]
        letter = name.letter
        if len(marked) != 1 or not letter[:1].islower():
            return None
        others = tuple(s for s in name.indices if s is not marked[0])
        for chosen, rest in subsets(others):
            key = self.world.key(letter.upper(), chosen, env.letters)
            e = self.known(key, env)
            if e is not None:
                return self.column(e, marked[0], env), rest
        (item,) = marked[0].items[:1] or (None,)
        capital = letter.upper()
        said = self.world.plan.conventions.get(f"{capital}_{getattr(item, 'text', '')}")
        if not others and (said or capital in self.world.plan.mentioned):
            whole = self.undeclared_whole(Key(capital))
            return None if whole is None else (self.column(whole, marked[0], env), ())
        if not others and getattr(item, "text", "") in env.axes:
            vector = self.undeclared_whole(Key(letter))
            return None if vector is None else (self.element(vector, [item], env), ())
        return None

    def label_apart(self, name: NameParts, of: str = "") -> NameParts:
        """b_{h1} as the element 1 of b_h, which is a name of the note's; w_{hij} likewise."""
        plan = self.world.plan
        found: list[Script] = []
        for s in name.indices:
            first, *others = s.items
            text = getattr(first, "text", "")
            if not others and len(text) > 1 and plan.elements.issuperset(text[1:]):
                first, *others = (replace(first, text=x) for x in text)
            if s.kind == "_" and others and (of or name.letter, text[:1]) in plan.labels:
                found += [replace(s, items=(first,), raw=text[:1]), replace(s, items=tuple(others))]
            else:
                found.append(s)
        return replace(name, indices=tuple(found))

    def small_letter(
        self, name: NameParts, env: Env
    ) -> tuple[Expression, tuple[Script, ...]] | None:
        """w_ij of a matrix W, where w is nothing by itself."""
        plan, letter = self.world.plan, name.letter
        apart = self.label_apart(name, letter.upper())
        lowered = tuple(s for s in apart.indices if s.kind == "_")[-1:]
        own = letter in plan.wholes and self.world.find(Key(letter)) is None
        if own or not letter.islower() or letter.upper() not in plan.mentioned:
            return None
        if _count(lowered) != 2:
            return None
        rest = tuple(s for s in apart.indices if s is not lowered[0])
        whole, others = self.resolved(replace(name, letter=letter.upper(), indices=rest), env)
        return whole, (*others, *lowered)

    def numbered_sample(
        self, name: NameParts, env: Env
    ) -> tuple[Expression, tuple[Script, ...]] | None:
        """x_i: the column of X, or the row, over which i goes."""
        lowered = [s for s in name.indices if s.kind == "_"]
        if len(lowered) != 1 or len(lowered[0].items) != 1 or not name.letter[:1].islower():
            return None
        (item,) = lowered[0].items
        index = env.axes.get(getattr(item, "text", ""))
        if index is None:
            return None
        rest = tuple(s for s in name.indices if s is not lowered[0])
        key = self.world.key(name.letter.upper(), rest, env.letters)
        said = self.world.plan.conventions.get(f"{key}_{index.label}")
        whole = self.known(key, env) or (said and self.undeclared_whole(key))
        if not whole:
            return None
        rows, columns = matrix_shape(whole)
        chosen = {str(rows): "row", str(columns): "column"}.get(str(index.count), said)
        if chosen == "column":
            return self._part(whole, None, self.index(item, columns, env), rows), ()
        if chosen == "row":
            return self._part(whole, self.index(item, rows, env), None, columns), ()
        return None

    def undeclared_whole(self, key: Key) -> Symbol | None:
        """The matrix whose rows or columns a note names, where it says nothing more of it."""
        return None if self.world.closed else self.world.undeclared(key).symbol

    def _may_have(self, e: Expression, rest: tuple[Script, ...], key: Key) -> bool:
        """Whether as many indices may stand below: b_2 is no element of a number b."""
        indices = [x for s in rest if s.kind == "_" for x in s.items]
        declared = self.world.declaration(key)
        sizes = len(declared[0].shape or ()) if declared else 0
        if not indices or not is_number(e):
            vector = key.letter.islower() and sizes < 2 and is_one(matrix_shape(e)[1])
            return not (vector and _count(rest) > 1)
        if sizes and all(isinstance(x, Name) for x in indices):  # y_t of y ∈ ℝ^T, where T is 1
            return True
        entry = self.world.find(key)
        only = all(isinstance(x, Num) and x.value == 1 for x in indices)
        return only and (sizes > 0 or (entry is not None and entry.meaning is not None))

    def _has_no_element(self, e: Expression, rest: tuple[Script, ...], env: Env) -> bool:
        """Whether an index goes further than the elements of a vector: x_i is a sample then."""
        lowered = [x for s in rest if s.kind == "_" for x in s.items]
        index = env.axes.get(getattr(lowered[0], "text", "")) if len(lowered) == 1 else None
        return index is not None and str(index.count) != str(matrix_shape(e)[0])

    def constant(self, name: NameParts, env: Env) -> tuple[Expression, tuple[Script, ...]] | None:
        """𝟏_m, I, I_n, e_i, δ_ij."""
        letter = name.letter
        lowered = [x for s in name.indices if s.kind == "_" for x in s.items]
        if letter == "𝟏":
            return self.ones(lowered, env), ()
        if letter == "δ" and len(lowered) == 2:
            a, b = (self.index(x, None, env) for x in lowered)
            if isinstance(a, Index) and isinstance(b, Index):
                joined(a.count, b.count)
            return Apply(np.equal, (a, b), ()), tuple(s for s in name.indices if s.kind == "^")
        if letter == "I" and len(lowered) <= 1:
            size = (
                self.world.size(lowered[0], env.letters)
                if lowered
                else self.world.opened("size of I")
            )
            shape: Any = (size, size)
            return Apply(identity_matrix, (), shape, {"shape": shape}), ()
        if letter == "e" and len(lowered) == 1:
            size = self.world.opened("size of e")
            i = self.index(lowered[0], size, env)
            shape = (size, ONE)
            return Apply(unit_vector, (i,), shape, {"shape": shape}, AXES), ()
        return None

    def ones(self, sizes: list[Any], env: Env) -> Expression:
        if len(sizes) == 1 and isinstance(sizes[0], Product):
            sizes = [x for _, x in sizes[0].factors]
        found = [self.world.size(x, env.letters) for x in sizes]
        shape: Any = (*found, ONE)[:2] if found else (self.world.opened("length of ones"), ONE)
        return Ones(shape)

    def a_size(self, name: NameParts, env: Env) -> tuple[Expression, tuple[Script, ...]] | None:
        key = self.world.size_key(name, env.letters)
        if (
            key in self.world.sizes
            or key.replace("[", "^").replace("]", "") in self.world.plan.sizes
        ):
            return self.size_as_number(key), ()
        return None

    def last_layer(self, name: NameParts, env: Env) -> tuple[Expression, tuple[Script, ...]] | None:
        """A name whose layer is left out, as in ∇_a C: that of the last layer."""
        if any(s.kind == "^" for s in name.indices):
            return None
        last = self.world.last(name.letter)
        if last is None:
            return None
        self.remark(f"{name.letter} without a layer is read as {name.letter} of the last one")
        return last.symbol, name.indices

    def belongs_to_family(self, name: NameParts, env: Env) -> bool:
        """Whether the note has names like this one, only not for this layer."""
        for script in name.indices:
            for item in script.items:
                step = letter_and_step(item)
                if isinstance(item, Num) or (
                    step and (step[0] in env.letters or self.world.depth_of(step[0]))
                ):
                    return any(
                        d.name.letter == name.letter
                        and any(s.kind == script.kind for s in d.name.indices)
                        for d in self.world.plan.named
                    )
        return False

    def new(self, name: NameParts, env: Env) -> tuple[Expression, tuple[Script, ...]]:
        """A letter that the note does not define or declare: a leaf, where it may be one."""
        world = self.world
        part_of = [s for s in name.indices if self._belongs(s, name.letter, env)]
        rest = [s for s in name.indices if s not in part_of]
        key = world.key(name.letter, part_of, env.letters)
        if name.letter in COUNTS and all(s.kind == "^" and not s.mark for s in name.indices):
            return self.size_as_number(name.letter), name.indices
        if key in world.entries:  # a_i beside a number a: another name
            key = replace(key, high=(*key.high, "elements"))
            if key in world.entries:
                return world.entries[key].symbol, tuple(rest)
        outside = self.belongs_to_family(name, env)
        if world.closed or (outside and not world.precedes(key)):
            if outside or (key.numbers and world.has(name.letter)):
                raise Outside(
                    f"{key} does not exist: the note has {name.letter} for other layers only"
                )
            raise Undefined(f"{key} is not defined or declared{self._near(name.letter)}")
        return world.undeclared(key).symbol, tuple(rest)

    def _makes_another(self, script: Script, letter: str, env: Env) -> bool:
        """Whether a name with this script is another one: A^{[0]}, A^l, U_q where q is a name."""
        if script.kind == "^":
            return script.mark == "[" or (not script.mark and self.has_layer(script, env))
        return any((letter, getattr(x, "text", "")) in self.world.plan.labels for x in script.items)

    def has_layer(self, script: Script, env: Env) -> bool:
        """Whether a letter in it numbers layers here."""
        steps = (letter_and_step(x) for x in script.items)
        return any(s and (s[0] in env.letters or self.world.depth_of(s[0])) for s in steps)

    def _belongs(self, script: Script, letter: str, env: Env) -> bool:
        """Whether a script is part of a new name, and is no element and no power of it."""
        if script.kind == "^":
            return bool(script.mark) or self.has_layer(script, env)
        others = [x for x in script.items if not isinstance(x, Num)] or script.items  # A_{2,j}
        words = [letter_and_step(x) for x in others]
        elements = (self.world.plan.is_element(x, letter) for x in others)
        bound = (not w or w[0] in env.letters for w in words)
        return not all(e and not b for e, b in zip(elements, bound, strict=True))

    def _near(self, letter: str) -> str:
        from difflib import get_close_matches

        near = get_close_matches(letter, sorted(self.world.plan.letters), 1, 0.3)
        swapped = letter.swapcase()
        near = [swapped] if swapped in self.world.plan.letters else near
        return f" (is {near[0]} meant?)" if near else ""


def _count(scripts: Iterable[Script]) -> int:
    """How many indices stand below."""
    return sum(len(digits_apart(x)) for s in scripts if s.kind == "_" for x in s.items)


def _renamed(e: Element, env: Env, letters: list[str]) -> Expression | None:
    """The matrix whose columns or elements, w_i = W e_i or w_ij = W_ij, get another name."""
    given = [env.axes[x] for x in letters]
    at = [x for x in (e.row, e.column) if x is not None]
    fits = len(given) == 2 or (e.row is None and len(given) == 1)
    return e.of if isinstance(e.of, Symbol) and at == given and fits else None
