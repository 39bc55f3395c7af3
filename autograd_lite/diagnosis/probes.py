"""A quick look at whether a change of one gradient can explain what was handed in.

The backward pass is linear in what arrives: seen along a direction R at a claim, a change δ of the
gradient of x is ⟨δ, u⟩ there, where u is the tangent of x as the claim's tensor moves along R. The
tangents of all tensors take one walk, and each mistake at each place then a product of two arrays.
"""

from __future__ import annotations

import numpy as np

from autograd_lite.diagnosis.claims import Claim
from autograd_lite.diagnosis.points import Array, Point, unless_it_fails
from autograd_lite.graph import Step
from autograd_lite.rules import RULES
from autograd_lite.tensor import Tensor, constant
from autograd_lite.walk import gradients

MOST_PROBES = 24  # claims that are looked at; what is near them is compared with them at once


class Probe:
    """One claim along one random direction, and the tangents of all tensors for it."""

    def __init__(self, claim: Claim, direction: Array, tangents: dict[int, Array]) -> None:
        self.claim, self.direction, self.tangents = claim, direction, tangents
        self.off = 0.0  # what was handed in less what the tape has, along the direction
        self.noise = self.fine = 0.0  # by how much that may be wrong, if copied by hand, or not

    def along(self, gradient: Array) -> float:
        """A gradient of the claim's tensor along the direction."""
        return float(np.vdot(self.direction, gradient))


def probes(point: Point, claims: list[Claim], cut: frozenset[int]) -> list[Probe]:
    """A probe for open claims of the right shape, for many a few; none where the tangents fail."""
    fit = [c for c in claims if c.given and c.given[0].shape == c.step.shape and not c.settled]
    fit = sorted(fit, key=lambda c: c.step.op is not None)[:MOST_PROBES]  # parameters first
    rng = np.random.default_rng(0)
    directions = [rng.normal(size=c.step.shape).astype(c.step.value.dtype) for c in fit]
    if not fit:
        return []
    with unless_it_fails():
        starts = {
            c.step.number: (j, d) for j, (c, d) in enumerate(zip(fit, directions, strict=True))
        }
        walked = tangents(point, starts, cut)
        return [
            Probe(c, d, walked[j]) for j, (c, d) in enumerate(zip(fit, directions, strict=True))
        ]
    return []


def tangents(
    point: Point, starts: dict[int, tuple[int, Array]], cut: frozenset[int]
) -> list[dict[int, Array]]:
    """For each start, by step number: how the values move when its tensor moves along it."""
    moved: list[dict[int, Array]] = [{} for _ in starts]
    for t in reversed(point.paths.down):
        for k, x in enumerate(t.inputs if t.op is not None else ()):
            if not point.paths.flows(t, k) or x.number in cut:
                continue
            below = [m for m in moved if x.number in m]
            for m, u in zip(below, adjoint(point, t, k, [m[x.number] for m in below]), strict=True):
                m[t.number] = m[t.number] + u if t.number in m else u
        if t.number in starts:
            j, direction = starts[t.number]
            moved[j][t.number] = direction
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
