"""Sections of a page: networks in training, as pictures and beside the closed form."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, NamedTuple

from nn import losses, optimizers, plots
from nn.closed_form import Exercise, breast_cancer_exercise, planar_exercise
from nn.documents.checked import Checked
from nn.history import History
from nn.report.markup import Markup, Section, captioned_table, markup, number, png, tag
from nn.training import fit


class Trained(NamedTuple):
    """A network after its training."""

    exercise: Exercise
    history: History

    @property
    def said(self) -> str:
        """The network, its training, and the result, in words."""
        _, net, X, _, rate = self.exercise
        sizes = "-".join(map(str, net.sizes))
        activations = ", ".join(map(str, net.activations))
        return (
            f"A {sizes} network ({activations}), {X.shape[1]} samples, "
            f"binary cross-entropy, gradient descent with rate {rate:g}: from "
            f"J = {number(self.history.loss[0])} to {number(self.history.loss[-1])} in "
            f"{len(self.history.loss)} epochs, accuracy {self.history.metric[-1]:.1%}."
        )

    def draw_boundary(self, ax: Any) -> None:
        """Draw the samples on the answers of the network."""
        _, net, X, Y, _ = self.exercise
        plots.decision_boundary(net, X, Y, ax)

    def draw_history(self, ax: Any) -> None:
        """Draw the cost and the accuracy by epoch."""
        plots.history(self.history, ax)


def after_training(exercise: Exercise, epochs: int) -> Trained:
    """The network of an exercise, trained by gradient descent on all samples at once."""
    _, net, X, Y, rate = exercise
    optimizer = optimizers.GradientDescent(rate)
    return Trained(
        exercise, fit(net, X, Y, losses.binary_cross_entropy, optimizer, epochs, progress=False)
    )


def section(checked: Checked, rng: int, epochs: int) -> Section:
    """The name, the title and the content of the section."""
    plane = after_training(planar_exercise(rng), epochs)
    cancer = after_training(breast_cancer_exercise(rng), max(epochs // 10, 1))
    parts = [
        tag("h3", "Points in the plane"),
        tag("p", plane.said),
        tag(
            "div",
            picture(plane.draw_boundary, BOUNDARY),
            picture(plane.draw_history, curve(plane.history)),
            class_="pictures",
        ),
        tag("h3", "Breast cancer"),
        tag("p", cancer.said),
        tag(
            "div",
            picture(cancer.draw_history, curve(cancer.history)),
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
        parts.append(captioned_table(title, ["gradient", *data], rows))
    if checked.runs:
        title = "The documents' procedures, by hand and by the tape, from the same start"
        header = ["document", "procedure", "updates", "J at first", "J at last", "furthest apart"]
        rows = [
            [run.document, run.what, str(run.updates), *map(number, run.loss),
             number(run.difference, 1)]
            for run in checked.runs
        ]  # fmt: skip
        parts.append(captioned_table(title, header, rows))
    return "training", "Networks in training", markup(parts)


def training_section(
    history: History, said: str, boundary: Callable[[Any], Any] | None = None
) -> Section:
    """A section for one network: the cost by epoch and, where they can be drawn, its answers."""
    pictures = [picture(lambda ax: plots.history(history, ax), curve(history))]
    if boundary is not None:
        pictures.insert(0, picture(boundary, ANSWERS))
    content = [tag("p", said), tag("div", pictures, class_="pictures")]
    return "training", "Training", markup(content)


BOUNDARY = (
    "The points of the plane in two colours, on the network's answer around them; a black line "
    "where the answer is one half."
)
ANSWERS = (
    "The points of the plane, each class in a colour, on the network's answers around them; they "
    "change at the edge of a region."
)


def curve(history: History) -> str:
    """The text that stands for a picture of the cost by epoch."""
    said = f"The cost J by epoch, from {number(history.loss[0])} to {number(history.loss[-1])}"
    accuracy = history.metric[-1]
    if accuracy is None:
        return f"{said}."
    return f"{said}, and the accuracy, which ends at {accuracy:.1%}."


def picture(draw: Callable[[Any], Any], alternative: str) -> Markup:
    """A picture drawn with matplotlib, small enough for a telephone."""
    from matplotlib import rc_context

    written = io.BytesIO()
    with rc_context({"font.size": 12}):
        image, (ax,) = plots.figure(1)
        image.set_size_inches(4.2, 3.6)
        draw(ax)
        image.savefig(written, format="png", dpi=160)
    return tag("figure", png(written.getvalue(), alternative), class_="paper")
