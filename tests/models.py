"""Models as people write them in plain NumPy, each with its twin in PyTorch.

The files beside this one fill the table: `models_images.py` and its kin.
"""

from __future__ import annotations

import numpy as np

MODELS: dict = {}  # name: (the model in NumPy, its twin in PyTorch, the shapes of its parameters)


def model(twin, *shapes):
    """Put a model in the table: a cost of parameters, and what PyTorch (t) computes instead."""

    def decorate(f):
        # pytest, which looks for doctests, imports these files under a second name.
        known, *_ = MODELS.get(f.__name__, (f,))
        assert known.__code__.co_filename == f.__code__.co_filename, f.__name__
        assert known.__code__.co_firstlineno == f.__code__.co_firstlineno, f.__name__
        MODELS[f.__name__] = (f, twin, shapes)
        return f

    return decorate


def sigmoid(x):
    return 1 / (1 + np.exp(-x))
