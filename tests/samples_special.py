"""Samples of scipy.special's functions."""

from __future__ import annotations

import functools

import numpy as np

from autograd_lite.functions.special import special

_rng = np.random.default_rng(12)
POSITIVE, OTHER = _rng.uniform(0.4, 1.8, size=(2, 3)), _rng.uniform(0.4, 1.8, size=3)
WITHIN = _rng.uniform(0.2, 0.8, size=3)

# Names of functions: where to try them.
_ONE = (
    "erf erfc erfcx erfi dawsn ndtr log_ndtr gamma gammaln loggamma rgamma digamma expit log_expit "
    "exp2 exp10 expm1 log1p cosm1 cbrt entr i0 i1 i0e i1e "
    "j0 j1 y0 y1 k0 k1 k0e k1e exp1 expi spence"
)
_OF = dict.fromkeys(_ONE.split(), (POSITIVE,))
_OF |= dict.fromkeys(["erfinv", "erfcinv", "ndtri", "logit"], (WITHIN,))
_OF |= dict.fromkeys(
    ["beta", "betaln", "xlogy", "xlog1py", "rel_entr", "kl_div", "huber"], (POSITIVE, OTHER)
)
# What stands before the array.
_AFTER = dict.fromkeys(
    ["gammainc", "gammaincc", "iv", "ive", "huber", "jv", "yv", "kv", "kve"], (1.5,)
)
_AFTER |= dict.fromkeys(["yn", "kn", "expn"], (2,)) | {"_zeta": (2.5,)}
_AFTER |= dict.fromkeys(["betainc", "betaincc"], (2.0, 3.0))

SAMPLES = {}
if special:
    for _name, _arrays in _OF.items():
        SAMPLES[getattr(special, _name)] = [(getattr(special, _name), _arrays)]
    for _name, _orders in _AFTER.items():
        _function = getattr(special, _name, None) or getattr(special._ufuncs, _name)
        _call = functools.partial(_function, *_orders)
        _array = WITHIN if "beta" in _name else POSITIVE
        SAMPLES.setdefault(_function, []).append((_call, (_array,)))
    SAMPLES[special.expn].append((functools.partial(special.expn, 0), (POSITIVE,)))
