"""Samples of scipy.special's functions."""

from __future__ import annotations

import functools

import numpy as np

from autograd_lite.functions.special import special

_rng = np.random.default_rng(12)
POSITIVE, OTHER = _rng.uniform(0.4, 1.8, size=(2, 3)), _rng.uniform(0.4, 1.8, size=3)

# Functions of a probability are tried on x / (1 + x), which stays one wherever x is moved to.
_OF_A_PROBABILITY = {"erfinv", "erfcinv", "ndtri", "logit", "betainc", "betaincc"}

# Names of functions: where to try them.
_ONE = (
    "erf erfc erfcx erfi dawsn ndtr log_ndtr gamma gammaln loggamma rgamma digamma expit log_expit "
    "exp2 exp10 expm1 log1p cosm1 cbrt entr i0 i1 i0e i1e "
    "j0 j1 y0 y1 k0 k1 k0e k1e exp1 expi spence erfinv erfcinv "
    "ndtri logit"
)
_OF = dict.fromkeys(_ONE.split(), (POSITIVE,))
_OF |= dict.fromkeys(
    ["beta", "betaln", "xlogy", "xlog1py", "rel_entr", "kl_div", "huber"], (POSITIVE, OTHER)
)
# What stands before the array.
_AFTER = dict.fromkeys(
    ["gammainc", "gammaincc", "iv", "ive", "huber", "jv", "yv", "kv", "kve"], (1.5,)
)
_AFTER |= dict.fromkeys(["yn", "kn", "expn"], (2,)) | {"_zeta": (2.5,)}
_AFTER |= dict.fromkeys(["betainc", "betaincc"], (2.0, 3.0))


def _sample(name, function, *before):
    """The function after what stands before its arrays."""
    if name in _OF_A_PROBABILITY:
        return lambda x: function(*before, x / (1 + x))
    return functools.partial(function, *before)


SAMPLES = {}
if special:
    for _name, _arrays in _OF.items():
        _function = getattr(special, _name)
        SAMPLES[_function] = [(_sample(_name, _function), _arrays)]
    for _name, _orders in _AFTER.items():
        _function = getattr(special, _name, None) or getattr(special._ufuncs, _name)
        SAMPLES.setdefault(_function, []).append((_sample(_name, _function, *_orders), (POSITIVE,)))
    SAMPLES[special.expn].append((_sample("expn", special.expn, 0), (POSITIVE,)))
