"""Samples of convolutions, the operations among NumPy's further products."""

from __future__ import annotations

import numpy as np

_rng = np.random.default_rng(13)
LONG, SHORT = _rng.normal(size=5), _rng.normal(size=3)

SAMPLES = {
    np.convolve: [
        (np.convolve, (LONG, SHORT)),
        (lambda a, v: np.convolve(a, v, "same"), (LONG, SHORT)),
        (lambda a, v: np.correlate(a, v, "full"), (SHORT, LONG)),
    ],
    np.correlate: [
        (np.correlate, (LONG, SHORT)),
        (lambda a, v: np.convolve(a, v, "valid"), (SHORT, LONG)),
    ],
}

COMPOSED = {  # of operations that have samples of their own
    "polynomials": [
        (np.polyadd, (LONG, SHORT)),
        (lambda a, b: np.polysub(b, a), (LONG, SHORT)),
        (lambda a: np.polyder(a, 2), (LONG,)),
        (lambda a, k: np.polyint(a, 2, k), (SHORT, LONG[:2])),
    ],
}
