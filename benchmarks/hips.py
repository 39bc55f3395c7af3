"""The test suite of HIPS/autograd, run against this project: `python -m benchmarks.hips FOLDER`.

FOLDER is the folder `tests` of github.com/HIPS/autograd. Its tests import `autograd`, and find here
modules of that name whose transforms are those of autograd_lite; `autograd.numpy` is NumPy itself.
`check_grads(f)(*args)` is `ag.check_gradients`, at the order that the test asks for.

A test that cannot apply is excused, and the reason counted: complex numbers, forward mode, what
NumPy and SciPy do not dispatch (`np.array([t, u])`, `np.r_`, a list where an array is meant,
`scipy.stats`), what only autograd has. Prints how many of the others pass, and the reasons of those
that fail, most frequent first.
"""

from __future__ import annotations

import argparse
import builtins
import contextlib
import functools
import io
import itertools
import os
import re
import sys
import textwrap
import types
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd_lite as ag
from autograd_lite.transforms import flatten, map_leaves

COMPLEX = "complex numbers"
UNDISPATCHED = "NumPy does not dispatch it: np.array, np.r_, a list where an array is meant"
SCIPY = "SciPy's functions in Python do not dispatch"
FORWARD = "forward mode"
OWN = "what only autograd has"
WRONG = "a wrong derivative"

left_out: list[str] = []  # why parts of the running test were not checked
checked: list[str] = []  # and what was


def to_nary(operator: Callable[..., Any]) -> Callable[..., Any]:
    """An operator on functions of one argument, for functions of several: autograd's `argnum`."""

    @functools.wraps(operator)
    def nary(f: Callable[..., Any], argnum: Any = 0, *extra: Any, **options: Any) -> Any:
        def on_arguments(*args: Any, **static: Any) -> Any:
            chosen = (argnum,) if isinstance(argnum, int) else tuple(argnum)

            def unary(x: Any) -> Any:
                given = dict(zip(chosen, (x,) if isinstance(argnum, int) else x, strict=True))
                return f(*[given.get(k, arg) for k, arg in enumerate(args)], **static)

            x = args[argnum] if isinstance(argnum, int) else tuple(args[k] for k in chosen)
            return operator(unary, x, *extra, **options)

        return on_arguments

    return nary


def lifted(f: Callable[..., Any]) -> Callable[..., Any]:
    """f, with Tensors for the constants that it returns: autograd has zeros for their gradients."""

    def constant(y: Any) -> Any:
        return y if isinstance(y, ag.Tensor) else ag.Tensor(np.asarray(y, dtype=float))

    return lambda *args: map_leaves(constant, f(*args))


def is_complex(tree: Any) -> bool:
    """Whether complex numbers are among these arguments or results."""
    return any(not isinstance(x, ag.Tensor) and np.iscomplexobj(x) for x in flatten(tree))


def check(f: Callable[..., Any], x: Any, modes: Any = ("rev",), order: int = 2) -> None:
    """autograd's check_grads: the derivatives of f up to `order`, by central differences."""
    if "rev" not in (modes or ("rev",)):
        return left_out.append(FORWARD)
    if is_complex(x) or is_complex(f(x)):
        return left_out.append(COMPLEX)

    def combined(x: Any) -> Any:
        rng = np.random.default_rng(0)
        return sum(np.sum(y * rng.normal(size=y.shape)) for y in flatten(lifted(f)(x)))

    checked.append(getattr(f, "__name__", "f"))
    ag.check_gradients(combined, x, order=order)
    return None


def combo_check(f: Callable[..., Any], *extra: Any, **options: Any) -> Callable[..., None]:
    """check_grads for each combination of these arguments."""

    def on_combinations(*args: Any, **static: Any) -> None:
        for some in itertools.product(*args):
            for values in itertools.product(*static.values()):
                chosen = dict(zip(static, values, strict=True))
                check_grads(f, *extra, **options)(*some, **chosen)

    return on_combinations


def check_equivalent(x: Any, y: Any) -> None:
    """Whether two trees of arrays are the same."""
    xs, ys = ([getattr(z, "data", z) for z in flatten(tree)] for tree in (x, y))
    assert [np.shape(z) for z in xs] == [np.shape(z) for z in ys]
    assert all(np.allclose(p, q, rtol=1e-6, atol=1e-6) for p, q in zip(xs, ys, strict=True))


def scalar_close(a: Any, b: Any) -> bool:
    return bool(abs(a - b) < 1e-6 or abs(a - b) / abs(a + b) < 1e-6)


check_grads = to_nary(check)


@to_nary
def grad(f: Callable[..., Any], x: Any) -> Any:
    if is_complex(x):
        pytest.skip(COMPLEX)
    return ag.grad(lifted(f))(x)


def pullback_of(f: Callable[..., Any], x: Any) -> tuple[Any, Any]:
    y, pullback = ag.vjp(f, x)
    return (lambda v: pullback(v)[0]), y


def elementwise(f: Callable[..., Any], x: Any) -> Any:
    pullback, y = pullback_of(f, x)
    return pullback(np.ones(np.shape(y)))


def along(f: Callable[..., Any], x: Any) -> Any:
    return lambda v: ag.jvp(f, (x,), (v,))


def hvp_of(f: Callable[..., Any], x: Any) -> Any:
    return (lambda v: ag.hvp(f)(x, v)), ag.grad(f)(x)


def product_of(derivative: Callable[..., Any]) -> Callable[..., Any]:
    """hessian_tensor_product and tensor_jacobian_product: the vector is the last argument."""

    def with_vector(f: Callable[..., Any], argnum: int = 0) -> Any:
        return lambda *args: derivative(
            lambda x: f(*args[:argnum], x, *args[argnum + 1 : -1]), args[argnum], args[-1]
        )

    return with_vector


def times_jacobian(f: Callable[..., Any], x: Any, v: Any) -> Any:
    return ag.jacobian(lambda x: np.tensordot(v, f(x), np.ndim(v)))(x)


def gauss_newton(
    f: Callable[..., Any], g: Callable[..., Any] = lambda y: np.sum(y**2) / 2
) -> Callable[..., Any]:
    def at(x: Any) -> Callable[..., Any]:
        pullback, y = pullback_of(f, x)
        return lambda v: pullback(ag.hvp(g)(y, ag.jvp(f, (x,), (v,))[1]))

    return at


def grad_and_aux(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: (ag.grad(lambda x: f(x)[0])(x), f(x)[1])


class Foreign(types.ModuleType):
    """A module of autograd's. A name that it lacks excuses the test that calls it."""

    def __init__(self, name: str, **names: Any) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Foreign(f"{self.__name__}.{name}")

    def __call__(self, *_: Any, **__: Any) -> Any:
        pytest.skip(OWN)


def modules() -> dict[str, Any]:
    """What `import autograd` and its kin find."""
    deriv = to_nary(lambda f, x: along(f, x)(np.ones(np.shape(x)))[1])
    transforms = {
        "grad": grad,
        "value_and_grad": to_nary(lambda f, x: ag.value_and_grad(lifted(f))(x)),
        "elementwise_grad": to_nary(elementwise),
        "jacobian": to_nary(lambda f, x: ag.jacobian(f)(x)),
        "hessian": to_nary(lambda f, x: ag.hessian(f)(x)),
        "make_vjp": to_nary(pullback_of),
        "make_jvp": to_nary(along),
        "deriv": deriv,
        "make_hvp": to_nary(hvp_of),
        "make_ggnvp": gauss_newton,
        "grad_and_aux": grad_and_aux,
        "hessian_tensor_product": product_of(lambda f, x, v: ag.hvp(f)(x, v)),
        "tensor_jacobian_product": product_of(times_jacobian),
    }
    kinds = {name: getattr(builtins, name) for name in ("list", "dict", "tuple")}
    kinds["isinstance"] = lambda x, kind: isinstance(
        np.zeros(0) if isinstance(x, ag.Tensor) else x, kind
    )
    checks = {
        "check_grads": check_grads,
        "combo_check": combo_check,
        "check_equivalent": check_equivalent,
        "scalar_close": scalar_close,
    }
    found: dict[str, Any] = {
        "autograd": Foreign("autograd", **transforms, **kinds, numpy=np),
        "autograd.numpy": np,
        "autograd.numpy.random": np.random,
        "autograd.numpy.linalg": np.linalg,
        "autograd.builtins": Foreign("autograd.builtins", **kinds),
        "autograd.test_util": Foreign("autograd.test_util", **checks),
        "autograd.core": Foreign("autograd.core", make_vjp=pullback_of),
        "autograd.wrap_util": Foreign("autograd.wrap_util", unary_to_nary=to_nary),
        "autograd.tracer": Foreign("autograd.tracer", isbox=lambda x: isinstance(x, ag.Tensor)),
    }
    for name in ("extend", "misc", "util", "scipy", "scipy.signal"):
        found[f"autograd.{name}"] = Foreign(f"autograd.{name}")
    with contextlib.suppress(ImportError):
        from scipy import integrate, linalg, special, stats

        own = {"integrate": integrate, "linalg": linalg, "special": special, "stats": stats}
        found["autograd.scipy"].__dict__.update(own)
        found |= {f"autograd.scipy.{name}": module for name, module in own.items()}
        found["autograd.scipy.stats.multivariate_normal"] = stats.multivariate_normal
    for name in ("scipy", "scipy.signal"):
        parent, _, child = f"autograd.{name}".rpartition(".")
        setattr(found[parent], child, found[f"autograd.{name}"])
    return found


# Tests whose reason does not show when they run.
EXCUSED = {
    "test_wrapped_name_and_docs": OWN,
    "test_custom_where": OWN,  # with keywords, which NumPy's own does not take
    "test_custom_where_dtypes": OWN,
    "test_rfftn_odd_not_implemented": OWN,
    "test_eig_real": COMPLEX,  # the eigenvalues are
    "test_odeint": SCIPY,
}


# Tests that ask for another gradient than ours, which is no mistake.
TRIANGLE = (
    "another convention: the gradient of the triangle that is read, not of symmetric matrices"
)
CONVENTIONS = {
    f"test_eigvalh_{which}": TRIANGLE
    for which in ("lower", "upper", "lower_broadcasting", "upper_broadcasting")
}


@dataclass
class Outcome:
    """What came of one test: it `passes`, is `excused`, or `fails`."""

    test: str
    verdict: str
    reason: str = ""


def outcome_of(error: BaseException, frames: list[tuple[str, str]]) -> tuple[str, str]:
    """The verdict on a test that raised, and why. frames: file and function, outermost first."""
    message = (str(error).splitlines() or [""])[0]
    if isinstance(error, pytest.skip.Exception):
        return "excused", message
    if "complex" in message:
        return "excused", COMPLEX
    if re.search(r"module '?numpy[\w.]*'? has no attribute", message):
        return "excused", OWN
    if "a Tensor is not an array" in message or "would lose its gradient" in message:
        if any(f"{os.sep}scipy{os.sep}" in file for file, _ in frames):
            return "excused", SCIPY
        if not {"__array_function__", "__array_ufunc__"} & {function for _, function in frames}:
            return "excused", UNDISPATCHED
    if isinstance(error, ag.GradientError):
        return "fails", WRONG
    if found := re.match(r"(.+?) has no rule", message):
        return "fails", f"no rule: {found[1]}"
    return "fails", f"{type(error).__name__}: {message[:120]}"


class Watcher:
    """A plugin of pytest that keeps what came of each test."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def pytest_runtest_setup(self, item: Any) -> None:
        checked.clear()
        left_out.clear()

    def pytest_runtest_makereport(self, item: Any, call: Any) -> None:
        if call.excinfo is None and call.when != "call":
            return
        test = f"{item.path.stem}::{item.name}"
        verdict, reason = "passes", ""
        if item.originalname in EXCUSED:
            verdict, reason = "excused", EXCUSED[item.originalname]
        elif call.excinfo is not None:
            frames = [(str(f.path), f.name) for f in call.excinfo.traceback]
            verdict, reason = outcome_of(call.excinfo.value, frames)
            if reason == WRONG:
                reason = CONVENTIONS.get(item.originalname, WRONG)
        elif left_out and not checked:
            verdict, reason = "excused", left_out[0]
        self.outcomes.append(Outcome(test, verdict, reason))

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            message = str(report.longrepr).strip().splitlines()[-1]
            self.outcomes.append(Outcome(report.nodeid, "fails", f"not imported: {message}"))


def run(folder: Path, chosen: str = "") -> list[Outcome]:
    """What comes of each test in a folder, in this process: its modules `autograd` are replaced."""
    watcher = Watcher()
    sys.dont_write_bytecode = True
    sys.modules.update(modules())
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-W", "ignore"]
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(
            [*options, "-c", os.devnull, "--rootdir", str(folder), "-k", chosen, str(folder)],
            plugins=[watcher],
        )
    return watcher.outcomes


def report(outcomes: list[Outcome]) -> Iterator[str]:
    """How many pass, why others are excused, and why the rest fails."""
    of = {v: [o for o in outcomes if o.verdict == v] for v in ("passes", "excused", "fails")}
    for verdict in ("excused", "fails"):
        tests = defaultdict(list)
        for o in of[verdict]:
            tests[o.reason].append(o.test)
        yield f"{verdict}: {len(of[verdict])}"
        for reason, names in sorted(tests.items(), key=lambda item: (-len(item[1]), item[0])):
            yield f"  {len(names):3}  {reason}"
            if verdict == "fails":
                shown = [name.removeprefix("test_").replace("::test_", ":") for name in names]
                yield from textwrap.wrap(
                    " ".join(shown), 92, initial_indent=" " * 7, subsequent_indent=" " * 7
                )
    apply = len(of["passes"]) + len(of["fails"])
    yield f"{len(of['passes'])} of {apply} tests that apply pass ({len(outcomes)} in all)"


def main(arguments: list[str] | None = None) -> int:
    """Run the tests, print the report; the exit code is 1 if a derivative is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="the folder tests of HIPS/autograd")
    parser.add_argument("-k", default="", metavar="NAMES", help="which tests, as pytest's -k")
    options = parser.parse_args(arguments)
    outcomes = run(options.folder.resolve(), options.k)
    print("\n".join(report(outcomes)))
    return int(not outcomes or any(o.reason == WRONG for o in outcomes))


if __name__ == "__main__":
    sys.exit(main())
