"""How well the networks of `autograd-lite train` do, over seeds and splits that nobody chose.

    python -m benchmarks.accuracy

Planar: 4 tanh units, 2000 full-batch steps on all 400 points, training accuracy over rng 0 to 19;
once with the points drawn anew each time, once with one set of points.
Breast cancer and digits: a held-out quarter, over the splits and starts of rng 0 to 9. Exit code 1
if a target is missed.
"""

from __future__ import annotations

import statistics
import sys

import nn
from nn.cli.command_train import DEFAULTS


def planar(rng: int, points: int) -> float:
    """Training accuracy after 2000 full-batch steps from the start `rng` on these points."""
    X, Y = nn.datasets.planar(400, points)
    net = nn.Network([2, 4, 1], activations=["tanh", "sigmoid"], rng=rng)
    loss = nn.losses.binary_cross_entropy
    optimizer = nn.optimizers.GradientDescent(DEFAULTS["planar"].rate)
    nn.fit(net, X, Y, loss, optimizer, epochs=2000)
    return accuracy(net, X, Y, loss)


def held_out(data: str, rng: int) -> float:
    """Accuracy on the quarter that training did not see."""
    X, Y = getattr(nn.datasets, data)()
    X_train, X_test, Y_train, Y_test = nn.datasets.split(X, Y, test=0.25, rng=rng)
    X_train, X_test = nn.datasets.standardize(X_train, X_test)
    use = DEFAULTS[data]
    output, loss = (
        ("sigmoid", nn.losses.binary_cross_entropy)
        if len(Y) == 1
        else ("softmax", nn.losses.cross_entropy)
    )
    sizes = [len(X), *use.hidden, len(Y)]
    net = nn.Network(sizes, activations=["tanh"] * len(use.hidden) + [output], rng=rng)
    nn.fit(
        net,
        X_train,
        Y_train,
        loss,
        nn.optimizers.GradientDescent(use.rate),
        epochs=use.epochs,
        batch_size=use.batch_size,
        shuffle=use.batch_size is not None,
        rng=rng,
    )
    return accuracy(net, X_test, Y_test, loss)


def accuracy(net: nn.Network, X: object, Y: object, loss: nn.losses.Loss) -> float:
    """The share of right answers."""
    _, share = nn.evaluate(net, X, Y, loss)
    assert share is not None
    return share


def report(name: str, values: list[float], target: float) -> bool:
    """Print what was measured; whether the median reaches the target."""
    middle = statistics.median(values)
    print(f"{name}: median {middle:.4f} (target {target}) of {len(values)}, sorted:")
    print("   ", " ".join(f"{value:.4f}" for value in sorted(values)))
    return middle >= target


def main() -> int:
    """Measure everything; the exit code."""
    good = True
    for name, points in (("points and start by rng", range(20)), ("points of rng 0", [0] * 20)):
        values = [planar(rng, p) for rng, p in zip(range(20), points, strict=True)]
        good &= report(f"planar, training, {name}", values, 0.92)
        above = sum(value > 0.89 for value in values)
        print(f"    {above} of 20 above 0.89 (target 16)")
        good &= above >= 16
    for data in ("breast_cancer", "digits"):
        good &= report(f"{data}, held out", [held_out(data, rng) for rng in range(10)], 0.96)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
