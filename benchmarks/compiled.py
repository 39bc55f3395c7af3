"""What compiled code costs beyond the common table: `python -m benchmarks.compiled`.

The first call (trace and emit) of every network; an epoch of one-sample training on digits with
nn.fit against the same loop in plain NumPy by hand, in turns; with `--lines NETWORK` what each line
of the compiled code takes; and with `--products` the matrix products of the widest network by
themselves, NumPy's and those of JAX (extra `bench`). One thread.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
import time
import timeit
from collections.abc import Callable
from typing import Any

from benchmarks.__main__ import THREADS

os.environ.update(THREADS)  # before NumPy is loaded

import numpy as np

import autograd_lite as ag
import nn
from benchmarks.engines import CASES, Case


def compiled(case: Case) -> tuple[Any, Any]:
    """A compiled function of (parameters, X, Y), and arguments for it."""
    sizes, L = list(case.sizes), len(case.sizes) - 1
    net = nn.Network(sizes, ["tanh"] * (L - 1) + ["sigmoid"], rng=0, dtype=case.dtype)
    pairs, X, Y = case.arrays()
    P = {f"{n}{l}": p for l, pair in enumerate(pairs, 1) for n, p in zip("Wb", pair, strict=True)}

    def cost(parameters: Any, X: Any, Y: Any) -> Any:
        return nn.losses.binary_cross_entropy_with_logits(net.forward(X, parameters).Z[L], Y)

    return ag.compile(ag.value_and_grad(cost)), (P, X, Y)


def first_calls() -> None:
    """Seconds from a function that was never called to the code for it, and to its results."""
    print("first call               trace and emit   with the first run")
    for case in CASES:
        emit, whole = [], []
        for _ in range(5):
            f, arguments = compiled(case)
            start = time.perf_counter()
            f.source(*arguments)
            emit.append(time.perf_counter() - start)
            f(*arguments)
            whole.append(time.perf_counter() - start)
        print(f"  {case.name:22}{min(emit) * 1e3:12.1f} ms{min(whole) * 1e3:17.1f} ms")


def epoch_by_hand(P: Any, X: Any, Y: Any, rate: float) -> tuple[Any, float]:
    """One pass over the samples, one at a time: a sigmoid network and the half squared error."""
    W1, b1, W2, b2 = P.values()
    total = 0.0
    for k in range(X.shape[1]):
        x, y = X[:, k : k + 1], Y[:, k : k + 1]
        A1 = 1 / (1 + np.exp(-(W1 @ x + b1)))
        A2 = 1 / (1 + np.exp(-(W2 @ A1 + b2)))
        total += 0.5 * np.sum((A2 - y) ** 2)
        dZ2 = (A2 - y) * A2 * (1 - A2)
        dZ1 = W2.T @ dZ2 * A1 * (1 - A1)
        W1, b1 = W1 - rate * (dZ1 @ x.T), b1 - rate * dZ1
        W2, b2 = W2 - rate * (dZ2 @ A1.T), b2 - rate * dZ2
    return (W1, b1, W2, b2), total / X.shape[1]


def training(rounds: int) -> None:
    """The epoch of nn.fit, compiled and on the tape, against the loop by hand."""
    X, Y = nn.datasets.digits()
    X, rate = X / 16, 0.1
    times: dict[str, list[float]] = {"by hand": [], "compiled": [], "on the tape": []}
    for turn in range(rounds):
        net = nn.Network([64, 30, 10], ["sigmoid", "sigmoid"], rng=0)
        P = {name: t.numpy() for name, t in net.parameters().items()}
        start = time.perf_counter()
        expected, J = epoch_by_hand(P, X, Y, rate)
        times["by hand"].append(time.perf_counter() - start)
        for name in ("compiled", "on the tape") if turn < 3 else ("compiled",):
            net.set_parameters(P)
            start = time.perf_counter()
            history = nn.fit(
                net,
                X,
                Y,
                nn.losses.half_squared_error,
                nn.optimizers.GradientDescent(rate),
                epochs=1,
                batch_size=1,
                compile=name == "compiled",
                progress=False,
            )
            times[name].append(time.perf_counter() - start)
            np.testing.assert_allclose(history.loss, J, rtol=1e-9)
            for ours, theirs in zip(net.parameters().values(), expected, strict=True):
                np.testing.assert_allclose(ours.data, theirs, rtol=1e-7, atol=1e-9)
    hand = times["by hand"]
    print(f"\nan epoch of digits, one sample at a time: {min(hand) * 1e3:.1f} ms by hand")
    for name in ("compiled", "on the tape"):
        ratios = [t / h for t, h in zip(times[name], hand, strict=False)]
        print(f"  nn.fit {name:12} {statistics.median(ratios):.2f}× (least {min(ratios):.2f}×)")


def lines(case: Case) -> None:
    """What each line of the compiled code takes, by itself."""
    f, (P, X, Y) = compiled(case)
    source = f.source(P, X, Y)
    header, body = source.split("\n\n\ndef ")
    names: dict[str, Any] = {"OTHER": None, **P, "X": X, "Y": Y}
    exec(header, names)
    print(f"\n{case.name}: µs")
    total = 0.0
    for line in body.splitlines():
        if "  # (" not in line:
            continue
        call = line.strip().split("  #")[0]
        exec(call, names)
        taken = min(timeit.repeat(call, globals=names, number=1000, repeat=15)) * 1e3
        total += taken
        print(f"{taken:8.2f}  {line.strip()}")
    run = min(timeit.repeat(lambda: f(P, X, Y), number=1000, repeat=15)) * 1e3
    print(f"{total:8.2f}  together\n{run:8.2f}  a call: arguments checked, results returned")


def products(rounds: int = 40) -> None:
    """The matrix products of a step of the widest network: NumPy's, and those of JAX."""
    import jax

    for dtype in ("float64", "float32"):
        jax.config.update("jax_enable_x64", dtype == "float64")
        case = max(CASES, key=lambda case: max(case.sizes))
        pairs, X, _ = dataclasses.replace(case, dtype=dtype).arrays()
        A = [X, *(np.ones((len(W), case.m), dtype) for W, _ in pairs)]
        operands = []
        for l, (W, _) in enumerate(pairs, start=1):
            operands += [(W, A[l - 1]), (A[l], A[l - 1].T), (W.T, A[l])]
        del operands[2]  # (nothing asks for the gradient of X)
        dot = jax.jit(lambda pairs: [a @ b for a, b in pairs])
        given = [tuple(map(jax.numpy.asarray, pair)) for pair in operands]
        engines: dict[str, Callable[[], Any]] = {
            "NumPy": lambda: [a.dot(b) for a, b in operands],  # noqa: B023
            "JAX": lambda: jax.block_until_ready(dot(given)),  # noqa: B023
        }
        best = dict.fromkeys(engines, float("inf"))
        for _ in range(rounds):
            for name, run in engines.items():
                start = time.perf_counter()
                run()
                best[name] = min(best[name], time.perf_counter() - start)
        shown = ", ".join(f"{name} {t * 1e3:.2f} ms" for name, t in best.items())
        print(f"products of {case.name}, {dtype}: {shown}: {best['JAX'] / best['NumPy']:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="epochs by hand and compiled")
    parser.add_argument("--lines", help="only this: each line for the cases so called")
    parser.add_argument("--products", action="store_true", help="only the matrix products, in JAX")
    options = parser.parse_args()
    if options.products:
        products()
        return
    if options.lines:
        for case in CASES:
            if options.lines in case.name:
                lines(case)
        return
    first_calls()
    training(options.rounds)


if __name__ == "__main__":
    main()
