"""Samples of the elementwise functions beyond the first few."""

from __future__ import annotations

import numpy as np

_rng = np.random.default_rng(11)
A = _rng.normal(size=(2, 3))

SAMPLES = {
    np.tan: [(np.tan, (A,))],
}
