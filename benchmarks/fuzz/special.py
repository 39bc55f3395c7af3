"""scipy.special."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from autograd_lite.functions.special import special
from benchmarks.fuzz.operations import CONSTANT, of_positive, t, unary
from benchmarks.fuzz.programs import SLOPE, Chosen, Entry

if TYPE_CHECKING:
    from benchmarks.fuzz.drafts import Draft


def between_minus_one_and_one(d: Draft) -> Chosen:
    return (d.add_any("tanh", d.pick()),), {}


def between_zero_and_one(d: Draft) -> Chosen:
    return (d.add_any("sigmoid", d.pick()),), {}


def two_positive(d: Draft) -> Chosen:
    a = d.positive()
    return (a, d.add_any("add", d.add_any("square", a), d.one([0.5, 1]))), {}


def of_some_order(d: Draft) -> Chosen:
    return (d.positive(),), {"v": d.one([0.5, 1.5, 2])}


def of_half_order(d: Draft) -> Chosen:
    return (d.positive(),), {"v": d.one([0.5, 1.5])}


def entry(name: str, torch: Any, choose: Any = unary, **extra: Any) -> Entry:
    options = {"rounds": SLOPE, "weight": 0.1, "domain": lambda *x: _small(*x)} | extra
    places = {two_positive: "{0}, {1}", of_some_order: "{v}, {0}", of_half_order: "{v}, {0}"}
    arguments = options.pop("arguments", places.get(choose, "{0}"))
    return Entry((f"special.{name}({arguments})",), choose, torch, **options)


def _small(*operands: Any) -> tuple[Any, ...]:
    return tuple(np.all(np.abs(x) < 4) for x in operands)


def _inside(*operands: Any) -> tuple[Any, ...]:
    return tuple(np.all(np.abs(x - 0.5) < 0.45) for x in operands)


# PyTorch's names, and what PyTorch lacks


def s(name: str, *arguments: Any) -> Any:
    return t(f"special.{name}", *arguments)


def torch_gammaln(x: Any) -> Any:
    """By Stirling's series, 16 steps up: PyTorch's trigamma has too few digits."""
    z = x + 16
    terms = zip((12, -360, 1260, -1680, 1188), (1, 3, 5, 7, 9), strict=True)
    y = (z - 0.5) * z.log() - z + sum(1 / (c * z**n) for c, n in terms)
    y = y - sum((x + k).log() for k in range(16))
    return y + (s("gammaln")(x) - y).detach()


def torch_digamma(x: Any) -> Any:
    z = x + 16
    terms = zip((-12, 120, -252, 240, -132), (2, 4, 6, 8, 10), strict=True)
    y = z.log() - 1 / (2 * z) + sum(1 / (c * z**n) for c, n in terms)
    y = y - sum(1 / (x + k) for k in range(16))
    return y + (s("digamma")(x) - y).detach()


def torch_betaln(a: Any, b: Any) -> Any:
    return torch_gammaln(a) + torch_gammaln(b) - torch_gammaln(a + b)


def torch_half(kind: float, v: float, x: Any) -> Any:
    """Iᵥ for the orders that are drawn, times exp(-kind x)."""
    scale = (-kind * x).exp()
    if v == 2:
        return scale * (s("i0")(x) - 2 * s("i1")(x) / x)
    wave = x.sinh() if v == 0.5 else x.cosh() - x.sinh() / x
    return scale * wave * (2 / (math.pi * x)) ** 0.5


def torch_wave(second: bool, v: float, x: Any) -> Any:
    """Jᵥ for the orders that are halves, or Yᵥ."""
    a, b = (-x.cos(), -x.sin()) if second else (x.sin(), -x.cos())
    return (2 / (math.pi * x)) ** 0.5 * (a if v == 0.5 else a / x + b)


def torch_decay(scaled: bool, v: float, x: Any) -> Any:
    """Kᵥ for the orders that are halves, perhaps times exp(x)."""
    y = (math.pi / (2 * x)) ** 0.5 * (1 if v == 0.5 else 1 + 1 / x)
    return y if scaled else y * (-x).exp()


def torch_betainc(x: Any) -> Any:
    """Of 2 and 3: the integral of 12 t (1 - t)²."""
    return 6 * x**2 - 8 * x**3 + 3 * x**4


def torch_huber(v: float, r: Any) -> Any:
    a = abs(r)
    return t("where")(a <= v, a * a / 2, v * (a - v / 2))


TABLE: dict[str, Entry] = {
    "erf": entry("erf", s("erf"), weight=0.3),
    "erfc": entry("erfc", s("erfc")),
    "erfcx": entry("erfcx", s("erfcx"), of_positive),
    "erfi": entry(
        "erfi",
        lambda x: 2 / math.sqrt(math.pi) * _series(x),
        domain=lambda x: (np.all(np.abs(x) < 1.5),),
    ),
    "dawsn": entry(
        "dawsn",
        lambda x: (-x * x).exp() * _series(x),
        domain=lambda x: (np.all(np.abs(x) < 1.5),),
    ),
    "erfinv": entry(
        "erfinv",
        s("erfinv"),
        between_minus_one_and_one,
        domain=lambda x: (np.all(np.abs(x) < 0.9),),
    ),
    "erfcinv": entry("erfcinv", lambda x: s("erfinv")(1 - x), between_zero_and_one, domain=_inside),
    "ndtr": entry("ndtr", s("ndtr")),
    "log_ndtr": entry("log_ndtr", s("log_ndtr")),
    "ndtri": entry("ndtri", s("ndtri"), between_zero_and_one, domain=_inside),
    "gamma": entry("gamma", lambda x: torch_gammaln(x).exp(), of_positive),
    "gammaln": entry("gammaln", torch_gammaln, of_positive, weight=0.3),
    "loggamma": entry("loggamma", torch_gammaln, of_positive),
    "rgamma": entry("rgamma", lambda x: (-torch_gammaln(x)).exp(), of_positive),
    "digamma": entry("digamma", torch_digamma, of_positive),
    "beta": entry("beta", lambda a, b: torch_betaln(a, b).exp(), two_positive),
    "betaln": entry("betaln", torch_betaln, two_positive),
    "gammainc": entry("gammainc", lambda x, v: _incomplete("gammainc", x, v), of_some_order),
    "gammaincc": entry("gammaincc", lambda x, v: _incomplete("gammaincc", x, v), of_some_order),
    "expit": entry("expit", s("expit"), weight=0.3),
    "logit": entry("logit", s("logit"), between_zero_and_one, domain=_inside),
    "log_expit": entry("log_expit", t("nn.functional.logsigmoid")),
    "special.exp2": entry("exp2", s("exp2")),
    "exp10": entry("exp10", lambda x: (x * math.log(10)).exp()),
    "special.expm1": entry("expm1", s("expm1")),
    "special.log1p": entry("log1p", s("log1p"), of_positive),
    "cosm1": entry("cosm1", lambda x: x.cos() - 1),
    "special.cbrt": entry("cbrt", lambda x: x ** (1 / 3), of_positive),
    "xlogy": entry("xlogy", s("xlogy"), two_positive, weight=0.3),
    "xlog1py": entry("xlog1py", s("xlog1py"), two_positive),
    "entr": entry("entr", s("entr"), of_positive),
    "rel_entr": entry("rel_entr", lambda a, b: a * (a / b).log(), two_positive),
    "kl_div": entry("kl_div", lambda a, b: a * (a / b).log() - a + b, two_positive),
    "special.i0": entry("i0", s("i0"), of_positive),
    "i1": entry("i1", s("i1"), of_positive),
    "i0e": entry("i0e", s("i0e"), of_positive),
    "i1e": entry("i1e", s("i1e"), of_positive),
    "iv": entry("iv", lambda x, v: torch_half(0, v, x), of_some_order),
    "ive": entry("ive", lambda x, v: torch_half(1, v, x), of_some_order),
    "jv": entry("jv", lambda x, v: torch_wave(False, v, x), of_half_order),
    "yv": entry("yv", lambda x, v: torch_wave(True, v, x), of_half_order),
    "kv": entry("kv", lambda x, v: torch_decay(False, v, x), of_half_order),
    "kve": entry("kve", lambda x, v: torch_decay(True, v, x), of_half_order),
    "betainc": entry(
        "betainc",
        torch_betainc,
        between_zero_and_one,
        domain=_inside,
        arguments="2.0, 3.0, {0}",
    ),
    "betaincc": entry(
        "betaincc",
        lambda x: 1 - torch_betainc(x),
        between_zero_and_one,
        domain=_inside,
        arguments="2.0, 3.0, {0}",
    ),
    "gammasgn": entry("gammasgn", CONSTANT, of_positive),
    "huber": entry("huber", lambda x, v: torch_huber(v, x), of_some_order),
}


def _series(x: Any) -> Any:
    """The integral of exp(x²)."""
    term, total = x, x
    for k in range(1, 40):
        term = term * x * x / k
        total = total + term / (2 * k + 1)
    return total


def _incomplete(name: str, x: Any, v: float) -> Any:
    import torch

    return s(name)(torch.tensor(v, dtype=x.dtype), x)


if special is None:
    TABLE = {}
