"""Samples of scipy.special's functions."""

from __future__ import annotations

import functools

import numpy as np

from autograd_lite.functions.special import polygamma, special

_rng = np.random.default_rng(12)
POSITIVE, OTHER = _rng.uniform(0.4, 1.8, size=(2, 3)), _rng.uniform(0.4, 1.8, size=3)
WITHIN = _rng.uniform(0.2, 0.8, size=3)

# Names of functions: where to try them.
_ONE = (
    "erf erfc erfcx erfi dawsn ndtr log_ndtr gamma gammaln loggamma rgamma digamma expit log_expit "
    "exp2 exp10 expm1 log1p cosm1 cbrt entr i0 i1 i0e i1e"
)
_OF = dict.fromkeys(_ONE.split(), (POSITIVE,))
_OF |= dict.fromkeys(["erfinv", "erfcinv", "ndtri", "logit"], (WITHIN,))
_OF |= dict.fromkeys(
    ["beta", "betaln", "xlogy", "xlog1py", "rel_entr", "kl_div", "huber"], (POSITIVE, OTHER)
)
_AFTER_A_NUMBER = ("gammainc", "gammaincc", "iv", "ive", "huber")

SAMPLES = {}
if special:
    for _name, _arrays in _OF.items():
        SAMPLES[getattr(special, _name)] = [(getattr(special, _name), _arrays)]
    for _name in _AFTER_A_NUMBER:
        _function = getattr(special, _name)
        SAMPLES.setdefault(_function, []).append((functools.partial(_function, 1.5), (POSITIVE,)))
    SAMPLES[polygamma] = [(lambda x: polygamma(x, n=2), (POSITIVE,))]
