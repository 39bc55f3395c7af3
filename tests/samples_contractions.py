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
