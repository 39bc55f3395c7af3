"""What compiled code costs, as a ratio of the closed form that a person writes in plain NumPy.

    python -m benchmarks.compiled [--dtype float32] [--rounds 300]

Both compute the cost J and all gradients of a tanh network with a sigmoid output and binary
cross-entropy, on one thread, in turns, in one process; the results are compared first.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is loaded

import numpy as np  # noqa: E402

import autograd_lite as ag  # noqa: E402
import nn  # noqa: E402

NETWORKS = {
    "4-3-2-1, m=1": ([4, 3, 2, 1], 1),
    "2-4-1, m=400": ([2, 4, 1], 400),
    "64-30-10, m=1": ([64, 30, 10], 1),
    "64-30-10, m=10": ([64, 30, 10], 10),
    "64-128-128-10, m=128": ([64, 128, 128, 10], 128),
    "64 x 50 layers, m=32": ([64] * 50 + [1], 32),
    "784-512-512-10, m=256": ([784, 512, 512, 10], 256),
}


def by_hand(P, X, Y):
    """J and the gradients in closed form, as a person writes them in NumPy."""
    L, m = len(P) // 2, X.shape[1]
    A = {0: X}
    for l in range(1, L):
        A[l] = np.tanh(P[f"W{l}"] @ A[l - 1] + P[f"b{l}"])
    A[L] = 1 / (1 + np.exp(-(P[f"W{L}"] @ A[L - 1] + P[f"b{L}"])))
    J = -np.sum(Y * np.log(A[L]) + (1 - Y) * np.log(1 - A[L])) / m
    gradients = {}
    dZ = (A[L] - Y) / m
    for l in range(L, 0, -1):
        gradients[f"W{l}"] = dZ @ A[l - 1].T
        gradients[f"b{l}"] = dZ.sum(axis=1, keepdims=True)
        if l > 1:
            dZ = P[f"W{l}"].T @ dZ * (1 - A[l - 1] ** 2)
    return J, gradients


def costs(sizes, dtype=float):
    """The same cost on the tape: by the activation's output, and by the last pre-activation."""
    L = len(sizes) - 1
    net = nn.Network(sizes, ["tanh"] * (L - 1) + ["sigmoid"], rng=0, dtype=dtype)

    def by_output(parameters, X, Y):
        return nn.losses.binary_cross_entropy(net.forward(X, parameters).A[L], Y)

    def by_logits(parameters, X, Y):
        return nn.losses.binary_cross_entropy_with_logits(net.forward(X, parameters).Z[L], Y)

    return by_output, by_logits


def case(sizes, m, dtype):
    rng = np.random.default_rng(1)
    net = nn.Network(sizes, ["tanh"] * (len(sizes) - 2) + ["sigmoid"], rng=0)
    P = {name: t.numpy().astype(dtype) for name, t in net.parameters().items()}
    X = rng.normal(size=(sizes[0], m)).astype(dtype)
    Y = (rng.random((sizes[-1], m)) < 0.5).astype(dtype)
    return P, X, Y


def seconds(f, arguments, number):
    start = time.perf_counter()
    for _ in range(number):
        f(*arguments)
    return (time.perf_counter() - start) / number


def measure(sizes, m, dtype, rounds):
    arguments = case(sizes, m, dtype)
    engines = {"hand": by_hand}
    first = {}
    J, gradients = by_hand(*arguments)
    by_output, by_logits = costs(sizes, dtype)
    for name, cost in (("compiled", by_output), ("logits", by_logits)):
        eager = ag.value_and_grad(cost)
        engines[name] = ag.compile(eager)
        start = time.perf_counter()
        value, found = engines[name](*arguments)
        first[name] = time.perf_counter() - start
        close = (
            {"rtol": 1e-9, "atol": 1e-12} if dtype.itemsize == 8 else {"rtol": 1e-3, "atol": 1e-5}
        )
        np.testing.assert_allclose(value, J, **close)
        for key in gradients:
            np.testing.assert_allclose(found[key], gradients[key], **close)
    number = max(1, int(2e-3 / seconds(by_hand, arguments, 3)))
    times = {name: [] for name in engines}
    for _ in range(rounds):
        for name, f in engines.items():
            times[name].append(seconds(f, arguments, number))
    return times, first


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dtype", default="float64")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    dtype = np.dtype(options.dtype)
    print(f"{dtype}, one thread; of each: minimum (median) over {options.rounds} rounds in turns")
    print(f"{'network':24}{'by hand':>14}{'compiled':>18}{'with logits':>18}{'first call':>14}")
    for name, (sizes, m) in NETWORKS.items():
        if options.only not in name:
            continue
        times, first = measure(sizes, m, dtype, options.rounds)
        hand = times["hand"]
        print(f"{name:24}{min(hand) * 1e6:11.1f} µs", end="")
        for engine in ("compiled", "logits"):
            least = min(times[engine]) / min(hand)
            middle = statistics.median(t / h for t, h in zip(times[engine], hand, strict=True))
            print(f"{least:10.2f} ({middle:.2f})", end="")
        print(f"{first['compiled'] * 1e3:11.0f} ms", flush=True)


if __name__ == "__main__":
    main()
