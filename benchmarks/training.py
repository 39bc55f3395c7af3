"""A training as a whole: `python -m benchmarks.training`.

`nn.fit(...)` from its call to its return, compiling included, against the same loop written by hand
in NumPy, in the matrix form of a good course, and against PyTorch's (if it is there). All three
begin with the same parameters, take the same batches, record the mean loss of each epoch, and must
end with the same parameters. They take turns, one thread each; the ratio is the median of the
ratios in each turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is loaded

import numpy as np  # noqa: E402

import nn  # noqa: E402

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A training. Two layers; one output is sigmoid with binary cross-entropy, several softmax."""

    sizes: tuple[int, int, int]
    samples: int
    batch: int | None
    epochs: int
    rate: float
    optimizer: str = "gradient_descent"
    shuffle: bool = False

    @property
    def name(self) -> str:
        batch = "full batch" if self.batch is None else f"batches of {self.batch}"
        return (
            f"{'-'.join(map(str, self.sizes))}, {batch if self.batch != 1 else 'one by one'}"
            f"{', shuffled' * self.shuffle}"
            f"{'' if self.optimizer == 'gradient_descent' else ', ' + self.optimizer}"
        )

    @property
    def steps(self) -> int:
        return self.epochs * -(-self.samples // (self.batch or self.samples))

    def data(self) -> tuple[np.ndarray, np.ndarray]:
        """X and Y, samples as columns."""
        if self.sizes[0] == 2:
            return nn.datasets.planar(self.samples, rng=0)
        rng = np.random.default_rng(0)
        X = rng.normal(size=(self.sizes[0], self.samples))
        Y = np.eye(self.sizes[2])[:, rng.integers(self.sizes[2], size=self.samples)]
        return X, Y

    def network(self) -> nn.Network:
        output = "sigmoid" if self.sizes[2] == 1 else "softmax"
        return nn.Network(list(self.sizes), ["tanh", output], rng=0)


PLANAR = Case((2, 4, 1), 400, None, 2000, 1.2)
DIGITS = Case((64, 64, 10), 1792, 32, 20, 0.1)
LARGE = Case((784, 128, 10), 6016, 128, 22, 0.1)
SINGLE = Case((64, 30, 10), 1500, 1, 1, 0.05)


def variants(case: Case) -> list[Case]:
    """The case, shuffled (a full batch has no order), and with the other optimizers."""
    plain = [case] if case.batch is None else [case, Case(**vars(case) | {"shuffle": True})]
    others = [("momentum", case.rate / 10), ("adam", 0.001)]
    return plain + [Case(**vars(case) | {"optimizer": o, "rate": rate}) for o, rate in others]


CASES = [v for case in (PLANAR, DIGITS, LARGE, SINGLE) for v in variants(case)]


def by_hand(case: Case, X: np.ndarray, Y: np.ndarray, P: Arrays) -> tuple[list[float], Arrays]:
    """The loop in plain NumPy: the mean loss of each epoch, and the parameters at the end."""
    W1, b1, W2, b2 = (P[name] for name in ("W1", "b1", "W2", "b2"))
    parameters, rate = [W1, b1, W2, b2], case.rate
    V = [np.zeros_like(p) for p in parameters]
    S = [np.zeros_like(p) for p in parameters]
    m, k, history = X.shape[1], 0, []
    size, rng = case.batch or m, np.random.default_rng(0)
    for _ in range(case.epochs):
        total = 0.0
        if case.shuffle:
            order = rng.permutation(m)
            X_epoch, Y_epoch = X[:, order], Y[:, order]
        else:
            X_epoch, Y_epoch = X, Y
        for start in range(0, m, size):
            x, y = X_epoch[:, start : start + size], Y_epoch[:, start : start + size]
            W1, b1, W2, b2 = parameters
            n = x.shape[1]
            A1 = np.tanh(W1 @ x + b1)
            Z2 = W2 @ A1 + b2
            if case.sizes[2] == 1:
                A2 = 1 / (1 + np.exp(-Z2))
                total -= np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2))
            else:
                E = np.exp(Z2 - Z2.max(axis=0, keepdims=True))
                A2 = E / E.sum(axis=0, keepdims=True)
                total -= np.sum(y * np.log(A2))
            dZ2 = (A2 - y) / n
            dW2, db2 = dZ2 @ A1.T, dZ2.sum(axis=1, keepdims=True)
            dZ1 = W2.T @ dZ2 * (1 - A1**2)
            dW1, db1 = dZ1 @ x.T, dZ1.sum(axis=1, keepdims=True)
            gradients = [dW1, db1, dW2, db2]
            if case.optimizer == "gradient_descent":
                parameters = [p - rate * g for p, g in zip(parameters, gradients, strict=True)]
            elif case.optimizer == "momentum":
                V = [0.9 * v + g for v, g in zip(V, gradients, strict=True)]
                parameters = [p - rate * v for p, v in zip(parameters, V, strict=True)]
            else:
                k += 1
                V = [0.9 * v + 0.1 * g for v, g in zip(V, gradients, strict=True)]
                S = [0.999 * s + 0.001 * g**2 for s, g in zip(S, gradients, strict=True)]
                first, second = 1 - 0.9**k, 1 - 0.999**k
                parameters = [
                    p - rate * (v / first) / (np.sqrt(s / second) + 1e-8)
                    for p, v, s in zip(parameters, V, S, strict=True)
                ]
        history.append(total / m)
    return history, dict(zip(("W1", "b1", "W2", "b2"), parameters, strict=True))


def by_fit(case: Case, X: np.ndarray, Y: np.ndarray, P: Arrays) -> tuple[list[float], Arrays]:
    """The same by nn.fit."""
    net = case.network()
    loss = nn.losses.binary_cross_entropy if case.sizes[2] == 1 else nn.losses.cross_entropy
    optimizer = nn.optimizers.BY_NAME[case.optimizer](case.rate)
    history = nn.fit(
        net, X, Y, loss, optimizer, case.epochs, case.batch, case.shuffle, rng=0, progress=False
    )
    assert history.compiled
    return history.loss, {name: p.numpy() for name, p in net.parameters().items()}


def by_pytorch(case: Case, X: np.ndarray, Y: np.ndarray, P: Arrays) -> tuple[list[float], Arrays]:
    """The same by PyTorch's optimizers and its fused losses; samples as rows, as it wants them."""
    import torch

    torch.set_num_threads(1)
    x_all, y_all = torch.tensor(X.T.copy()), torch.tensor(Y.T.copy())
    theirs = {name: torch.tensor(p.T.copy(), requires_grad=True) for name, p in P.items()}
    W1, b1, W2, b2 = theirs.values()
    optimizer: Any = {
        "gradient_descent": lambda: torch.optim.SGD(theirs.values(), lr=case.rate),
        "momentum": lambda: torch.optim.SGD(theirs.values(), lr=case.rate, momentum=0.9),
        "adam": lambda: torch.optim.Adam(theirs.values(), lr=case.rate),
    }[case.optimizer]()
    F = torch.nn.functional
    m, history, rng = len(x_all), [], np.random.default_rng(0)
    size = case.batch or m
    for _ in range(case.epochs):
        total = 0.0
        if case.shuffle:
            order = torch.tensor(rng.permutation(m))
            x_epoch, y_epoch = x_all[order], y_all[order]
        else:
            x_epoch, y_epoch = x_all, y_all
        for start in range(0, m, size):
            x, y = x_epoch[start : start + size], y_epoch[start : start + size]
            Z2 = torch.addmm(b2, torch.tanh(torch.addmm(b1, x, W1)), W2)
            if case.sizes[2] == 1:
                J = F.binary_cross_entropy_with_logits(Z2, y)
            else:
                J = F.cross_entropy(Z2, y)
            optimizer.zero_grad()
            J.backward()
            optimizer.step()
            total += J.item() * len(x)
        history.append(total / m)
    return history, {name: t.detach().numpy().T for name, t in theirs.items()}


KINDS: dict[str, Callable[..., tuple[list[float], Arrays]]] = {
    "by hand": by_hand,
    "nn.fit": by_fit,
    "PyTorch": by_pytorch,
}


def measure(case: Case, rounds: int) -> dict[str, list[float]]:
    """Seconds of the processor for each kind in each round, after all were found to do the same."""
    X, Y = case.data()
    P = {name: p.numpy() for name, p in case.network().parameters().items()}
    kinds = dict(KINDS)
    ends = {}
    for name, train in KINDS.items():
        try:
            ends[name] = train(case, X, Y, P)
        except ImportError:
            del kinds[name]
    for name, (history, parameters) in ends.items():
        judge, expected = ends["by hand"]
        np.testing.assert_allclose(history, judge, rtol=1e-5, err_msg=name)
        for key, p in parameters.items():
            np.testing.assert_allclose(p, expected[key], rtol=1e-3, atol=1e-5, err_msg=name)
    times: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(rounds):
        for name, train in kinds.items():
            start = time.process_time()
            train(case, X, Y, P)
            times[name].append(time.process_time() - start)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="turns that each takes")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    options = parser.parse_args()
    print(f"{'':44}{'steps':>6}{'by hand':>11}{'nn.fit':>8}{'PyTorch':>9}")
    for case in CASES:
        if options.only not in case.name:
            continue
        times = measure(case, options.rounds)
        hand = times.pop("by hand")
        row = f"{case.name:44}{case.steps:6}{statistics.median(hand) * 1e3:8.0f} ms"
        for name, width in (("nn.fit", 8), ("PyTorch", 9)):
            if name in times:
                ratio = statistics.median(t / h for t, h in zip(times[name], hand, strict=True))
                row += f"{ratio:{width}.2f}"
        print(row, flush=True)


if __name__ == "__main__":
    main()
