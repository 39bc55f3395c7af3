"""The closed form of a gradient: its recorded graph, read as one expression of named tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd_lite.algebra.matrices import in_matrices
from autograd_lite.algebra.reading import Reader
from autograd_lite.algebra.shortening import Shortener
from autograd_lite.algebra.tree import Expression, Symbol
from autograd_lite.derivation.named_tape import NamedTape
from autograd_lite.graph import Step


def read(tape: NamedTape, step: Step) -> Expression:
    """A step as one expression of the tensors that have names, in matrix form."""

    def letter(s: Step) -> Expression | None:
        if s.number in tape.known:
            return tape.known[s.number]
        if s.is_gradient or s.number not in tape.labels:
            return None
        if s.op is not None and s.number in tape.given:
            return None
        return tape.symbol(s.number)

    return in_matrices(Reader(letter, tape.inactive)(step))
