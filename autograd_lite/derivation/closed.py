"""The closed form of a gradient: its recorded graph, read as one expression of named tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.algebra.matrices import identity_matrix, in_matrices
from autograd_lite.algebra.reading import Reader
from autograd_lite.algebra.shortening import Shortener
from autograd_lite.algebra.tree import Expression, Symbol
from autograd_lite.derivation.named_tape import NamedTape
from autograd_lite.graph import Step


def _is_identity(a: np.ndarray) -> bool:
    return a.ndim == 2 and len(a) > 1 and np.array_equal(a, np.eye(len(a)))


def read(tape: NamedTape, step: Step) -> Expression:
    """A step as one expression of the tensors that have names, in matrix form."""

    def letter(s: Step) -> Expression | None:
        if s.op is None and not s.label and _is_identity(s.value):
            return identity_matrix(len(s.value))
        if s.number in tape.known:
            return tape.known[s.number]
        given = s.op is not None and (s.is_gradient or s.number in tape.given)
        return None if given or s.number not in tape.labels else tape.symbol(s.number)

    return in_matrices(Reader(letter, tape.inactive)(step))
