"""Elementwise functions beyond the first few."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.fuzz.operations import difference, function, of_positive, pair, quotient, t, unary
from benchmarks.fuzz.programs import CONSTANT, MOVES, OPERANDS, RESULT, SLOPE, Chosen, Entry

if TYPE_CHECKING:
    from benchmarks.fuzz.drafts import Draft

WEIGHT = 0.3


def of(name: str, torch: Callable[..., Any] | str | None = None, **extra: Any) -> Entry:
    """A function of one argument, which is drawn more seldom than the first few."""
    extra = {"choose": unary, "rounds": SLOPE, "weight": WEIGHT} | extra
    return Entry((f"np.{name}({{0}})",), torch=torch or t(name), **extra)


def of_two(name: str, torch: Callable[..., Any] | None = None, **extra: Any) -> Entry:
    """A function of two arguments."""
    extra = {"choose": pair, "rounds": RESULT, "weight": WEIGHT} | extra
    return Entry((f"np.{name}({{0}}, {{1}})",), torch=torch or t(name), **extra)


def sign_of(d: Draft) -> Chosen:
    """A value that is not 0, and a sign for it."""
    a = d.pick(where=lambda x: bool((x != 0).all()))
    return (a, d.other(a)), {}


def whole_power(d: Draft) -> Chosen:
    return (d.pick(), d.one([0, 1, -1, 3])), {}


def places(d: Draft) -> Chosen:
    return (d.pick(),), {"decimals": d.one([0, 1, -1])}


def torch_copysign(a: Any, b: Any) -> Any:
    """PyTorch has no second derivative of its own."""
    import torch

    return a * torch.sign(a) * torch.copysign(torch.ones_like(a), b).detach()


def torch_heaviside(x: Any, at_zero: Any) -> Any:
    import torch

    return torch.where(x == 0, at_zero, (x > 0).to(at_zero.dtype))


def torch_power(a: Any, n: Any) -> Any:
    return a * 2.0**n


def torch_cbrt(x: Any) -> Any:
    return x.sign() * x.abs() ** (1 / 3)


def torch_frexp(x: Any) -> Any:
    import torch

    return x * torch.exp2(-torch.frexp(x.detach())[1])


def torch_i0(x: Any) -> Any:
    """By its series: PyTorch has no second derivative of i0."""
    total = term = 1 + 0 * x
    for k in range(1, 40):
        term = term * (x / 2) ** 2 / k**2
        total = total + term
    return total


def torch_sinc(x: Any) -> Any:
    """By its series: PyTorch's second derivative is 0 at 0."""
    total = term = 1 + 0 * x
    for k in range(1, 40):
        term = -term * (np.pi * x) ** 2 / (2 * k * (2 * k + 1))
        total = total + term
    return total


def whole(a: Any, b: Any) -> Any:
    """How far a / b is from a whole number."""
    quotient = np.divide(a, b, dtype=float)
    return quotient - np.rint(quotient)


divisible = {
    "choose": quotient,
    "domain": lambda a, b: (np.all(np.abs(b) > 0.1), np.all(np.abs(np.divide(a, b)) < 100)),
    "gap": whole,
}
inside = {"domain": lambda x: (np.all(np.abs(x) < 0.95),)}
moderate = {"domain": lambda x: (np.all(np.abs(x) < 4),)}
itself = lambda x: x
from_whole = lambda x: x - np.rint(x)

TABLE: dict[str, Entry] = {
    "tan": function("tan", rounds=SLOPE, domain=lambda x: (np.all(np.abs(np.cos(x)) > 0.05),)),
    **{name: of(name) for name in ("sinh", "cosh", "arctan", "arcsinh", "exp2")},
    **{name: of(name, **inside) for name in ("arcsin", "arccos", "arctanh")},
    "arccosh": of("arccosh", choose=of_positive, domain=lambda x: (np.all(x > 1.05),)),
    **{name: of(name, choose=of_positive) for name in ("log2", "log10")},
    "degrees": of("degrees", t("rad2deg")),
    "radians": of("radians", t("deg2rad")),
    **{name: of(name) for name in ("rad2deg", "deg2rad")},
    "cbrt": of("cbrt", torch_cbrt, choose=of_positive),
    "reciprocal": of("reciprocal", choose=of_positive),
    "fabs": of("fabs", t("abs"), gap=itself),
    "sinc": of("sinc", torch_sinc, rounds=OPERANDS, **moderate),
    "i0": of("i0", torch_i0, rounds=OPERANDS, **moderate),
    "real": Entry(("np.real({0})", "{0}.real"), unary, MOVES, WEIGHT),
    "imag": Entry(("np.imag({0})", "{0}.imag"), unary, CONSTANT, WEIGHT),
    "conjugate": Entry(
        ("np.conjugate({0})", "{0}.conj()", "{0}.conjugate()"), unary, MOVES, WEIGHT
    ),
    "arctan2": of_two(
        "arctan2",
        domain=lambda a, b: (np.all((np.abs(a) > 0.1) | np.greater(b, 0.1)),),
    ),
    "hypot": of_two("hypot", domain=lambda a, b: (np.all(np.hypot(a, b, dtype=float) > 0.1),)),
    **{name: of_two(name, rounds=SLOPE) for name in ("logaddexp", "logaddexp2")},
    "fmax": of_two("fmax", t("maximum"), gap=difference),
    "fmin": of_two("fmin", t("minimum"), gap=difference),
    "remainder": Entry(
        ("{0} % {1}", "np.remainder({0}, {1})", "divmod({0}, {1})[1]"),
        torch=t("remainder"),
        rounds=RESULT,
        weight=WEIGHT,
        **divisible,
    ),
    "floor_divide": Entry(
        ("{0} // {1}", "np.floor_divide({0}, {1})", "np.divmod({0}, {1})[0]"),
        torch=CONSTANT,
        weight=WEIGHT,
        **divisible,
    ),
    "fmod": of_two("fmod", **divisible),
    "float_power": of_two(
        "float_power",
        t("pow"),
        choose=lambda d: ((d.positive(), d.one([2, 0.5, -1, 0, 3, np.float32(1.5)])), {}),
    ),
    "copysign": of_two("copysign", torch_copysign, choose=sign_of, gap=lambda a, b: np.asarray(b)),
    "heaviside": of_two("heaviside", torch_heaviside, gap=lambda x, at_zero: x),
    "nextafter": of_two("nextafter", lambda a, b: a + 0 * b, choose=quotient),
    "ldexp": of_two("ldexp", torch_power, choose=whole_power),
    "frexp": Entry(("np.frexp({0})[0]",), unary, torch_frexp, WEIGHT),
    "frexp, power": Entry(("np.frexp({0})[1]",), unary, CONSTANT, WEIGHT),
    "modf": Entry(("np.modf({0})[0]",), unary, t("frac"), WEIGHT, RESULT, gap=from_whole),
    "modf, whole": Entry(("np.modf({0})[1]",), unary, CONSTANT, WEIGHT, gap=from_whole),
    "round": Entry(
        (
            "np.round({0}, {decimals})",
            "np.around({0}, {decimals})",
            "round({0}, {decimals})",
            "{0}.round({decimals})",
        ),
        places,
        CONSTANT,
        WEIGHT,
        gap=lambda x, decimals: x * 10.0**decimals - np.floor(x * 10.0**decimals) - 0.5,
    ),
    "fix": of("fix", CONSTANT, gap=from_whole),
    "signbit": of("signbit", CONSTANT, gap=itself),
    "spacing": of("spacing", CONSTANT, domain=lambda x: (x.dtype == float,)),
    "positive of a function": of("positive", MOVES),
}
