"""A quick look at whether a change of one gradient can explain what was handed in.

The backward pass is linear in what arrives: seen along a direction R at a claim, a change δ of the
gradient of x is ⟨δ, u⟩ there, where u is the tangent of x as the claim's tensor moves along R. The
tangents of all tensors take one walk, and each mistake at each place then a product of two arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd_lite.diagnosis.claims import Claim
from autograd_lite.diagnosis.points import Array, Point
from autograd_lite.diagnosis.tolerances import max_norm
from autograd_lite.graph import Step
from autograd_lite.rules import RULES
from autograd_lite.tensor import Tensor, constant
from autograd_lite.walk import gradients


class Probe(NamedTuple):
    """What a mistake has to change a claim by, seen along one direction.

    off: what was handed in less what the tape has; noise, fine: by how much that may be wrong, if
    it was copied by hand, or not.
    """

    direction: Array
    off: float
    noise: float
    fine: float


def probe(claim: Claim, right: Array, tolerances: Any, rng: np.random.Generator) -> Probe:
    """Look at a claim along what it is off by, where that is more than noise.

    Along this direction the claim is off by more than its noise, whatever that is: a mistake that
    changes next to nothing is told from one that explains it.
    """
    given, step = claim.given[0], claim.step
    noise, fine = (f(step, given, given) for f in (tolerances, tolerances.fine))
    off = np.asarray(given - right, step.value.dtype)
    direction = np.where(np.abs(off) > noise, off, 0) / (max_norm(np.abs(off)) or 1.0)
    direction *= rng.uniform(0.5, 1.5, off.shape)  # so that nothing cancels by symmetry
    size = 1.01 * float(np.abs(direction).sum())
    return Probe(direction, float(np.vdot(direction, off)), size * noise, size * fine)


def tangents(
    point: Point,
    starts: Mapping[int, Mapping[int, Array]],
    of: Mapping[int, Sequence[int]],
    cut: frozenset[int],
) -> dict[int, dict[int, Array]]:
    """By step, then by probe: how its value moves when the tensors of the probe move along it.

    starts: by step, then by probe, the direction. of: by step, the probes of interest there; what
    is of interest at a step is so below it, too.
    """
    moved: dict[int, dict[int, Array]] = {}
    for t in reversed(point.paths.down):
        here = dict(starts.get(t.number, {}))
        for k, x in point.paths.edges[t.number]:
            below = moved[x.number] if x.number not in cut else {}
            below = {n: u for n, u in below.items() if n in of[t.number]}
            parts = adjoint(point, t, k, list(below.values()))
            for n, u in zip(below, parts, strict=True):
                here[n] = here[n] + u if n in here else u
        moved[t.number] = {n: here[n] for n in of[t.number] if n in here}
    return moved


def adjoint(point: Point, t: Step, k: int, parts: list[Array]) -> list[Array]:
    """How the value of t moves as its argument k does: the adjoint of the rule, linear in g."""
    if not parts:
        return []
    g = Tensor(np.zeros(t.shape, t.value.dtype), requires_grad=True)
    arguments = [constant(a) if isinstance(a, np.ndarray) else a for a in point.arguments(t)]
    y = constant(point.values[t.number])
    out = RULES[t.op][k](g, y, *arguments, **t.static)  # type: ignore[index]
    if not isinstance(out, Tensor):
        return [np.zeros(t.shape, t.value.dtype)] * len(parts)
    shape, dtype = out.shape, out.dtype
    return [gradients(out, [g], gradient=np.broadcast_to(u, shape).astype(dtype))[0] for u in parts]
