"""The recorded computation as a picture: tensors, operations, and the backward pass on top.

A Drawing's `.source` is DOT text, made without Graphviz; `rendering` turns it into a picture.
"""

from __future__ import annotations

import html
import os
import textwrap
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import graphviz
import numpy as np

from autograd_lite import files
from autograd_lite.algebra.reading import RuleTexts
from autograd_lite.graph import Step, Steps, steps
from autograd_lite.tensor import Tensor
from autograd_lite.views.folding import View, membership, views
from autograd_lite.views.printing import Tape
from autograd_lite.views.rendering import FORMATS, RenderingError, render
from autograd_lite.views.texts import clean, operation_lines, short, short_name

# Dark text on light fills, on a white ground: the same in a light and in a dark page.
PARAMETER = {"style": "filled", "fillcolor": "#ffe9b8", "color": "#a87900", "penwidth": "1.6"}
DATA = {"style": "filled", "fillcolor": "#e6eaee", "color": "#6b7885"}
NAMED = {"style": "filled,rounded", "fillcolor": "#d9e9fa", "color": "#2f6fb0", "penwidth": "1.3"}
OPERATION = {"shape": "ellipse", "style": "filled", "fillcolor": "#ffffff", "color": "#8b96a1"}
FRAME = {"labelloc": "t", "style": "rounded", "color": "#b4bdc6", "labeljust": "r", "margin": "10"}
FONT = "Helvetica,Arial,DejaVu Sans,sans-serif"
LOOK: dict[str, Any] = {
    "graph_attr": {
        "bgcolor": "white",
        "fontname": FONT,
        "fontsize": "11",
        "fontcolor": "#333333",
        "labelloc": "b",
        "nodesep": "0.35",
        "ranksep": "0.25",
    },
    "node_attr": {
        "shape": "box",
        "fontname": FONT,
        "fontsize": "12",
        "fontcolor": "#111111",
        "margin": "0.12,0.05",
        "height": "0.3",
        "width": "0.4",
    },
    "edge_attr": {"fontname": FONT, "fontsize": "11", "color": "#55606b", "arrowsize": "0.7"},
}
AGREES = {"fillcolor": "#d3f0dd", "color": "#15703f", "penwidth": "2"}
DIFFERS = {"fillcolor": "#fbd9d3", "color": "#b3261e", "penwidth": "3"}
# Written from input to operation with the arrow at its tail: Graphviz then lays it beside its use.
BACKWARD = {
    "dir": "back",
    "color": "#c2410c",
    "fontcolor": "#9a3412",
    "style": "dashed",
    "class": "backward",
}
FOLDED = {
    "shape": "box3d",
    "style": "filled",
    "fillcolor": "#d9e9fa",
    "color": "#2f6fb0",
    "margin": "0.2,0.12",  # the edge of the box would cut the first line
}
LEGEND = "Dashed: backward. Each label is the rule that runs: g is what arrives, ∘ … is g ∘ …"
# For a graph with many edges Graphviz takes minutes to make it pretty: a rough layout then.
ROUGH = {"splines": "line", "nslimit": "0.1", "nslimit1": "0.1", "mclimit": "0.1"}


def draw(
    J: Tensor,
    groups: Mapping[str, Iterable[Tensor]] | None = None,
    report: Any = None,
    *,
    backward: bool = True,
    values: bool | None = None,
    most: int = 80,
) -> Drawing:
    """The graph of the computation that leads to J, with its backward pass drawn into it.

    groups: lists of tensors by the name of a frame; the operations that lead to them are drawn in
    the same frame. `net.forward(X).layers` is one. report: the result of `ag.compare`; each
    compared tensor is marked ✓ or ✗, with the finding at its place. backward: draw the rules.
    values: show every value and gradient, shortened (None: those of at most three elements). most:
    a graph with more nodes is folded, and the picture says what was left out.

    >>> x = Tensor(3.0, requires_grad=True, name="x")
    >>> uses = [line.strip() for line in draw(x * x).source.splitlines() if "->" in line]
    >>> uses[:2]
    ['t0 -> op1', 't0 -> op1']
    >>> [line.split("label=")[1][:7] for line in uses[2:]]
    ['" g x "', '" g x "']
    """
    if not isinstance(J, Tensor):
        raise TypeError(f"a drawing belongs to a Tensor, not to {type(J).__name__}")
    if most < 2:
        raise ValueError(f"most={most}: a drawing needs 2 nodes or more")
    if groups is not None and not isinstance(groups, Mapping):
        raise TypeError('groups are a dict of lists of Tensors, as in {"layer 1": [W1, b1]}')
    if report is not None and not hasattr(report, "entries"):
        raise TypeError(f"report is what ag.compare returns, not a {type(report).__name__}")
    forward = recorded = steps(J)
    member = membership(recorded, groups or {})
    view = next(v for v in views(recorded, member, most) if v.fits(most))
    note = f"{len(recorded)} steps, folded (most={most}): {view.folded}." if view.folded else ""
    if view.whole and backward and J.requires_grad:
        recorded, note = with_gradients(J, recorded)
    picture = Picture(recorded, view, member, Verdicts(report, recorded), values)
    if view.whole:
        picture.add_steps()
        picture.add_uses()
        picture.add_rules()
    else:
        picture.add_boxes()
    picture.add_caption(note)
    return Drawing(picture.graph.source, Tape(forward.steps))


def with_gradients(J: Tensor, forward: Steps) -> tuple[Steps, str]:
    """The steps of the forward pass and of every gradient, and a note for the caption.

    Only the forward steps, and the reason in the note, if the gradients cannot be had.
    """
    leaves = [s.tensor for s in forward if s.op is None and s.tensor.requires_grad]
    scalar = J.size == 1
    try:
        recorded = steps(J, leaves, None if scalar else np.ones(J.shape, J.dtype))
        return recorded, "" if scalar else "∂ is the derivative of the sum of all elements."
    except ValueError as error:  # a leaf has other data than when J was computed
        return forward, f"Without the backward pass: {error}"


class Verdicts:
    """The verdicts and findings of a comparison, by the number of the step they are about."""

    def __init__(self, report: Any, recorded: Steps) -> None:
        number = {id(s.tensor): s.number for s in recorded}
        place = {s.label: s.number for s in recorded if s.label}
        self.wrong: dict[int, bool] = {}
        self.said: dict[int, list[str]] = {}
        for entry in () if report is None else report:
            at = number.get(id(entry.tensor))
            if at is None:
                raise ValueError(f"the report compares {entry.label}, which is not on this tape")
            wrong = entry.verdict != "agrees"
            verdict = "has another shape" if entry.verdict == "shape" else entry.verdict
            self.say(at, wrong, f"{'value' if entry.forward else '∂'} {verdict}")
            for finding in entry.best[:3] if wrong else ():
                start = f"one of {len(entry.best)}: " if len(entry.best) > 1 else ""
                where = place.get(finding.where, at)
                self.say(where, True, f"{start}{finding.kind}: {finding.advice}")

    def say(self, at: int, wrong: bool, text: str) -> None:
        """Add a line to a step, unless it has it already."""
        self.wrong[at] = wrong or self.wrong.get(at, False)
        text = f"{'✗' if wrong else '✓'} {clean(text, 160)}"
        if text not in self.said.setdefault(at, []):
            self.said[at].append(text)

    def of(self, within: Iterable[Step]) -> tuple[dict[str, str], list[str]]:
        """The colours and the lines of a node that stands for these steps."""
        judged = [s for s in within if s.number in self.wrong]
        if not judged:
            return {}, []
        wrong = [s for s in judged if self.wrong[s.number]]
        if len(judged) == 1:
            said = [line for s in judged for line in self.said[s.number]]
        else:
            said = [f"✗ {', '.join(map(short_name, wrong))}"] if wrong else ["✓ all agree"]
        return DIFFERS if wrong else AGREES, [x for line in said for x in textwrap.wrap(line, 36)]

    def unseen(self, shown: Container[int], recorded: Steps) -> list[str]:
        """A line that names the tensors that differ but are not in the picture, if any are."""
        unseen = [n for n, wrong in self.wrong.items() if wrong and n not in shown]
        names = [short_name(recorded[n]) for n in unseen]
        return [f"✗ differs, but is not shown: {', '.join(names)}"] if names else []


class Picture:
    """A graph of the graphviz package while nodes and edges are added to it."""

    def __init__(
        self,
        recorded: Steps,
        view: View,
        member: Mapping[int, str],
        verdicts: Verdicts,
        values: bool | None,
    ) -> None:
        self.recorded = recorded
        self.view = view
        self.member = member
        self.verdicts = verdicts
        self.values = values
        self.edges = view.edges()
        self.graph = graphviz.Digraph("tape", **LOOK)
        if len(self.edges) > max(50, 1.5 * view.nodes()):
            self.graph.attr(**ROUGH)

    def add_steps(self) -> None:
        """Add a node for each tensor and each operation, inside the frame of its group."""
        frames: dict[str, graphviz.Digraph] = {}
        for s in self.forward():
            group = self.member.get(s.number)
            if group is None:
                self.add_step(self.graph, s)
                continue
            if group not in frames:
                frames[group] = graphviz.Digraph(f"cluster_{len(frames)}", graph_attr=FRAME)
                frames[group].attr(label=quoted([clean(group)]))
            self.add_step(frames[group], s)
        for frame in frames.values():
            self.graph.subgraph(frame)

    def forward(self) -> Iterator[Step]:
        """The steps of the forward pass that are shown."""
        return (s for s in self.recorded if s.number in self.view.box_of)

    def add_step(self, graph: graphviz.Digraph, s: Step) -> None:
        """Add one step: the operation, the tensor, or two nodes if the result has a name."""
        if s.op is None:
            self.add_tensor(graph, s, out(s))
        elif s.label:
            graph.node(f"op{s.number}", quoted(operation_lines(s)), **OPERATION)
            self.add_tensor(graph, s, out(s))
            graph.edge(f"op{s.number}", f"t{s.number}")
        else:
            self.add_tensor(graph, s, out(s))

    def add_tensor(self, graph: graphviz.Digraph, s: Step, node: str) -> None:
        """Add the node of a leaf, of a tensor with a name, or of an operation and its result."""
        if s.label or s.op is None:
            title = [clean(s.label) if s.label else "constant"]
            style = NAMED if s.op else PARAMETER if s.tensor.requires_grad else DATA
        else:
            title, style = operation_lines(s), OPERATION
        painted, said = self.verdicts.of([s])
        cost = {"peripheries": "2"} if s is self.recorded.cost else {}
        lines = [*title, *self.contents(s), *said]
        graph.node(node, quoted(lines), **{**style, **cost, **painted})

    def contents(self, s: Step) -> list[str]:
        """The shape, and the value and the gradient if they are small or asked for."""
        lines = [str(s.shape)]
        if self.values or (self.values is None and s.value.size <= 3):
            lines.append(f"= {short(s.value, 3, digits=3)}")
            g = self.recorded.gradients.get(s.number)
            if g is not None and s is not self.recorded.cost:
                lines.append(f"∂ = {short(g.value, 3, digits=3)}")
        return lines

    def add_uses(self) -> None:
        """Add an edge for each use of a tensor by an operation."""
        for a, b in self.edges:
            across = self.member.get(a) != self.member.get(b)
            length = {"minlen": "2"} if across else {}  # so that frames stand one below the other
            self.graph.edge(out(self.recorded[a]), f"op{b}", **length)

    def add_rules(self) -> None:
        """Add an edge back for each rule, from the operation to the input it is for."""
        rule = RuleTexts(self.recorded)
        for s in self.forward():
            if s.op and s.label and s.number in self.recorded.gradients:
                self.graph.edge(f"op{s.number}", f"t{s.number}", **BACKWARD)
            for k, x in enumerate(s.inputs):
                text = rule(s, k)
                if text is not None:
                    self.graph.edge(
                        out(x), f"op{s.number}", quoted([f" {clean(text)} "]), **BACKWARD
                    )

    def add_boxes(self) -> None:
        """Add the folded view: a node for each group and each other tensor shown, and the edges."""
        inside: dict[Any, list[Step]] = {}
        for s in self.forward():
            inside.setdefault(self.view.box_of[s.number], []).append(s)
        name = {box: f"b{k}" for k, box in enumerate(inside)}
        for box, within in inside.items():
            if isinstance(box, int):
                self.add_tensor(self.graph, within[0], name[box])
                continue
            names = [short_name(s) for s in within if s.label]
            listed = " ".join(names[:8]) + (" …" if len(names) > 8 else "")
            operations = f"{sum(s.op is not None for s in within)} operations"
            painted, said = self.verdicts.of(within)
            lines = [clean(box), *([listed] if listed else []), operations, *said]
            self.graph.node(name[box], quoted(lines), **{**FOLDED, **painted})
        for a, b in self.edges:
            self.graph.edge(name[a], name[b])

    def add_caption(self, note: str) -> None:
        """Say below the picture what it leaves out and what its signs mean."""
        lines = [note] if note else []
        if self.recorded.gradients:
            lines.append(LEGEND)
        lines += self.verdicts.unseen(self.view.box_of, self.recorded)
        lines = [x for line in lines for x in textwrap.wrap(clean(line, 400), 100)]
        if lines:
            self.graph.attr(label=quoted(lines))


def out(s: Step) -> str:
    """The node where the edges of a step's value begin."""
    return f"t{s.number}" if s.op is None or s.label else f"op{s.number}"


def quoted(lines: Iterable[str]) -> str:
    """The lines as a DOT label, escaped so that Graphviz shows them as they are."""
    safe = (line.replace("&", "&amp;").replace("\\", "\\\\") for line in lines)
    return graphviz.nohtml("\\n".join(safe))


class Drawing:
    """A graph as DOT in `.source`; `.save` renders it, and a notebook shows it."""

    def __init__(self, source: str, table: Tape) -> None:
        self.source = source
        self.table = table

    def __repr__(self) -> str:
        return f'<a drawing of {len(self.table)} steps: .save("graph.svg"), or .source for the DOT>'

    def save(self, place: str | os.PathLike[str]) -> Path:
        """Write the picture to a file, complete or not at all, and return its path.

        The ending gives the format: .svg, .png, .pdf, or .dot for the text. Raises ValueError for
        another ending, OSError, before anything is drawn, for a place that cannot be written, and
        RenderingError, with the command to type, if no Graphviz is installed.
        """
        path = Path(place)
        form = path.suffix[1:].lower()
        if form not in (*FORMATS, "dot"):
            endings = ", ".join(f".{f}" for f in (*FORMATS, "dot"))
            raise ValueError(f"{path}: a drawing is saved as one of {endings}")
        output = files.Output.at(place)
        output.write(self.source.encode() if form == "dot" else render(self.source, form))
        return path

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        try:
            return {"image/svg+xml": render(self.source, "svg").decode()}
        except RenderingError as error:
            said = f"No picture: {error}"
            return {
                "text/plain": f"{said}\n{self.table}",
                "text/html": f"<p>{html.escape(said)}</p>{self.table._repr_html_()}",
            }
