"""Sections of the report: the 2-4-1 network's graph, its derivation, its backward pass by steps."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import autograd_lite as ag
from nn import datasets, losses
from nn.closed_form import planar_exercise
from nn.network import Forward
from nn.report.formulas import badge
from nn.report.markup import Markup, captioned_table, formula, markup, number, number_table, tag

SAMPLES = 4  # in the stepper: few enough that every number can be shown


def cost(rng: int = 0, samples: int | None = None) -> tuple[Forward, ag.Tensor]:
    """The forward pass and the cost of the untrained 2-4-1 network, on all points or on a few."""
    _, net, X, Y, _ = planar_exercise(rng)
    if samples:
        X, Y = datasets.planar(samples, rng)
    f = net.forward(X)
    return f, losses.binary_cross_entropy(f.A[net.L], Y)


def graph(rng: int = 0) -> Any:
    """The drawing of the 2-4-1 network, its cost and the rules of its backward pass."""
    f, J = cost(rng)
    return ag.draw(J, groups=f.layers)


def network_sections(rng: int) -> Iterator[tuple[str, str, Markup]]:
    """The name, the title and the content of each section."""
    yield "graph", "The graph", graph_section(rng)
    yield "stepper", "The backward pass, one rule at a time", stepper(rng)
    yield "derivation", "The derivation", derivation(rng)
    yield "comparison", "A wrong line, found", comparison(rng)


def graph_section(rng: int) -> Markup:
    """The drawing as SVG."""
    with tempfile.TemporaryDirectory() as folder:
        text = graph(rng).save(Path(folder) / "graph.svg").read_text(encoding="utf-8")
    svg = text[text.index("<svg") :].replace(' xmlns="http://www.w3.org/2000/svg"', "")
    svg = svg.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    said = (
        "The graph of the 2-4-1 network: from the data X and the parameters W1, b1, W2 and b2 "
        "through Z1, A1, Z2 and A2 to the cost J, with a dashed edge back for every rule."
    )
    svg = svg.replace("<svg", str(tag("svg", role="img", aria_label=said)).removesuffix("></svg>"))
    return markup([
        tag("p", "What a 2-4-1 network computes for 400 points before its training, drawn from "
            "its tape. Every dashed arrow is one rule of the backward pass: g is the gradient that "
            "arrives, and ∘ multiplies element by element."),
        tag("figure", Markup(svg), class_="paper scroll graph"),
    ])  # fmt: skip


def derivation(rng: int) -> Markup:
    """The gradients in matrix form, each line compared with the tape."""
    _, J = cost(rng)
    lines = ag.derive(J).lines
    items = [
        tag(
            "li",
            formula(line.latex, str(line)),
            tag("span", str(line.shape), class_="shape"),
            tag("span", line.note, class_="note"),
            tag("span", f"error {number(line.error, 1)}", class_="small"),
        )
        for line in lines
    ]
    return markup([
        tag("p", "The same gradients as one would write them by hand, derived from the tape. "
            "Every line was evaluated as it stands here and compared with the tape: the error is "
            "the largest deviation, relative to the largest number."),
        tag("ol", items, class_="derivation"),
    ])  # fmt: skip


def comparison(rng: int) -> Markup:
    """Gradients by hand in which tanh′ was forgotten, compared with the tape."""
    f, J = cost(rng)
    A1, A2 = f.A[1].numpy(), f.A[2].numpy()
    _, net, X, Y, _ = planar_exercise(rng)
    W2 = net.parameters()["W2"].numpy()
    lines = [
        (r"\frac{\partial J}{\partial Z_2} = \frac{1}{m} (A_2 - Y)", "∂J/∂Z2 = (A2 − Y) / m"),
        (r"\frac{\partial J}{\partial Z_1} = W_2^{\top} \frac{\partial J}{\partial Z_2}",
         "∂J/∂Z1 = W2ᵀ ∂J/∂Z2"),
    ]  # fmt: skip
    dZ2 = (A2 - Y) / X.shape[1]
    dZ1 = W2.T @ dZ2
    by_hand = {
        "W2": dZ2 @ A1.T,
        "b2": dZ2.sum(axis=1, keepdims=True),
        "W1": dZ1 @ X.T,
        "b1": dZ1.sum(axis=1, keepdims=True),
    }
    rows = [
        [name, shape, badge(verdict), [tag("p", line) for line in why]]
        for name, shape, verdict, why in ag.compare(J, by_hand).rows()
    ]
    return markup([
        tag("p", "Somebody derives the gradients of this network by hand, forgets tanh′ on the way "
            "down, and goes on with both lines:"),
        [formula(latex, text) for latex, text in lines],
        tag("p", "Handed the four gradients that follow, and nothing else, the comparison runs the "
            "recorded backward pass with one deliberate mistake at a time, and asks which of them "
            "gives these numbers."),
        captioned_table("The gradients by hand, compared with the tape",
                        ["gradient", "shape", "verdict", "why"], rows),
    ])  # fmt: skip


def stepper(rng: int) -> Markup:
    """Every rule of the backward pass with its numbers; `page.js` shows one at a time."""
    _, J = cost(rng, SAMPLES)
    runs = ag.tape(J).backward()
    names = ["J", *(run.input for run in runs)]
    steps = [first(J, runs[0].arriving), *map(step, runs)]
    said = [f"the gradient of J itself, {number(1)}"]
    said += [f"the gradient of {run.input}, {run.rule}, shape {run.gradient.shape}" for run in runs]
    chips = [
        tag("li", tag("button", name, type="button", aria_label=f"step {i + 1}: {text}"))
        for i, (name, text) in enumerate(zip(names, said, strict=True))
    ]
    articles = [
        tag("article", content, class_="step", data_said=f"Step {i + 1} of {len(steps)}: {text}")
        for i, (content, text) in enumerate(zip(steps, said, strict=True))
    ]
    controls = [
        tag("button", "← back", type="button", class_="back"),
        tag("button", "forward →", type="button", class_="forward"),
        tag("p", "", class_="status", role="status", aria_live="polite"),
    ]
    return markup([
        tag("p", f"The same network on {SAMPLES} points, so that every number fits on the page. "
            "Each rule takes g, the gradient that has arrived at the result of an operation, and "
            "gives the gradient of one of its inputs. Go with the buttons, or with the arrow keys "
            "← and →; Home and End lead to the ends."),
        tag("div", tag("ol", chips, class_="chips"), tag("div", controls, class_="controls"),
            articles, class_="stepper", tabindex="0", role="group",
            aria_label="The backward pass, step by step: arrow keys go back and forward"),
    ])  # fmt: skip


def first(J: ag.Tensor, g: Any) -> Markup:
    """The first step of the backward pass: J and its own gradient."""
    return markup([
        formula(r"\frac{\partial J}{\partial J} = 1", "∂J/∂J = 1"),
        tag("p", "The backward pass begins at the cost: J changes by as much as itself."),
        tag("div",
            number_table("value of J", J.numpy()),
            number_table("gradient ∂J/∂J", g, "result"),
            class_="matrices"),
    ])  # fmt: skip


def step(run: Any) -> Markup:
    """One rule: the operation, the formula, and value, g and gradient with their shapes."""
    shapes = f"{run.arriving.shape} → {run.gradient.shape}"
    return markup([
        formula(run.latex, f"∂J/∂{run.input} = {run.rule}"),
        tag("p", "The operation ", tag("b", run.operation), ", for its input ",
            tag("b", run.input), f". Shapes: {shapes}."),
        tag("div",
            number_table(f"value of {run.input}", run.value),
            number_table(f"g = ∂J/∂{run.output}", run.arriving),
            number_table(f"gradient ∂J/∂{run.input}", run.gradient, "result"),
            class_="matrices"),
    ])  # fmt: skip
