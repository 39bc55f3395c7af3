"""Functions of a note: known by name, defined in it, or left open; products that look alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd_lite import rules
from autograd_lite.algebra.evaluation import evaluate
from autograd_lite.algebra.tree import (
    Apply,
    Blocks,
    Expression,
    Symbol,
)
from autograd_lite.formula.evidence import COSTS, COSTS_AND_LOSSES
from autograd_lite.formula.names import NameReader
from autograd_lite.formula.naming import Key, NameParts, subsets, taken_apart
from autograd_lite.formula.operations import Env
from autograd_lite.formula.plan import Definition
from autograd_lite.formula.shapes import (
    ONE,
    NotConforming,
    Size,
    is_number,
    is_one,
    literal,
    matrix_shape,
    settled,
)
from autograd_lite.formula.syntax import (
    Bracket,
    Call,
    Chain,
    Name,
    Prefixed,
    Product,
    Script,
    Scripted,
    nodes,
)
from autograd_lite.formula.tokens import FUNCTION_WORDS
from autograd_lite.formula.vocabulary import (
    ELEMENTWISE,
    SlopeOf,
    diag,
    logdet,
    matrix_trace,
    vec,
)
from autograd_lite.formula.world import Undefined, World


class Functions(NameReader):
    """Reads what stands before brackets."""

    def varying(self, node: Any, right: Any, env: Env) -> list[str]:
        """The letter of f′(z), where this is said of a function and not of a z of the note's."""
        if not isinstance(node, Call) or len(node.arguments) != 1:
            return []
        name, argument = taken_apart(node.function), node.arguments[0]
        if name is None or not isinstance(argument, Name) or name.letter in COSTS:
            return []
        used = {x.text for x in nodes(right) if isinstance(x, Name)}
        if used and argument.text not in used:  # 1 − a²
            return []
        primed = name.letter.endswith("′") or any(s.kind == "′" for s in name.operations)
        return [argument.text] if primed and self.value_of(name, env) is None else []

    def call(self, node: Call, env: Env) -> Expression:
        function = node.function
        name = taken_apart(function)
        if name is None:
            return self.times(function, node, env)
        value = self.value_of(name, env)
        if value is not None:
            if name.letter in COSTS and is_number(value) and self._names_only(node):
                return value
            if self._is_sample(node, env):
                mark = Script(node.start, node.end, "^", "(", node.arguments, "")
                return self.column(value, mark, env)
            return self.times(function, node, env)
        arguments, options = self.arguments(node, env)
        powers = tuple(s for s in name.operations if s.kind == "^")
        e = self.applied(name, arguments, options, env, node)
        return self.with_scripts(e, powers, env)

    def as_product(self, whole: Any, env: Env) -> Any:
        """H (A)ᵀ as a product, where H has a value: scripts belong to what is in brackets."""
        node, scripts = (whole.base, whole.scripts) if isinstance(whole, Scripted) else (whole, ())
        if not isinstance(node, Call):
            return None
        name = taken_apart(node.function)
        if len(node.arguments) != 1 or name is None or self._is_sample(node, env):
            return None
        value = self.value_of(name, env)
        if value is None or (name.letter in COSTS and is_number(value) and self._names_only(node)):
            return None
        inside = Bracket(node.function.end, node.end, node.brackets, node.arguments)
        raised: Any = inside
        if scripts:
            raised = Scripted(node.function.end, scripts[-1].end, inside, scripts)
        return Product(node.start, raised.end, (("", node.function), ("", raised)))

    def _names_only(self, node: Call) -> bool:
        return all(taken_apart(x) is not None for x in node.arguments)

    def _is_sample(self, node: Call, env: Env) -> bool:
        (first, *rest) = node.arguments
        return (
            not rest and isinstance(first, Name) and first.text in env.letters and not node.spaced
        )

    def times(self, function: Any, node: Call, env: Env) -> Expression:
        if len(node.arguments) != 1:
            raise Undefined("brackets with a comma after something that is no function")
        factors = (("", function), ("", node.arguments[0]))
        return self(Product(node.start, node.end, factors), env)

    def value_of(self, name: NameParts, env: Env) -> Expression | None:
        """The value of a name that stands before brackets, if it has one."""
        if name.letter in FUNCTION_WORDS and not name.indices:
            return None
        if self.is_exponential(name, env):
            return self.exponential(name.node, env)
        if not name.indices:
            simple = self.simple(name, env)
            if simple is not None and not self._is_function(name, env):
                return simple
        if self._is_function(name, env):
            return None
        for chosen, rest in subsets(name.indices):
            key = self.world.key(name.letter, chosen, env.letters)
            e = self.known(key, env)
            if e is not None:
                return self.with_scripts(e, rest, env)
        found = self.numbered_sample(name, env) or self.small_letter(name, env)
        return None if found is None else self.with_scripts(*found, env)

    def _is_function(self, name: NameParts, env: Env) -> bool:
        key = self.world.key(name.letter.rstrip("′"), name.indices, env.letters)
        return self.world.function(key) is not None or key in self.world.functions

    def arguments(self, node: Call, env: Env) -> tuple[list[Expression], dict[str, Any]]:
        positional, options = [], {}
        for x in self.without_dots(node.arguments, env):
            if isinstance(x, Chain) and x.relations == ("=",) and isinstance(x.parts[0], Name):
                options[x.parts[0].text] = x.parts[1]
            elif isinstance(x, Chain):
                positional.append(self.condition(x, env))
            else:
                positional.append(self(x, env))
        return positional, options

    def prefixed(self, node: Prefixed, env: Env) -> Expression:
        name = taken_apart(node.function)
        assert name is not None
        e = self.applied(name, [self(node.argument, env)], {}, env, node)
        powers = tuple(s for s in name.operations if s.kind == "^")
        return self.with_scripts(e, powers, env)

    def applied(
        self,
        name: NameParts,
        arguments: list[Expression],
        options: dict[str, Any],
        env: Env,
        node: Any,
    ) -> Expression:
        """A function of arguments: known by name, defined in the note, or drawn."""
        letter = name.letter.rstrip("′")
        primes = len(name.letter) - len(letter) + sum(s.kind == "′" for s in name.operations)
        powers = [
            s for s in name.indices if s.kind == "^" and not s.mark and not self.has_layer(s, env)
        ]
        scripts = tuple(s for s in name.indices if s not in powers)
        key = self.world.key(letter, scripts, env.letters)
        if not key.high and len(key.low) == 1 and key.low[0] in FUNCTION_WORDS:  # g_softmax
            letter = str(key.low[0])
            key = Key(letter) if self.world.function(key) is None else key
        if not arguments:
            raise self.error(f"{key} of nothing", node)
        e = self._applied(key, letter, primes, arguments, options, node)
        return self.with_scripts(e, tuple(powers), env)

    def is_softmax(self, letter: str) -> bool:
        """Whether a function is softmax by another name, which σ may be with an index alone."""
        named = letter in self.world.plan.names_of_softmax
        return named and (letter != "σ" or self.world.sigma == "softmax")

    def _applied(
        self, key: Key, letter: str, primes: int, arguments: list[Expression],
        options: dict[str, Any], node: Any,
    ) -> Expression:  # fmt: skip
        defined = self.world.function(key)
        if defined is not None:
            return self.inlined(defined, primes, arguments, key)
        if self.is_softmax(letter) and not primes:
            return self.of_a_matrix("softmax", arguments, options, node)
        if letter in ELEMENTWISE and not key.low and not key.high:
            (x,) = arguments[:1]
            f: Any = ELEMENTWISE[letter]
            if f is np.log and isinstance(x, Apply) and x.op is np.linalg.det:
                return Apply(logdet, x.arguments, ())
            if len(arguments) > 1:
                raise self.error(f"{letter} of {len(arguments)} arguments", node)
            return Apply(SlopeOf(f, primes) if primes else f, (x,), x.shape)
        if letter in FUNCTION_WORDS and not primes:
            return self.of_a_matrix(letter, arguments, options, node)
        return self.open_function(key, letter, primes, arguments)

    def open_function(
        self, key: Key, letter: str, primes: int, arguments: list[Expression]
    ) -> Expression:
        scalar = letter in COSTS_AND_LOSSES and not (letter == "f" and primes)
        f: Any = self.world.drawn(key, scalar)
        if self.world.open_functions and not scalar and len(arguments) == 1:
            f = ELEMENTWISE[self.world.open_functions]
        if scalar and not primes:
            return Apply(f, tuple(arguments), ())
        if primes and len(arguments) > 1:
            raise Undefined(f"{key}′ of several arguments: write ∂{key}/∂…")
        shape: Any = arguments[0].shape
        for x in arguments[1:]:
            shape = self.together(arguments[0], x, "∘")
        return Apply(SlopeOf(f, primes) if primes else f, tuple(arguments), shape)

    def inlined(
        self, defined: tuple[Definition, dict[str, int]], primes: int,
        arguments: list[Expression], key: Key,
    ) -> Expression:  # fmt: skip
        """A function of the note's own: its body at these arguments."""
        definition, letters = defined
        if len(arguments) != len(definition.parameters):
            raise NotConforming(
                f"{key} takes {len(definition.parameters)} arguments, not {len(arguments)}"
            )
        if not primes:
            env = Env(
                dict(letters), {}, dict(zip(definition.parameters, arguments, strict=True)), False
            )
            return self(definition.meaning, env)
        if len(arguments) > 1:
            raise Undefined(f"{key}′ of several arguments: write ∂{key}/∂…")
        f = self.as_operation(key, definition, letters)
        return Apply(SlopeOf(f, primes, str(key)), tuple(arguments), arguments[0].shape)

    def as_operation(self, key: Key, definition: Definition, letters: dict[str, int]) -> Any:
        """The note's function as one of NumPy's kind, of one number at a time."""
        if key not in self.world.functions:
            parameter = Symbol("parameter", definition.parameters[0], 0, ())
            env = Env(dict(letters), {}, {definition.parameters[0]: parameter}, False)
            body = self(definition.meaning, env)
            self.world.functions[key] = Defined(str(key), body, self.world)  # type: ignore[assignment]
        return self.world.functions[key]

    def of_a_matrix(
        self, letter: str, arguments: list[Expression], options: dict[str, Any], node: Any
    ) -> Expression:
        reader = _MATRIX_FUNCTIONS.get(letter)
        if reader is None:
            raise self.error(f"{letter} is not evaluated here", node)
        counts = _COUNTS.get(letter, (1,))
        if len(arguments) not in counts and letter != "diag":
            wanted = " or ".join(map(str, counts))
            raise self.error(f"{letter} takes {wanted} arguments, not {len(arguments)}", node)
        return reader(self, arguments, options)

    def softmax(self, arguments: list[Expression], options: dict[str, Any]) -> Expression:
        (x,) = arguments
        rows, _ = matrix_shape(x)
        along_rows = self.world.softmax == "rows" or self.world.plan.rows
        axis = (-1,) if is_one(rows) or along_rows else (-2,)
        return Apply(rules.softmax_, (x,), x.shape, {"axis": axis}, axis)

    def logsumexp(self, arguments: list[Expression], options: dict[str, Any]) -> Expression:
        (x,) = arguments
        exps = self.sum_over(Apply(np.exp, (x,), x.shape), None)
        return Apply(np.log, (exps,), exps.shape)

    def summing(self, arguments: list[Expression], options: dict[str, Any]) -> Expression:
        x = arguments[0]
        axis = options.get("axis")
        n = self.world.number(axis, {}) if axis is not None else None
        if axis is not None and n is None:
            raise self.error("axis is 0 or 1", axis)
        if axis is not None and "keepdims" not in options:
            self.remark("a sum over an axis is read with keepdims=True")
        return self.sum_over(x, n)

    def mean(self, arguments: list[Expression], options: dict[str, Any]) -> Expression:
        total = self.summing(arguments, options)
        (r1, c1), (r2, c2) = matrix_shape(arguments[0]), matrix_shape(total)
        for before, after in ((r1, r2), (c1, c2)):
            if not is_one(before) and is_one(after):
                total = self.divided(total, self.size_expression(before))
        return total

    def largest(self, arguments: list[Expression], options: dict[str, Any], op: Any) -> Expression:
        if len(arguments) == 2:
            a, b = arguments
            return Apply(
                {"max": np.maximum, "min": np.minimum}[op], (a, b), self.together(a, b, "∘")
            )
        (x,) = arguments
        f = {"max": np.max, "min": np.min}[op]
        return x if is_number(x) else Apply(f, (x,), (), {"axis": (-2, -1)}, (-2, -1))

    def of_square(self, f: Any, arguments: list[Expression]) -> Expression:
        (x,) = arguments
        if is_number(x):
            return x
        self.squared(x, f.__name__)
        return Apply(f, (x,), ())

    def diagonal(self, arguments: list[Expression], options: dict[str, Any]) -> Expression:
        column_of_all: Any = (literal(len(arguments)), ONE)
        whole = Blocks(tuple((x,) for x in arguments), column_of_all)
        x = whole if len(arguments) > 1 else arguments[0]
        if is_number(x):
            return x
        rows, columns = matrix_shape(x)
        if is_one(columns) or is_one(rows):
            size = rows if is_one(columns) else columns
            return Apply(diag, (x,), (size, size))
        self.squared(x, "the diagonal")
        column: Any = (rows, ONE)
        return Apply(diag, (x,), column)

    def stacked(self, arguments: list[Expression], options: dict[str, Any]) -> Expression:
        (x,) = arguments
        rows, columns = matrix_shape(x)
        for size in (rows, columns):
            if size.root.value is None:
                size.root.value = self.world.drawing.size()
        n = rows.root.value * columns.root.value
        shape: Any = (Size(f"{rows} {columns}", n), ONE)
        return Apply(vec, (x,), shape)


class Defined:
    """A function that the note defines, of one number at a time."""

    def __init__(self, name: str, body: Expression, world: World) -> None:
        self.__name__, self.body, self.world = name, body, world

    def __call__(self, x: Any) -> Any:
        def value(s: Symbol) -> Any:
            return x if s.kind == "parameter" else self.world.value(s)

        return evaluate(settled(self.body), value, True)


_MATRIX_FUNCTIONS: dict[str, Callable[..., Expression]] = {
    "softmax": Functions.softmax,
    **dict.fromkeys(("logsumexp", "LSE"), Functions.logsumexp),
    "sum": Functions.summing,
    "mean": Functions.mean,
    "diag": Functions.diagonal,
    "vec": Functions.stacked,
    **dict.fromkeys(("tr", "trace"), lambda self, a, o: self.of_square(matrix_trace, a)),
    "det": lambda self, a, o: self.of_square(np.linalg.det, a),
    "logdet": lambda self, a, o: self.of_square(logdet, a),
    "inv": lambda self, a, o: self.inverse(a[0]),
    "norm": lambda self, a, o: self.norm(a[0]),
    "transpose": lambda self, a, o: self.turned(a[0]),
    **dict.fromkeys(("dot", "matmul"), lambda self, a, o: self.multiply("@", *a)),
    "multiply": lambda self, a, o: self.multiply("∘", *a),
    "outer": lambda self, a, o: self.outer(*a),
    **dict.fromkeys(("max", "maximum"), lambda self, a, o: self.largest(a, o, "max")),
    **dict.fromkeys(("min", "minimum"), lambda self, a, o: self.largest(a, o, "min")),
}
_COUNTS = {  # of arguments, where it is not one
    **dict.fromkeys(("dot", "matmul", "multiply", "outer"), (2,)),
    **dict.fromkeys(("max", "min", "maximum", "minimum"), (1, 2)),
}
