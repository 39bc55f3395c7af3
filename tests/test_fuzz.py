"""The random programs: they agree, they come from the whole table, and what is broken is found."""

from __future__ import annotations

import contextlib
import math
import operator
import re

import numpy as np
import pytest
from builders import compile_as_if_in_rows, of_the_table

import autograd_lite as ag
from autograd_lite.compiler import emitting
from autograd_lite.functions import (
    assembly,
    elementwise,
    fourier,
    linear_algebra,
    special,
    statistics,
)
from autograd_lite.rules import RULES, written_last
from autograd_lite.tensor import HANDLERS, handler_of
from autograd_lite.walk import recorded_for
from benchmarks.fuzz import judging
from benchmarks.fuzz.checks import PARTS, Case, Count, Mismatch, check
from benchmarks.fuzz.command import main, run
from benchmarks.fuzz.drafts import draw, finished, quiet, started
from benchmarks.fuzz.programs import CALLS, Index, Program, Step, Unfit, text
from benchmarks.fuzz.shrinking import script, shrunk, weight
from benchmarks.fuzz.table import TABLE
from benchmarks.layouts import LAYOUTS, lying

needs_torch = pytest.mark.skipif(judging.torch is None, reason=judging.MISSING)


@needs_torch
def test_a_few_hundred_programs():
    count = run(seed=2, numbers=range(200))
    assert count.found == []
    assert sum(count.skipped.values()) < 0.03 * sum(count.compared.values())
    assert count.compared.keys() - {"compiled"} == {k for k in PARTS if "compiled" not in k}
    assert count.compared["compiled"] > 1000
    assert count.steps > 2000


@pytest.mark.long
def test_without_pytorch_compiled_is_still_compared_with_eager(monkeypatch):
    monkeypatch.setattr(judging, "torch", None)
    count = run(seed=3, numbers=range(60))
    assert count.found == []
    assert count.compared.keys() == {"compiled"}
    assert count.bits > 0.9 * count.compared["compiled"] > 300
    monkeypatch.setitem(emitting.REDUCE, np.max, "minimum")
    found = run(seed=3, numbers=range(60)).found
    assert {"compiled values", "compiled gradient"} <= {m.part for _, m in found}


# The whole table


def program_with(entry, spelling, seed):
    """A short program with a step of this kind, spelled so."""
    rng = np.random.default_rng([seed, list(TABLE).index(entry), spelling])
    with quiet():
        while True:
            draft = started(rng)
            for _ in range(30):
                with contextlib.suppress(Unfit):
                    operands, arguments = TABLE[entry].choose(draft)
                    in_place = "{y}" in TABLE[entry].spellings[spelling]
                    if not in_place or operands[0] in draft.steps:
                        y = draft.add(Step(TABLE[entry], operands, arguments, spelling))
                        return finished(draft, y)
                draft.draw()


@needs_torch
@pytest.mark.parametrize("entry", TABLE)
def test_every_kind_of_step_in_every_spelling(entry):
    for spelling in range(len(TABLE[entry].spellings)):
        program = program_with(entry, spelling, seed=0)
        assert any(
            (step.entry.name, step.spelling) == (entry, spelling) for step in program.steps.values()
        )
        assert check(program, Count()) == []


VALUES = "its shape depends on values, which a compiled function does not know"
ONE_TRUTH = "a choice by values, which a compiled function does not know"
NOT_A_STEP = {  # functions of NumPy
    **dict.fromkeys((np.argwhere, np.nonzero, np.flatnonzero), VALUES),
    **dict.fromkeys((np.isrealobj, np.iscomplexobj), "of a Tensor always the same"),
    **dict.fromkeys((np.allclose, np.array_equal, np.array_equiv), ONE_TRUTH),
    **dict.fromkeys((operator.setitem, np.add.at, np.subtract.at), "`item assignment` is a step"),
}
NOT_DRAWN = {
    written_last: "within the derivative of `item assignment`",
    elementwise.sinc_slope: "the derivative of sinc",
    elementwise.i0_slope: "the derivative of i0",
    assembly.overlap_add: "the derivative of windows, recorded where a gradient is",
    linear_algebra.cofactors: "the derivative of det",
    linear_algebra.inverse_or_zero: "in the derivatives of eigh and svd",
    linear_algebra.lower: "in the derivatives of cholesky and qr",
    statistics.recurrence: "in the derivatives of cumprod",
    np.argwhere: VALUES,
    np.bincount: VALUES + "; with weights it adds them up",
}
ALONE = "j0 j1 y0 y1 yn k0 k1 k0e k1e kn exp1 expi expn spence"
if special.special:
    alone = {getattr(special.special, name) for name in ALONE.split()}
    NOT_DRAWN |= dict.fromkeys(alone, "PyTorch has no derivative of it")
    NOT_DRAWN[special.special._ufuncs._zeta] = "the derivative of digamma"


@pytest.mark.long
def test_every_rule_is_drawn():
    seen = set()
    for entry in TABLE:
        for seed in range(4):
            program = program_with(entry, 0, seed)
            with quiet():
                result = program.function(program.steps)(*Case(program, Count()).tensors(0))
            results = result if isinstance(result, tuple) else (result,)
            seen |= {t._op for t in recorded_for(*results)}
    ours = {op for op in RULES if of_the_table(op)}
    assert ours - seen == NOT_DRAWN.keys()


def spelled():
    """Every name that stands in the table: np.…, ag.… and .method."""
    lines = "\n".join(line for entry in TABLE.values() for line in entry.spellings)
    names = re.findall(r"np\.(\w+(?:\.\w+)*)", lines)
    functions = {operator.attrgetter(name)(np) for name in names}
    functions |= {getattr(special.special, name) for name in re.findall(r"special\.(\w+)", lines)}
    ours = set(re.findall(r"ag\.(\w+)", lines))
    return functions, ours, set(re.findall(r"\}\.(\w+)", lines))


def test_every_function_of_numpy_that_a_tensor_takes_is_drawn():
    functions, _, _ = spelled()
    taken = {f for f, handler in HANDLERS.items() if handler.__name__ != "refusing"}
    taken |= {op for op in RULES if isinstance(op, np.ufunc)}
    taken -= {f for f in taken if not handler_of(getattr(np, f.__name__, f))}  # np.linalg's aliases
    taken -= {np.ufunc, np.ndarray, np.asarray}  # (what is unusual)
    taken -= NOT_DRAWN.keys() - NOT_A_STEP.keys()
    taken -= {*fourier.COMPLEX, np.linalg.eig, np.linalg.eigvals}  # refused
    assert taken - functions == NOT_A_STEP.keys()


TRANSFORMS = {
    *("gradients", "grad", "jacobian", "vjp"),  # of the same walk as the next
    *("value_and_grad", "jvp", "hvp", "hessian", "compile"),  # asked of every program
}
OTHERWISE = {
    "differentiable": "the step `cube` is such an operation",
    "Tensor": "what programs run on, and some of their constants",
    "no_grad": "a state, not an operation",
    "is_tracing": "a state, not an operation",
    "guard": "a check, not an operation",
    "detect_anomalies": "a check, not an operation",
}
NOT_OF_NUMBERS = {  # errors; what reads, explains, checks or draws a tape
    *("GradientError", "TracingError", "check_gradients", "compare", "derive", "draw", "tape"),
    *("Notation", "check_backward", "check_derivation"),
}


def test_every_public_function_of_tensors_is_drawn_or_said_why_not():
    _, ours, _ = spelled()
    known = TRANSFORMS | OTHERWISE.keys() | NOT_OF_NUMBERS
    assert set(ag.__all__) - ours - known == set()


METHODS = {
    *("data", "requires_grad", "shape", "ndim", "size", "dtype", "name", "grad", "op"),  # not steps
    *("numpy", "item", "detach", "backward", "zero_grad"),  # they leave the tape
    *("itemsize", "nbytes", "device", "flat"),  # not steps
    "named",  # drawn with any step
    "choose",  # of indices, and those may be an array, whose own method takes no Tensor
    "nonzero",  # its shape depends on values
}


def test_every_method_of_a_tensor_is_drawn_or_said_why_not():
    _, _, methods = spelled()
    t = ag.Tensor(np.ones((2, 2)))
    public = {n for n in vars(ag.Tensor) if n[0] != "_" and hasattr(t, n)}
    assert public - methods - METHODS == set()


# What is broken is found, and shown in a few lines


def frozen(f):
    """A compiled function that goes on returning its first result."""
    results = []

    def compiled(*arguments):
        results.append(results[0] if results else REAL(f)(*arguments))
        return results[0]

    return compiled


def writing(f):
    """A compiled function that uses its argument as a buffer."""

    def compiled(*arguments):
        result = REAL(f)(*arguments)
        for x in arguments:
            if isinstance(x, np.ndarray):
                x += 1
        return result

    return compiled


def giving(change):
    """A compiled function whose results are replaced: change(result, others, arguments)."""

    def compile(f):
        def compiled(*arguments):
            result = REAL(f)(*arguments)
            given = [x for x in arguments if isinstance(x, np.ndarray)]
            several, several_new = result if isinstance(result, tuple) else (result,), []
            for x in several:
                several_new.append(change(x, [*several_new], given))
            return tuple(several_new) if isinstance(result, tuple) else several_new[0]

        return compiled

    return compile


def same_as(x, others):
    """x, or one of the others that holds the same."""
    return next((y for y in others if y.dtype == x.dtype and np.array_equal(x, y)), x)


def locked(x, *_):
    x.flags.writeable = False
    return x


REAL = ag.compile
RESULTS = {
    "an argument's memory": lambda x, others, arguments: same_as(x, arguments),
    "one memory": lambda x, others, arguments: same_as(x, others),
    "read-only": locked,
    "another type": lambda x, *_: x.astype(np.float32) if x.dtype == float else x,
    "another shape": lambda x, *_: x.reshape(1, *x.shape),
}
FAULTS = {
    "a rule": ("gradient", lambda m: m.setitem(RULES, np.tanh, (lambda g, y, x: g * (1 - y),))),
    "a rule of a product": (
        "gradient",
        lambda m: m.setitem(
            RULES, np.dot, (lambda g, y, a, b: g.dot(b.T), lambda g, y, a, b: a.T.dot(-g))
        ),
    ),
    "a rule at a bound": (
        "gradient",
        lambda m: m.setitem(
            RULES,
            np.clip,
            (lambda g, y, x, low, high: g * ((x > low) & (x < high)), *RULES[np.clip][1:]),
        ),
    ),
    "second order": (
        "hvp",
        lambda m: m.setitem(RULES, np.sin, (lambda g, y, x: g * np.cos(getattr(x, "_data", x)),)),
    ),
    "the type": (
        "gradient",
        lambda m: m.setattr(
            ag, "value_and_grad", lambda f, k: lambda *x: as_float64(VALUE(f, k)(*x))
        ),
    ),
    "compiled": ("compiled values", lambda m: m.setitem(emitting.REDUCE, np.max, "minimum")),
    "compiled, in rows": ("compiled values", compile_as_if_in_rows),
    "compiled, frozen": ("compiled values", lambda m: m.setattr(ag, "compile", frozen)),
    "compiled, kept": (
        "compiled values",
        lambda m: m.setattr(ag, "compile", lambda f: REAL(f, reuse_outputs=True)),
    ),
    **{
        f"compiled, {name}": (
            "compiled values",
            lambda m, change=change: m.setattr(ag, "compile", giving(change)),
        )
        for name, change in RESULTS.items()
    },
    "compiled, writing": ("compiled gradient", lambda m: m.setattr(ag, "compile", writing)),
}
VALUE = ag.value_and_grad


def as_float64(result):
    J, gradients = result
    return J, tuple(g.astype(float) for g in gradients)


@pytest.mark.long
@needs_torch
@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_broken_is_found_and_shown_in_a_few_lines(fault, monkeypatch):
    part, plant = FAULTS[fault]
    plant(monkeypatch)
    for number in range(300):
        program = draw(3, number)
        found = [m for m in check(program, Count()) if m.part == part and m.kind == "differs"]
        if found:
            break
    assert found, "not found within 300 programs"
    small = shrunk(program, found[0])
    assert len(small.steps) <= 5
    assert weight(small) < weight(program)
    assert [m.part for m in check(small, Count(), part)] == [part]
    monkeypatch.undo()
    assert check(small, Count()) == []


def a_program(*steps, **inputs):
    """A program of a few steps on the same data for every call."""
    named = {f"v{k}": Step(TABLE[entry], operands) for k, (entry, *operands) in enumerate(steps)}
    data = {name: (np.array(x),) * CALLS for name, x in inputs.items()}
    total = {"J": Step(TABLE["sum"], (list(named)[-1],), {"axis": None, "keepdims": False})}
    return Program(data, {}, named | total, ("J",), "J")


@needs_torch
@pytest.mark.parametrize("part", PARTS)
def test_what_is_printed_runs_and_shows_the_values(part, capsys):
    program = a_program(("exp", "x"), ("multiply", "v0", "y"), x=[[0.0, 1.0]], y=[2.0])
    exec(script(program, Mismatch(part, "differs", "")), {})
    printed = capsys.readouterr().out
    e, c2, c3 = math.e, math.cos(2), math.cos(3)
    number = {
        "jvp": 2 * c2 + 2 * e * c3 + (1 + e) * c2,
        "hvp": 2 * e * c3 + e * c2,
        "hessian": 2 * e,
    }.get(part.removeprefix("compiled "), 2 + 2 * e)
    assert printed.count(f"{number:.8f}"[:-3]) >= 1 + part.startswith("compiled")


def test_programs_come_from_seed_and_number_alone():
    for number in (0, 5):
        one, two = draw(7, number), draw(7, number)
        assert one.listing() == two.listing()
        assert one.listing() != draw(8, number).listing()
        assert max(len(draw(7, k, steps=4).steps) for k in range(10)) < 30


def test_three_sets_of_data_differ_and_are_the_callers_own():
    program = draw(7, 1)
    first, second = program.arguments(0), program.arguments(1)
    assert not np.array_equal(first[0], second[0])
    first[0][...] = 7
    assert not np.array_equal(first[0], program.arguments(0)[0])


@pytest.mark.parametrize(
    "value",
    [
        *(2.0, -1, -0.0, None, True, np.float32(0.5), np.int64(-3), slice(None, 2, -1), ...),
        *(np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros((0, 3), np.float32), np.array(True)),
        *(lying(np.arange(12.0).reshape(2, 3, 2), layout) for layout in LAYOUTS),
        *(lying(np.array(1.5, np.float32), layout) for layout in LAYOUTS),
    ],
    ids=repr,
)
def test_a_value_is_written_as_it_is(value):
    if isinstance(value, slice):
        assert text(value) == ":2:-1"
        return
    again = eval(text(value), {"np": np})
    assert type(again) is type(value)
    assert repr(again) == repr(value)
    if isinstance(value, np.ndarray):
        assert (again.dtype, again.strides) == (value.dtype, value.strides)


@pytest.mark.parametrize(
    ("index", "written"),
    [
        (Index((0,)), "0"),
        (Index((0,), comma=True), "0,"),
        (Index(()), "()"),
        (Index((None, ..., slice(1, None), -1)), "None, ..., 1:, (-1)"),
        (Index((np.array([0, 2]), [1, 1])), "np.array([0, 2]), [1, 1]"),
    ],
    ids=str,
)
def test_an_index_is_written_as_it_is(index, written):
    assert text(index) == written


# The judge


@needs_torch
def test_a_wrong_eighth_digit_is_seen():
    program = a_program(("exp", "x"), ("tanh", "v0"), ("multiply", "v1", "v0"), x=[0.1, 0.2, -1.0])
    right = judging.Judge(program).says(judging.gradient("J", ["x"]))
    assert right.differs(right.arrays) == ""
    assert right.differs([x * (1 + 1e-8) for x in right.arrays])
    assert right.differs([right.arrays[0], right.arrays[1][:, None]])
    assert right.differs([x * np.nan for x in right.arrays])
    assert max(right.tolerance) < 1e-13


@needs_torch
def test_what_rounding_decides_is_not_judged():
    x = np.array([1.1, 2.3])
    tie = a_program(("multiply", "x", 1.0), ("maximum", "v0", "y"), x=x, y=x)
    with pytest.raises(judging.Skipped, match="moved"):
        judging.Judge(tie).says(judging.gradient("J", ["x", "y"]))
    missed = a_program(("logaddexp2", "x", "x"), ("absolute", "v0"), ("square", "v1"), x=[-1.0])
    with pytest.raises(judging.Skipped, match="kink"):  # NumPy's logarithm is 0, PyTorch's is not
        judging.Judge(missed).says(judging.gradient("J", ["x"]))
    exact = a_program(("negative", "x"), ("negative", "v0"), ("maximum", "v1", "x"), x=x)
    assert check(exact, Count()) == []
    large = a_program(("multiply", "x", 1e7), x=x)
    with pytest.raises(judging.Skipped, match="larger"):
        judging.Judge(large).says(judging.values(["J"]))


@needs_torch
def test_a_judge_that_fails_is_no_agreement(monkeypatch):
    program = a_program(("exp", "x"), x=[1.0])
    monkeypatch.setattr(judging, "_cast", lambda x, dtype: 1 / 0)
    assert {m.kind for m in check(program, Count())} == {"JudgeError"}


# The command


KINDS = "(gradient|jvp|hvp|hessian)"


@needs_torch
def test_command(capsys, monkeypatch):
    assert main(["--programs", "12", "--seed", "2"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("12 programs of ")
    assert ", 0 with a mismatch" in printed
    assert main(["--only", "3", "--seed", "2"]) == 0
    assert capsys.readouterr().out.startswith("import numpy as np")
    monkeypatch.setitem(RULES, np.sum, (lambda g, y, x, axis, keepdims: g * 2 + 0 * x,))
    assert main(["--programs", "3", "--seed", "2", "--show", "1"]) == 1
    printed = capsys.readouterr().out
    assert re.search(rf"== {KINDS}, differs: program \d, shrunk to 1 steps", printed)
    assert "J = np.sum(x" in printed
    assert re.search(rf"\d × {KINDS}, differs: --only \d", printed)


@needs_torch
@pytest.mark.slow
def test_jobs_find_the_same(capsys):
    assert main(["--programs", "51", "--seed", "2", "--jobs", "2"]) == 0
    several = capsys.readouterr().out
    assert main(["--programs", "51", "--seed", "2"]) == 0
    one = capsys.readouterr().out
    assert several.partition("(")[0] == one.partition("(")[0]
    assert several.splitlines()[1:] == one.splitlines()[1:]


def test_without_pytorch_the_command_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(judging, "torch", None)
    assert main(["--programs", "1"]) == 2
    assert "pip install torch" in capsys.readouterr().err
