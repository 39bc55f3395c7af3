"""Starting values of a network's weights. Biases always start at zero.

An initialiser is any function of a random generator and a layer's two sizes that returns the
weights of `n_out` units with `n_in` inputs each, an array of shape (n_out, n_in).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nn.arrays import Array

Initialiser = Callable[[np.random.Generator, int, int], Array]


def small(rng: np.random.Generator, n_in: int, n_out: int) -> NDArray[np.float64]:
    """Small random values, 0.01 · N(0, 1): for shallow networks, as textbooks begin.

    >>> small(np.random.default_rng(0), n_in=3, n_out=2).shape
    (2, 3)
    """
    return 0.01 * rng.standard_normal((n_out, n_in))


def glorot(rng: np.random.Generator, n_in: int, n_out: int) -> NDArray[np.float64]:
    """N(0, 2 / (n_in + n_out)): keeps the scale of tanh and sigmoid layers, there and back.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", 2010.

    >>> W = glorot(np.random.default_rng(0), n_in=300, n_out=100)
    >>> f"{W.std():.3f}"
    '0.071'
    """
    return math.sqrt(2 / (n_in + n_out)) * rng.standard_normal((n_out, n_in))


def he(rng: np.random.Generator, n_in: int, n_out: int) -> NDArray[np.float64]:
    """N(0, 2 / n_in): keeps the scale of relu layers, which lose half of it.

    Source: He et al., "Delving deep into rectifiers", 2015.

    >>> W = he(np.random.default_rng(0), n_in=200, n_out=100)
    >>> f"{W.std():.3f}"
    '0.100'
    """
    return math.sqrt(2 / n_in) * rng.standard_normal((n_out, n_in))


BY_NAME: dict[str, Initialiser] = {"small": small, "glorot": glorot, "he": he}
