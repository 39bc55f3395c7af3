"""Of the report: networks in training, as pictures, and beside the formulas written by hand."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from nn import datasets, losses, optimizers, plots
from nn.documents.checked import Checked
from nn.network import Network
from nn.report.markup import Markup, markup, number, png, table, tag
from nn.training import History, fit

Array = NDArray[Any]


@dataclass(frozen=True)
class Trained:
    """A network after its training."""

    net: Network
    X: Array
    Y: Array
    history: History
    rate: float

    @property
    def said(self) -> str:
        """What was trained, how, and how it ended."""
        sizes = "-".join(map(str, self.net.sizes))
        activations = ", ".join(map(str, self.net.activations))
        return (
            f"A {sizes} network ({activations}), {self.X.shape[1]} samples, "
            f"binary cross-entropy, gradient descent with rate {self.rate:g}: from "
            f"J = {number(self.history.loss[0])} to {number(self.history.loss[-1])} in "
            f"{len(self.history.loss)} epochs, accuracy {self.history.metric[-1]:.1%}."
        )


def planar_network(rng: int = 0) -> tuple[Network, Array, Array]:
    """The 2-4-1 network before its training, and the 400 points of the plane for it."""
    X, Y = datasets.planar(400, rng)
    return Network([2, 4, 1], ["tanh", "sigmoid"], rng), X, Y


def planar(rng: int = 0, epochs: int = 2000) -> Trained:
    """The 2-4-1 network trained on points of the plane."""
    return _trained(*planar_network(rng), rate=1.2, epochs=epochs)


def breast_cancer(rng: int = 0, epochs: int = 200) -> Trained:
    """A 30-8-4-1 network trained on scikit-learn's breast-cancer samples, standardized."""
    X, Y = datasets.breast_cancer()
    net = Network([30, 8, 4, 1], ["tanh", "tanh", "sigmoid"], rng)
    return _trained(net, datasets.standardize(X), Y, rate=0.5, epochs=epochs)


def _trained(net: Network, X: Array, Y: Array, rate: float, epochs: int) -> Trained:
    optimizer = optimizers.GradientDescent(rate)
    history = fit(net, X, Y, losses.binary_cross_entropy, optimizer, epochs, progress=False)
    return Trained(net, X, Y, history, rate)


def section(checked: Checked, rng: int, epochs: int) -> tuple[str, str, Markup]:
    """The name, the title and the content of the section."""
    plane, cancer = planar(rng, epochs), breast_cancer(rng, max(epochs // 10, 1))
    parts = [
        tag("h3", "Points in the plane"),
        tag("p", plane.said),
        tag(
            "div",
            picture(lambda ax: plots.decision_boundary(plane.net, plane.X, plane.Y, ax), boundary),
            picture(lambda ax: plots.history(plane.history, ax), curve(plane.history)),
            class_="pictures",
        ),
        tag("h3", "Breast cancer"),
        tag("p", cancer.said),
        tag(
            "div",
            picture(lambda ax: plots.history(cancer.history, ax), curve(cancer.history)),
            class_="pictures",
        ),
    ]
    if checked.training:
        errors = {(row.quantity, row.data): number(row.error, 1) for row in checked.training}
        data = list(dict.fromkeys(row.data for row in checked.training))
        names = sorted(
            {name for name, _ in errors}, key=lambda d: (-int(d[2:]), "AZWb".index(d[1]))
        )
        rows = [[name, *(errors.get((name, d), "") for d in data)] for name in names]
        title = "Gradients, tape and closed form: the largest relative error at start, middle, end"
        parts.append(table(title, ["gradient", *data], rows))
    if checked.runs:
        title = "The documents' procedures, by hand and by the tape, from the same start"
        header = ["document", "procedure", "updates", "J at first", "J at last", "furthest apart"]
        rows = [
            [run.document, run.what, str(run.updates), *map(number, run.loss),
             number(run.difference, 1)]
            for run in checked.runs
        ]  # fmt: skip
        parts.append(table(title, header, rows))
    return "training", "Networks in training", markup(parts)


boundary = (
    "The points of the plane in two colours, on the network's answer around them; a black line "
    "where the answer is one half."
)


def curve(history: History) -> str:
    """The text in place of a picture of the cost by epoch."""
    return (
        f"The cost J by epoch, from {number(history.loss[0])} to {number(history.loss[-1])}, "
        f"and the accuracy, which ends at {history.metric[-1]:.1%}."
    )


def picture(draw: Callable[[Any], Any], alternative: str) -> Markup:
    """A picture made with matplotlib, small enough to be read on a telephone."""
    from matplotlib import rc_context

    written = io.BytesIO()
    with rc_context({"font.size": 12}):
        image, (ax,) = plots.figure(1)
        image.set_size_inches(4.2, 3.6)
        draw(ax)
        image.savefig(written, format="png", dpi=160)
    return tag("figure", png(written.getvalue(), alternative), class_="paper")
