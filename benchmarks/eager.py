"""Where the time of the eager tape goes: `python -m benchmarks.eager`.

The parts of a step, beside the NumPy calls that it makes by themselves; what recording adds to each
operation and what the walk adds to each rule; and what each guarantee costs (a step with it, over
the same step without it). One thread, least time of many rounds.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is loaded

import numpy as np  # noqa: E402

import autograd_lite as ag  # noqa: E402
import nn  # noqa: E402
from autograd_lite import rules, walk  # noqa: E402
from autograd_lite.functions import own  # noqa: E402
from benchmarks.engines import CASES, Case, by_hand, network, tape_logits  # noqa: E402

Step = Callable[[], Any]


def least(*steps: Step, rounds: int = 400, repeat: int = 10) -> list[float]:
    """The least time of each step in µs; they take turns."""
    best = [float("inf")] * len(steps)
    for _ in range(rounds):
        for k, step in enumerate(steps):
            start = time.perf_counter()
            for _ in range(repeat):
                step()
            best[k] = min(best[k], time.perf_counter() - start)
    return [t / repeat * 1e6 for t in best]


def parts() -> None:
    """A step of the user's path: each part, and what NumPy alone takes for the same calls."""
    print("µs                         all   net(X)     loss  backward   by hand")
    for case in CASES:
        net, _, X, Y = network(case)
        loss = nn.losses.binary_cross_entropy
        parameters = net.parameters().values()
        times = []
        for _ in range(2000 if sum(case.sizes) * case.m < 1e5 else 60):
            start = time.perf_counter()
            A = net(X)
            forward = time.perf_counter()
            J = loss(A, Y)
            cost = time.perf_counter()
            for p in parameters:
                p.zero_grad()
            J.backward()
            end = time.perf_counter()
            times.append((end - start, forward - start, cost - forward, end - cost))
            del A, J
        (hand,) = least(by_hand(case), rounds=60, repeat=3)
        shown = "".join(f"{t * 1e6:9.0f}" for t in np.median(times, axis=0))
        print(f"  {case.name:22}{shown}{hand:10.0f}")
    print()


def operations() -> None:
    """Each operation of a small network: by NumPy alone, recorded, and its rules."""
    W, x, b = np.ones((3, 4)), np.ones((4, 1)), np.ones((3, 1))
    one = [ag.Tensor(a, requires_grad=True) for a in (W, x, b)]
    Y = ag.Tensor(b, name="Y")
    loss = nn.losses.binary_cross_entropy_with_logits
    g = np.ones((3, 1))
    rows: list[tuple[str, Step, Step, Any, tuple[Any, ...]]] = [
        ("W @ A", lambda: W @ x, lambda: one[0] @ one[1], np.dot, (W, x)),
        ("… + b", lambda: b + b, lambda: one[2] + one[2], np.add, (b, b)),
        ("np.tanh", lambda: np.tanh(b), lambda: np.tanh(one[2]), np.tanh, (b,)),
        ("sigmoid", lambda: 1 / (1 + np.exp(-b)), lambda: ag.sigmoid(one[2]), rules.sigmoid, (b,)),
    ]
    print("µs, (3, 4) @ (4, 1)      NumPy  recorded    its rules")
    for name, bare, recorded, op, inputs in rows:
        y = bare()
        calls = [lambda rule=rule: rule(g, y, *inputs) for rule in rules.RULES[op]]  # noqa: B023
        times = least(bare, recorded, *calls)
        shown = "  ".join(f"{t:.2f}" for t in times[2:])
        print(f"  {name:20}{times[0]:8.2f}{times[1]:10.2f}    {shown}")
    A = 1 / (1 + np.exp(-b))
    bare = lambda: -np.sum(b * np.log(A) + (1 - b) * np.log(1 - A))
    with np.errstate(all="ignore"):
        times = least(bare, lambda: loss(one[2], Y))
    print(f"  {'cross-entropy':20}{times[0]:8.2f}{times[1]:10.2f}")


def guarantees() -> None:
    """A step with everything, over the same step without one guarantee."""

    def nothing(*args: Any, **options: Any) -> None:
        """Check nothing."""

    without: dict[str, list[Any]] = {
        "gradients are the caller's own": [mock.patch.object(walk.Owner, "own", lambda self, g: g)],
        "a loss cannot write into its inputs": [mock.patch.object(own, "_read_only", list)],
        "labels are checked": [mock.patch.object(nn.losses.Loss, "check_labels", nothing)],
    }
    print("\nwhat each guarantee costs, as a share of the step by hand")
    print("(results are read-only at no cost: .data makes them so when somebody looks)")
    for case in CASES[:4]:
        step, hand = tape_logits(case), by_hand(case)
        shares = {}
        for name, patches in without.items():

            def bare(patches: list[Any] = patches, step: Step = step) -> None:
                with contextlib.ExitStack() as stack:
                    for patch in patches:
                        stack.enter_context(patch)
                    for _ in range(10):
                        step()

            # the patching itself is measured with a step that does nothing, and taken off
            empty = lambda patches=patches: _patched(patches)
            full, less, idle, by_numpy = least(
                lambda step=step: [step() for _ in range(10)], bare, empty, hand, repeat=1
            )
            shares[name] = (full - (less - idle)) / 10 / by_numpy
        shares["leaves are copies (X as an array)"] = copies(case)
        print(f"  {case.name}")
        for name, share in shares.items():
            print(f"    {name:40}{share:+.2f}")


def _patched(patches: list[Any]) -> None:
    with contextlib.ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)


def copies(case: Case) -> float:
    """W @ X with X an array, which is copied, over X a Tensor, as a share of the step by hand."""
    parameters, X, _ = case.arrays()
    W, T = ag.Tensor(parameters[0][0], requires_grad=True), ag.Tensor(X)
    copied, kept, hand = least(lambda: W @ X, lambda: W @ T, by_hand(case))
    return (copied - kept) / hand


if __name__ == "__main__":
    parts()
    operations()
    guarantees()
