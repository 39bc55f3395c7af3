"""Sections of a page for a recorded cost: its graph, its passes by steps, its derivation.

The report of the documents has them for the 2-4-1 network (`network_sections`).
"""

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
from nn.report.markup import (
    Markup,
    Section,
    captioned_table,
    formula,
    markup,
    number,
    number_table,
    tag,
)

SAMPLES = 4  # in the stepper: few enough that every number can be shown
TERMS = 8  # of a product's sum that are written out


def cost(rng: int = 0, samples: int | None = None) -> tuple[Forward, ag.Tensor]:
    """The forward pass and the cost of the untrained 2-4-1 network, on all points or on a few."""
    _, net, X, Y, _ = planar_exercise(rng)
    if samples:
        X, Y = datasets.planar(samples, rng)
    f = net.forward(X)
    return f, losses.binary_cross_entropy(f.A[net.L], Y)


def network_sections(rng: int) -> Iterator[Section]:
    """The name, the title and the content of each section."""
    f, J = cost(rng)
    said = (
        "The graph of the 2-4-1 network: from the data X and the parameters W1, b1, W2 and b2 "
        "through Z1, A1, Z2 and A2 to the cost J, with a dashed edge back for every rule."
    )
    what = "a 2-4-1 network computes for 400 points before its training"
    yield graph_section(ag.draw(J, groups=f.layers), what, said)
    yield stepper_section(cost(rng, SAMPLES)[1], f"the same network on {SAMPLES} points")
    yield derivation_section(ag.derive(J))
    yield "comparison", "A wrong line, found", comparison(rng)


def graph_section(drawing: Any, what: str, said: str) -> Section:
    """The drawing as SVG. what: what is drawn; said: the text that stands for the picture."""
    with tempfile.TemporaryDirectory() as folder:
        text = drawing.save(Path(folder) / "graph.svg").read_text(encoding="utf-8")
    svg = text[text.index("<svg") :].replace(' xmlns="http://www.w3.org/2000/svg"', "")
    svg = svg.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    svg = svg.replace("<svg", str(tag("svg", role="img", aria_label=said)).removesuffix("></svg>"))
    content = markup([
        tag("p", f"What {what}, drawn from its tape. Every dashed arrow is one rule of the "
            "backward pass: g is the gradient that arrives, and ∘ multiplies element by element."),
        tag("figure", Markup(svg), class_="paper scroll graph"),
    ])  # fmt: skip
    return "graph", "The graph", content


def derivation_section(derivation: Any) -> Section:
    """The gradients in matrix form, each line compared with the tape."""
    items = [
        tag(
            "li",
            formula(line.latex, str(line)),
            tag("span", str(line.shape), class_="shape"),
            tag("span", line.note, class_="note"),
            tag("span", f"error {number(line.error, 1)}", class_="small"),
        )
        for line in derivation.lines
    ]
    content = markup([
        tag("p", "The gradients as one would write them by hand, derived from the tape. "
            "Every line was evaluated as it stands here and compared with the tape: the error is "
            "the largest deviation, relative to the largest number."),
        tag("ol", items, class_="derivation"),
    ])  # fmt: skip
    return "derivation", "The derivation", content


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


def stepper_section(J: ag.Tensor, what: str) -> Section:
    """Every operation and every rule with its numbers; `page.js` shows one at a time.

    what: the computation in words.
    """
    steps = _steps(J)
    chips = [
        tag("li", tag("button", name, type="button", aria_label=f"step {n}: {said}"))
        for n, (name, said, _) in enumerate(steps, start=1)
    ]
    articles = [
        tag("article", step, class_="step", data_said=f"Step {n} of {len(steps)}: {said}")
        for n, (_, said, step) in enumerate(steps, start=1)
    ]
    controls = [
        tag("button", "← back", type="button", class_="back"),
        tag("button", "forward →", type="button", class_="forward"),
        tag("p", "", class_="status", role="status", aria_live="polite"),
    ]
    content = markup([
        tag("p", f"Every number of {what}: first the operations, from the data to the cost, then "
            "the rules that lead back. Each "
            "rule takes g, the gradient that has arrived at the result of an operation, and "
            "gives the gradient of one of its inputs. Go with the buttons, or with the arrow keys "
            "← and →; Home and End lead to the ends."),
        tag("div", tag("ol", chips, class_="chips"), tag("div", controls, class_="controls"),
            articles, class_="stepper", tabindex="0", role="group",
            aria_label="The passes, step by step: arrow keys go back and forward"),
    ])  # fmt: skip
    return "stepper", "Forward and back, one step at a time", content


def _steps(J: ag.Tensor) -> list[tuple[str, str, Markup]]:
    """Of every step of both passes: its name, what it does in words, and its numbers."""
    tape = ag.tape(J)
    backward = tape.backward()
    return [
        *(
            (run.output, f"{run.operation}, shape {run.value.shape}", operation(run))
            for run in tape.forward()
        ),
        ("∂J/∂J", "the gradient of J itself, 1", first(J, backward[0].arriving)),
        *(
            (
                run.result,
                f"the gradient of {run.input}, {run.rule}, shape {run.gradient.shape}",
                rule(run),
            )
            for run in backward
        ),
    ]


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


def operation(run: Any) -> Markup:
    """One operation of the forward pass: its formula, its operands and its value."""
    return markup([
        formula(run.latex, run.operation),
        _calculation(run, number_table(f"value of {run.output}", run.value, "result")),
    ])  # fmt: skip


def rule(run: Any) -> Markup:
    """One rule: the operation, the formula, what is multiplied, and the gradient."""
    shapes = f"{run.arriving.shape} → {run.gradient.shape}"
    return markup([
        formula(run.latex, f"{run.result} = {run.rule}"),
        tag("p", "The operation ", tag("b", run.operation), ", for its input ",
            tag("b", run.input), f". Shapes: {shapes}."),
        _calculation(run, number_table(f"gradient {run.result}", run.gradient, "result")),
    ])  # fmt: skip


def _calculation(run: Any, result: Markup) -> Markup:
    """The operands as tables, with where they come from, and the result."""
    tables: list[Any] = []
    for operand in run.operands:
        source = tag("span", f", {operand.source}", class_="small") if operand.source else None
        tables += [tag("span", run.sign, class_="sign") if tables and run.sign else None]
        tables += [number_table([operand.text, source], operand.value)]
    return markup([
        tag("div", tables, tag("span", "→", class_="sign"), result, class_="matrices"),
        tag("p", _first_entry(run), class_="small") if _is_plain_product(run) else None,
    ])  # fmt: skip


def _is_plain_product(run: Any) -> bool:
    """Whether a step multiplies arrays that have entries, of at most two axes."""
    return bool(run.sign) and all(o.value.ndim <= 2 and o.value.size for o in run.operands)


def _first_entry(run: Any) -> str:
    """How the first number of a product comes about."""
    a, b = (operand.value for operand in run.operands)
    if run.sign == "·":
        row, column = (a[0] if a.ndim == 2 else a), (b[:, 0] if b.ndim == 2 else b)
        pairs = list(zip(row, column, strict=True))
    else:
        pairs = [(a.flat[0], b.flat[0])]
    said = " + ".join(f"{_in_brackets(x)} · {_in_brackets(y)}" for x, y in pairs[:TERMS])
    more = " + …" if len(pairs) > TERMS else ""
    return f"The first entry: {said}{more} = {number(sum(x * y for x, y in pairs))}"


def _in_brackets(x: float) -> str:
    return f"({number(x)})" if x < 0 else number(x)
