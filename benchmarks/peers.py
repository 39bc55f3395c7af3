"""What this project and six others can do, each found out by trying.

`python -m benchmarks.peers` prints a table. A cell is `yes` if the call that is written here gives
what is right, `no` if it gives something else or an error, and `–` if there is nothing to call. A
library that is not installed has no column: `pip install -e ".[bench]" tensorgrad` has them all.
"""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

PEERS = ["autograd_lite", "torch", "jax", "autograd", "mygrad", "sympy", "tensorgrad"]
X = np.array([0.5, -1.0, 0.25])
A = np.array([[1.0, 2.0, 0.0], [0.0, -1.0, 1.0], [3.0, 0.0, 1.0]])

Trial = Callable[[Any], Any]
TRIALS: dict[str, dict[str, Trial]] = {}


def trial(capability: str, *libraries: str) -> Callable[[Trial], Trial]:
    """How these libraries are tried for a capability; the function is handed the library."""

    def kept(function: Trial) -> Trial:
        TRIALS.setdefault(capability, {}).update(dict.fromkeys(libraries, function))
        return function

    return kept


def close(value: Any, right: Any) -> bool:
    """Whether they agree, in float32 too."""
    return np.allclose(np.asarray(value, dtype=float), right, rtol=1e-4, atol=1e-5)


# A gradient of NumPy code as it stands

NUMPY = "the gradient of code that calls NumPy's functions, unchanged"


def numpy_code(x: Any) -> Any:
    """The code: it knows of no library but NumPy."""
    return np.sum(x * np.tanh(x))


SLOPE = np.tanh(X) + X * (1 - np.tanh(X) ** 2)


@trial(NUMPY, "autograd_lite", "jax", "autograd")
def _by_function(library: Any) -> bool:
    return close(library.grad(numpy_code)(X), SLOPE)


@trial(NUMPY, "torch", "mygrad", "sympy", "tensorgrad")
def _by_tensor(library: Any) -> bool:
    if library.__name__ in ("sympy", "tensorgrad"):
        numpy_code(letter(library))  # which would be a formula
    x = library.tensor(X, **{"requires_grad": True} if library.__name__ == "torch" else {})
    numpy_code(x).backward()
    return close(x.grad, SLOPE)


def letter(library: Any) -> Any:
    """A vector that is a letter."""
    sympy = importlib.import_module("sympy")
    n = sympy.Symbol("n")
    return library.Variable("x", n) if library is not sympy else sympy.MatrixSymbol("x", n, 1)


def same(derivative: Any, formula: Any) -> bool:
    """Whether two expressions of tensorgrad are the same in its own simplest form."""
    return derivative.full_simplify() == formula.full_simplify()


# Second derivatives

HESSIAN = "second derivatives"
CURVATURE = np.diag(6 * X)  # of Σ x³


@trial(HESSIAN, "autograd_lite", "jax", "autograd")
def _hessian(library: Any) -> bool:
    return close(library.hessian(lambda x: (x * x * x).sum())(X), CURVATURE)


@trial(HESSIAN, "torch")
def _hessian_of_torch(torch: Any) -> bool:
    f = torch.autograd.functional.hessian
    return close(f(lambda x: (x**3).sum(), torch.tensor(X)), CURVATURE)


@trial(HESSIAN, "mygrad")
def _gradient_twice(mygrad: Any) -> bool:
    x = mygrad.tensor(X)
    (x**3).sum().backward()
    slope = x.grad
    slope.sum().backward()
    return close(x.grad, np.diag(CURVATURE))


@trial(HESSIAN, "tensorgrad")
def _derivative_twice(tg: Any) -> bool:
    x = letter(tg)
    cost = importlib.import_module("tensorgrad.functions").sum(x * x * x)
    second = tg.Derivative(tg.Derivative(cost, x), x)
    return same(second, 6 * tg.diag(x, list(second.edges)))


@trial(HESSIAN, "sympy")
def _hessian_of_sympy(sympy: Any) -> bool:
    x = sympy.symbols("x:3")
    H = sympy.hessian(sum(one**3 for one in x), x)
    return close(H.subs(dict(zip(x, X, strict=True))).tolist(), CURVATURE)


# Formulas

CLOSED = "the derivative of xᵀ A x as a formula with x and A in it"


@trial(CLOSED, "autograd_lite")
def _closed(ag: Any) -> bool:
    return ag.derive("xᵀ A x", wrt="x").formula == "(A + Aᵀ) x"


@trial(CLOSED, "sympy")
def _closed_by_sympy(sympy: Any) -> bool:
    n = sympy.Symbol("n")
    A, x = sympy.MatrixSymbol("A", n, n), sympy.MatrixSymbol("x", n, 1)
    return (x.T * A * x).diff(x) == A * x + A.T * x


@trial(CLOSED, "tensorgrad")
def _closed_by_tensorgrad(tg: Any) -> bool:
    x = letter(tg)
    (n,) = x.shape.values()
    matrix = tg.Variable("A", n, k=n)
    slope = tg.Derivative(x @ matrix @ x.rename(n="k"), x)
    transposed = matrix.rename(n="k", k="n")
    return same(slope, matrix @ x.rename(n="k") + transposed @ x.rename(n="k"))


SOFTMAX = "the derivative of log Σ exp(z) as a formula with the vector z in it"
SHARES = np.exp(X) / np.exp(X).sum()


@trial(SOFTMAX, "autograd_lite")
def _softmax(ag: Any) -> bool:
    return ag.derive("log(sum(exp(z)))", wrt="z").formula == "softmax(z)"


@trial(SOFTMAX, "sympy")
def _softmax_by_sympy(sympy: Any) -> bool:
    z = letter(sympy)
    ones = sympy.OneMatrix(1, z.shape[0])
    slope = sympy.log((ones * z.applyfunc(sympy.exp))[0, 0]).diff(z)
    return close(slope.subs(z.shape[0], 3).subs(z, sympy.Matrix(X)), SHARES)


@trial(SOFTMAX, "tensorgrad")
def _softmax_by_tensorgrad(tg: Any) -> bool:
    x, of = letter(tg), importlib.import_module("tensorgrad.functions")
    slope = tg.Derivative(of.log(of.sum(of.exp(x))), x)
    return same(slope, of.softmax(x, dim="n"))


NOTE = "a claim in a note, in LaTeX, judged"


@trial(NOTE, "autograd_lite")
def _note(ag: Any) -> bool:
    note = r"$x \in \mathbb{R}^n$, $$f = x^T x$$ $$\frac{\partial f}{\partial x} = "
    report = [ag.check_derivation(f"\n{note} {claim}$$\n") for claim in ("2 x", "x")]
    return [bool(r) for r in report] == [True, False]


# A wrong rule: tanh, with 1 − y for 1 − y²

RULE = "a gradient that is derived by hand is found to be wrong"


def found(check: Callable[[], Any]) -> str:
    """What a check says of what is wrong: nothing where it passes."""
    try:
        check()
    except Exception as error:
        return str(error) or type(error).__name__
    return ""


@trial(RULE, "autograd_lite")
def wrong_for_ag(ag: Any) -> str:
    """What check_backward says."""
    forward = lambda x: (np.tanh(x), np.tanh(x))
    return found(lambda: ag.check_backward(forward, wrong_backward, (X,)).raise_if_wrong())


def wrong_backward(dy: Any, y: Any) -> Any:
    """Of tanh; 1 − y² would be right."""
    return dy * (1 - y)


@trial(RULE, "torch")
def wrong_for_torch(torch: Any) -> str:
    """What gradcheck says."""

    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            y = torch.tanh(x)
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            return wrong_backward(dy, *ctx.saved_tensors)

    x = torch.tensor(X, requires_grad=True)
    return found(lambda: torch.autograd.gradcheck(Wrong.apply, (x,)))


@trial(RULE, "jax")
def wrong_for_jax(jax: Any) -> str:
    """What check_grads says."""
    tanh = jax.custom_vjp(jax.numpy.tanh)
    tanh.defvjp(lambda x: (jax.numpy.tanh(x),) * 2, lambda y, dy: (wrong_backward(dy, y),))
    check = importlib.import_module("jax.test_util").check_grads
    return found(lambda: check(tanh, (X,), order=1, modes="rev"))


@trial(RULE, "autograd")
def wrong_for_autograd(autograd: Any) -> str:
    """What check_grads says."""
    extend = importlib.import_module("autograd.extend")
    tanh = extend.primitive(np.tanh)
    extend.defvjp(tanh, lambda y, x: lambda dy: wrong_backward(dy, y))
    check = importlib.import_module("autograd.test_util").check_grads
    return found(lambda: check(tanh, modes=["rev"], order=1)(X))


CAUSE = "… and what is said names the factor that would be right"
for _library in ("autograd_lite", "torch", "jax", "autograd"):
    wrong = TRIALS[RULE][_library]
    trial(CAUSE, _library)(lambda library, wrong=wrong: "1 - y**2" in wrong(library))


# What others have

COMPLEX = "the gradient of abs(z)² for a complex z"


@trial(COMPLEX, "autograd_lite", "jax", "autograd")
def _complex(library: Any) -> bool:
    own = ["jax.numpy", "autograd.numpy"]
    numpy = next((m for m in own if m.startswith(library.__name__ + ".")), "numpy")
    of = importlib.import_module(numpy)
    slope = library.grad(lambda z: of.sum(of.abs(z) ** 2))(np.array([1.0 + 2.0j]))
    return bool(np.allclose(np.abs(slope), 2 * abs(1 + 2j)))


@trial(COMPLEX, "torch")
def _complex_of_torch(torch: Any) -> bool:
    z = torch.tensor([1.0 + 2.0j], requires_grad=True)
    (z.abs() ** 2).sum().backward()
    return bool(np.allclose(np.abs(z.grad.numpy()), 2 * abs(1 + 2j)))


@trial(COMPLEX, "mygrad")
def _complex_of_mygrad(mygrad: Any) -> bool:
    z = mygrad.tensor([1.0 + 2.0j])
    (mygrad.abs(z) ** 2).sum().backward()
    return bool(np.allclose(np.abs(z.grad), 2 * abs(1 + 2j)))


BATCHED = "a function of one sample made one of many (vmap)"


@trial(BATCHED, "torch", "jax")
def _vmap(library: Any) -> bool:
    array = library.numpy.asarray if library.__name__ == "jax" else library.tensor
    return close(library.vmap(lambda x: x.sum())(array(A)), A.sum(axis=1))


DEVICE = "arrays can be put on a device, such as a GPU"
trial(DEVICE, "torch")(lambda torch: close(torch.tensor(X).to("cpu"), X))
trial(DEVICE, "jax")(lambda jax: close(jax.device_put(X, jax.devices("cpu")[0]), X))


def cell(library: Any, tries: dict[str, Trial]) -> str:
    """What trying gives."""
    if library.__name__ not in tries:
        return "–"
    try:
        return "yes" if tries[library.__name__](library) else "no"
    except Exception:  # of any kind: that it cannot is the finding
        return "no"


def table(libraries: list[Any]) -> list[str]:
    """The lines of the table, in Markdown."""
    names = ["autograd-lite" if x.__name__ == "autograd_lite" else x.__name__ for x in libraries]
    lines = [f"| | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for capability, tries in TRIALS.items():
        cells = [cell(library, tries) for library in libraries]
        lines.append(f"| {capability} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Print the table of what is installed."""
    warnings.simplefilter("ignore")
    logging.disable()
    libraries = []
    for name in PEERS:
        try:
            libraries.append(importlib.import_module(name))
        except ImportError:
            print(f"{name} is not installed")
    print("\n".join(table(libraries)))


if __name__ == "__main__":
    main()
