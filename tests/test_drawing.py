"""ag.draw: what the picture holds, read back with Graphviz's own parser, and how it is rendered."""

from __future__ import annotations

import html
import itertools
import json
import os
import re
import shutil
import struct
import subprocess
import sys
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from odd_names import ODD_NAMES
from samples import CASES

import autograd_lite as ag
import nn
from autograd_lite.diagnosis.report import Entry, Finding, Report
from autograd_lite.graph import Step, steps
from autograd_lite.views import drawing, rendering
from autograd_lite.views.texts import clean
from autograd_lite.walk import differentiate, seed

SVG = "{http://www.w3.org/2000/svg}"


def trained(m=8, loss=nn.losses.binary_cross_entropy, sizes=(2, 4, 1)):
    """A 2-4-1 network's forward pass and cost."""
    net = nn.Network(list(sizes), ["tanh"] * (len(sizes) - 2) + ["sigmoid"], rng=0)
    rng = np.random.default_rng(1)
    X = rng.normal(size=(sizes[0], m))
    Y = rng.integers(2, size=(sizes[-1], m)).astype(float)
    f = net.forward(X)
    L = len(sizes) - 1
    return net, f, loss(f.Z[L] if loss.takes_logits else f.A[L], Y)


class Graph:
    """DOT as Graphviz reads it, with labels as a reader sees them.

    nodes: lines by node name. title: the first line. forward and backward: edges as
    (from, to[, rule]), by title. frames: titles by the frame's label.
    """

    def __init__(self, source):
        read = json.loads(rendering.render(source, "json0"))
        objects = read["objects"]
        shown = [o for o in objects if "nodes" not in o and not o["name"].startswith("cluster")]
        self.attributes = {o["name"]: o for o in shown}
        self.nodes = {o["name"]: unescaped(o["label"]).split("\n") for o in shown}
        self.title = {name: lines[0] for name, lines in self.nodes.items()}
        called = [self.title.get(o["name"]) for o in objects]
        self.forward, self.backward = [], []
        for e in read.get("edges", ()):
            tail, head = called[e["tail"]], called[e["head"]]
            if e.get("dir") == "back":
                self.backward.append((head, tail, unescaped(e.get("label", "")).strip()))
            else:
                self.forward.append((tail, head))
        self.frames = {
            unescaped(o["label"]): {called[n] for n in o["nodes"]} for o in objects if "nodes" in o
        }
        self.caption = unescaped(read.get("label", ""))

    def lines(self, title):
        (found,) = [lines for lines in self.nodes.values() if lines[0] == title]
        return found


def unescaped(label):
    text = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], label)
    return html.unescape(text)


def test_every_tensor_and_operation_of_a_network():
    _, f, J = trained()
    graph = Graph(ag.draw(J, f.layers).source)
    leaves, named = ["X", "Y", "W1", "b1", "W2", "b2"], ["Z1", "A1", "Z2", "A2", "J"]
    operations = ["W1 @ X", "+", "tanh", "W2 @ A1", "+", "sigmoid", "binary_cross_entropy"]
    assert Counter(graph.title.values()) == Counter([*leaves, *named, *operations])
    uses = """
        W1 → W1 @ X, X → W1 @ X, W1 @ X → +, b1 → +, + → Z1, Z1 → tanh, tanh → A1,
        W2 → W2 @ A1, A1 → W2 @ A1, W2 @ A1 → +, b2 → +, + → Z2, Z2 → sigmoid, sigmoid → A2,
        A2 → binary_cross_entropy, Y → binary_cross_entropy, binary_cross_entropy → J"""
    expected = (tuple(use.strip().split(" → ")) for use in uses.split(","))
    assert Counter(graph.forward) == Counter(expected)
    assert graph.frames == {
        "layer 1": {"W1", "b1", "W1 @ X", "+", "Z1", "tanh", "A1"},
        "layer 2": {"W2", "b2", "W2 @ A1", "+", "Z2", "sigmoid", "A2"},
    }
    for name, t in (("W1", f.layers["layer 1"][0]), ("Z1", f.Z[1]), ("X", f.A[0]), ("J", J)):
        assert graph.lines(name)[1] == str(t.shape)


def test_the_rules_of_the_backward_pass_go_the_other_way():
    _, f, J = trained()
    graph = Graph(ag.draw(J, f.layers).source)
    rules = {(a, b): rule for a, b, rule in graph.backward if rule}
    cost = rules.pop(("binary_cross_entropy", "A2"))
    assert all(part in cost for part in ("1/8", "g", "(A2 − Y)", " / (A2∘(1 − A2))"))
    assert {(*edge, rule) for edge, rule in rules.items()} == {
        ("sigmoid", "Z2", "∘ A2∘(1 − A2)"),
        ("+", "b2", "g 1"),
        ("+", "W2 @ A1", "g"),
        ("W2 @ A1", "W2", "g A1ᵀ"),
        ("W2 @ A1", "A1", "W2ᵀ g"),
        ("tanh", "Z1", "∘ (1 − A1∘A1)"),
        ("+", "b1", "g 1"),
        ("+", "W1 @ X", "g"),
        ("W1 @ X", "W1", "g Xᵀ"),
    }
    plain = Graph(ag.draw(J, f.layers, backward=False).source)
    assert plain.forward == graph.forward
    assert not plain.backward


def tape_at_random(rng, operations=14):
    """A tape with shared tensors, constants, masks and things that need no gradient."""
    t = [ag.Tensor(rng.normal(size=(2, 2)), k != 1, name=f"x{k}") for k in range(3)]
    for _ in range(operations):
        a, b = (t[k] for k in rng.integers(len(t), size=2))
        made = [a * b, a + b, a @ b, np.tanh(a), np.where(a > 0, b, 2.0), a * 0.5, a.T]
        t.append(made[rng.integers(len(made))])
    return sum(t[3:], t[0]).sum()


@pytest.mark.parametrize("seed_", range(5))
def test_there_is_an_edge_for_each_use_and_each_rule_that_the_walk_runs(seed_):
    J = tape_at_random(np.random.default_rng(seed_))
    graph = Graph(ag.draw(J, most=1000).source)
    uses = [x for s in steps(J) for x in s.inputs if isinstance(x, Step)]
    assert len(graph.forward) == len(uses)
    assert len(graph.nodes) == len(steps(J))
    ran = []
    start = seed(J, None, on_tape=True)
    differentiate(J, start, lambda t, g: None, on_tape=True, ran=lambda t, *_: ran.append(t))
    assert len(graph.backward) == len(ran)
    assert all(rule for _, _, rule in graph.backward)


@pytest.mark.parametrize(("f", "arrays"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_every_operation_can_be_drawn_with_its_rules(f, arrays):
    inputs = [ag.Tensor(a, a.dtype.kind == "f") for a in arrays]
    y = f(*inputs)
    for t in (y, *ag.gradients(np.sum(y * y), inputs[:1], create_graph=True)):
        source = ag.draw(t, most=500).source
        assert ("class=backward" in source) == (t._op is not None and t.requires_grad)
        assert str(ag.tape(t))


def test_a_tensor_used_twice_has_two_edges():
    x = ag.Tensor(3.0, requires_grad=True, name="x")
    graph = Graph(ag.draw(x * x).source)
    assert graph.forward == [("x", "*"), ("x", "*")]
    assert graph.backward == [("*", "x", "g x"), ("*", "x", "g x")]
    assert graph.lines("x") == ["x", "()", "= 3", "∂ = 6"]


def test_values_and_gradients_where_small_or_asked_for():
    net, f, J = trained()
    b2 = net.parameters()["b2"]
    (db2,) = ag.gradients(J, [b2])
    before = ag.draw(J, f.layers).source
    J.backward()
    assert ag.draw(J, f.layers).source == before
    graph = Graph(before)
    assert graph.lines("b2") == ["b2", "(1, 1)", "= [0]", f"∂ = [{db2.item():.3g}]"]
    assert len(graph.lines("W1")) == 2
    everything = Graph(ag.draw(J, f.layers, values=True).source)
    W1 = f.layers["layer 1"][0].data
    assert everything.lines("W1")[2] == "= [" + "".join(f"{x:.3g}, " for x in W1.flat[:3]) + "…]"
    assert len(Graph(ag.draw(J, values=False).source).lines("b2")) == 2
    x = ag.Tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True, name="x")
    graph = Graph(ag.draw(np.sum(x[1:].named("y"))).source)
    assert graph.lines("y") == ["y", "(3,)", "= [2, 3, 4]", "∂ = [1, 1, 1]"]
    assert graph.lines("x") == ["x", "(4,)"]


def test_leaves_parameters_and_names_look_different():
    graph = Graph(ag.draw(trained()[2]).source)
    look = {title: graph.attributes[name] for name, title in graph.title.items()}
    fills = [look[name]["fillcolor"] for name in ("X", "W1", "Z1", "tanh")]
    assert len(set(fills)) == 4
    assert look["J"]["peripheries"] == "2"
    for node in look.values():  # dark text on light ground: contrast of 7 and more (WCAG AAA)
        assert contrast(node["fillcolor"], "#111111") > 7


def contrast(a, b):
    def luminance(colour):
        c = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
        c = np.where(c <= 0.03928, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return c @ [0.2126, 0.7152, 0.0722]

    high, low = sorted([luminance(a), luminance(b)], reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_operations_say_what_the_edges_do_not():
    a, b = (ag.Tensor(np.ones((2, 2)), requires_grad=True, name=n) for n in "ab")
    y = np.where(a > 0, b - a, a**2) / (2 * b)
    titles = Graph(ag.draw(np.sum(y, axis=0).sum(), backward=False).source).title.values()
    assert {"· > 0", "a > 0"} & set(titles) == {"a > 0"}
    assert {"b - a", "2 * b", "· / ·", "where", "a", "b"} <= set(titles)
    assert any(
        "axis=(0,)" in node for node in Graph(ag.draw(np.sum(y, axis=0)).source).lines("sum")
    )


def test_groups_that_do_not_fit():
    net, f, J = trained(loss=nn.losses.binary_cross_entropy_with_logits)
    graph = Graph(ag.draw(J, f.layers).source)  # A2 is not on the tape of a cost of logits
    assert graph.frames["layer 2"] == {"W2", "b2", "W2 @ A1", "+", "Z2"}
    with pytest.raises(TypeError, match="group 'layer 1' holds a str: give it Tensors"):
        ag.draw(J, {"layer 1": ["W1"]})
    with pytest.raises(ValueError, match="no Tensor of group 'other' is on the tape"):
        ag.draw(J, {"other": [ag.Tensor([1.0])]})
    with pytest.raises(TypeError, match="belongs to a Tensor, not to Network"):
        ag.draw(net)
    with pytest.raises(ValueError, match="most=1"):
        ag.draw(J, most=1)


def reported(J, **findings):
    """A report on W1, b1, W2, b2 of this cost: they agree, but for those with findings."""
    recorded = steps(J)
    entries = []
    for name in ("W2", "b2", "W1", "b1"):
        step, found = recorded.step(name), findings.get(name, [])
        verdict = "differs" if found else "agrees"
        entries.append(Entry(name, step.shape, step.value, step, verdict, findings=found))
    return Report(entries)


def test_the_finding_of_a_comparison_stands_at_its_place():
    _, f, J = trained()
    slope = Finding("derivative-dropped", "Z1", 1.0, "multiply dA1 by 1 − A1∘A1", 0.0, 1)
    report = reported(J, W1=[slope], b1=[slope])
    graph = Graph(ag.draw(J, f.layers, report).source)
    assert graph.lines("W2")[-1] == graph.lines("b2")[-1] == "✓ ∂ agrees"
    assert graph.lines("W1")[-1] == graph.lines("b1")[-1] == "✗ ∂ differs"
    said = " ".join(graph.lines("Z1")[2:])
    assert said == "✗ derivative-dropped: multiply dA1 by 1 − A1∘A1"
    colour = {title: graph.attributes[name]["fillcolor"] for name, title in graph.title.items()}
    assert colour["W1"] == colour["Z1"] == drawing.DIFFERS["fillcolor"]
    assert colour["W2"] == colour["b2"] == drawing.AGREES["fillcolor"]
    assert sum("✗" in str(lines) for lines in graph.nodes.values()) == 3

    folded = Graph(ag.draw(J, f.layers, report, most=5).source)
    assert folded.lines("layer 1")[-1] == "✗ W1, b1, Z1"
    assert folded.lines("layer 2")[-1] == "✓ all agree"
    tiny = Graph(ag.draw(J, None, report, most=3).source)
    assert "✗ differs, but is not shown: W1, b1" in tiny.caption

    either = [slope, Finding("transposed", "W1", 1.0, "transpose it", 0.0, 1)]
    graph = Graph(ag.draw(J, f.layers, reported(J, W1=either)).source)
    assert "✗ one of 2: transposed: transpose it" in graph.lines("W1")
    assert "✗ one of 2: derivative-dropped:" in " ".join(graph.lines("Z1"))
    with pytest.raises(ValueError, match="compares W2, which is not on this tape"):
        ag.draw(trained()[2], report=report)


def test_a_comparison_is_painted():
    net, f, J = trained()
    right = ag.gradients(J, list(net.parameters().values()))
    by_hand = dict(zip(net.parameters(), right, strict=True))
    graph = Graph(ag.draw(J, f.layers, ag.compare(J, by_hand)).source)
    assert sum("✓ ∂ agrees" in lines for lines in graph.nodes.values()) == 4
    report = ag.compare(J, {**by_hand, "W2": -by_hand["W2"]}, values={"Z1": f.Z[1].data})
    graph = Graph(ag.draw(J, f.layers, report).source)
    finding = report["W2"].findings[0]
    assert graph.lines("W2")[2:3] == ["✗ ∂ differs"]
    assert any(finding.kind in line for line in graph.lines(finding.where))
    assert graph.lines("Z1")[-1] == "✓ value agrees"


def reached(recorded, shown):
    """Which shown steps each shown step comes from, with nothing shown in between: by search."""
    found = set()
    for s in recorded:
        stack = [x for x in s.inputs if isinstance(x, Step)] if s.label in shown else []
        seen = set()
        while stack:
            x = stack.pop()
            if x.label in shown:
                found.add((x.label, s.label))
            elif x.number not in seen:
                stack += [y for y in x.inputs if isinstance(y, Step)]
            seen.add(x.number)
    return found


@pytest.mark.parametrize("most", [2, 3, 5, 8, 13, 21, 34, 55, 89])
def test_folded_to_at_most_so_many_nodes_with_right_edges(most):
    rng = np.random.default_rng(most)
    t = [ag.Tensor(1.0, requires_grad=True, name="x0"), ag.Tensor(2.0, True, name="x1")]
    for k in range(2, 90):
        a, b = (t[i] for i in rng.integers(max(0, k - 6), k, size=2))
        t.append(np.minimum(a, b))
        if k % 4 == 0:
            t[-1].named(f"y{k}")
    J = sum(t[-6:], t[0]).named("J")
    graph = Graph(ag.draw(J, most=most).source)
    assert 2 <= len(graph.nodes) <= most
    assert "J" in graph.title.values()
    assert set(graph.forward) == reached(steps(J), set(graph.title.values()))
    assert len(graph.forward) == len(set(graph.forward))
    assert f"{len(steps(J))} steps, folded (most={most}): " in graph.caption


def test_layers_fold_to_one_node_each():
    _, f, J = trained(sizes=[2] + [3] * 30 + [1])
    graph = Graph(ag.draw(J, f.layers).source)
    names = [f"layer {k}" for k in range(1, 32)]
    assert set(graph.title.values()) == {"X", "Y", "J", *names}
    chain = ["X", *names, "J"]
    assert set(graph.forward) == {*itertools.pairwise(chain), ("Y", "J")}
    assert graph.lines("layer 1") == ["layer 1", "W1 b1 Z1 A1", "3 operations"]
    assert "each group is one node" in graph.caption


def folded(J, most=80):
    """The picture of a nameless tape, whose boxes have no circle and hide nothing twice."""
    graph = Graph(ag.draw(J, most=most).source)
    assert len(graph.nodes) <= most
    after = {a: {y for x, y in graph.forward if x == a} for a, _ in graph.forward}
    assert list(TopologicalSorter(after).static_order())  # CycleError
    operations = [s for s in steps(J) if s.op]
    inside = [line.split()[0] for lines in graph.nodes.values() for line in lines
              if line.endswith(" operations")]  # fmt: skip
    alone = sum(title.split()[0] in ("sum", "reshape") for title in graph.title.values())
    assert sum(map(int, inside)) + alone == len(operations)
    return graph


def test_a_loop_without_names_folds_to_its_repetitions():
    x, W = ag.Tensor(np.ones((3, 2)), True, name="x"), ag.Tensor(np.eye(3), True, name="W")
    h = x
    for _ in range(66):
        h = np.tanh(W @ h + 0.1)
    graph = folded(np.sum(h))
    titles = [f"{k} of 66: dot, add, tanh, from %2" for k in ("1", "2", "3 to 65", "66")]
    assert [title for title in graph.title.values() if "of 66" in title] == titles
    assert {(a, b) for a, b in graph.forward if a == "W"} == {("W", title) for title in titles}
    assert "what repeats is one node each time" in graph.caption


@pytest.mark.parametrize("seed", range(5))
def test_operations_without_names_and_pattern_fold_in_rows(seed):
    rng = np.random.default_rng(seed)
    x = h = ag.Tensor(np.ones((3, 2)), True, name="x")
    functions = [np.sin, np.cos, np.tanh, lambda a: a * 2, lambda a: a + x, np.square, ag.sigmoid]
    for _ in range(200):
        h = functions[rng.integers(len(functions))](h)
    graph = folded(np.sum(h))
    assert 10 < len(graph.nodes) < 30


def test_a_hundred_thousand_operations():
    t = ag.Tensor([1.0], requires_grad=True, name="x")
    for k in range(100_000):
        t = t * 1.0
        if k % 10 == 0:
            t.named("t")
    source = ag.draw(t.named("end")).source
    assert source.count("[label=") <= 80
    assert "100001 steps, folded (most=80): leaves and what has no name are left out" in source
    assert "only the first and the last 40." in source


def test_exactly_so_many_nodes_are_not_folded():
    _, f, J = trained()  # 18 nodes
    assert len(Graph(ag.draw(J, f.layers, most=18).source).nodes) == 18
    assert len(Graph(ag.draw(J, f.layers, most=17).source).nodes) == 5


@pytest.mark.parametrize("n", [14, 25, 200])
@pytest.mark.parametrize("named", [True, False])
def test_a_dense_graph_is_laid_out_soon(n, named):
    t = [ag.Tensor(1.0, requires_grad=True, name="x")]
    for k in range(n):  # each from all before it
        t.append(np.stack(t).sum() / 2**k)
        if named:
            t[-1].named(f"y{k}")
    source = ag.draw(t[-1]).source
    assert ("folded" in source) == (n > 14)
    assert source.count("->") <= 400
    assert rendering.render(source, "svg")


def test_the_same_program_gives_the_same_text_in_another_process():
    program = (
        "import numpy as np, autograd_lite as ag, nn\n"
        "net = nn.Network([2, 4, 1], ['tanh', 'sigmoid'], rng=0)\n"
        "f = net.forward(np.ones((2, 3)))\n"
        "J = nn.losses.binary_cross_entropy(f.A[2], np.ones((1, 3)))\n"
        "print(ag.draw(J, f.layers).source, ag.draw(J, f.layers, most=4).source, ag.tape(J))\n"
    )
    texts = set()
    for seed_ in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed_, "PYTHONIOENCODING": "utf-8"}
        command = [sys.executable, "-W", "error", "-c", program]
        root = Path(__file__).parent.parent
        texts.add(subprocess.check_output(command, env=environment, cwd=root, encoding="utf-8"))
    (text,) = texts
    assert "0x" not in text


@pytest.mark.parametrize("name", ODD_NAMES, ids=lambda name: ascii(name[:12]))
def test_odd_names_cannot_break_out(name):
    def picture(name, group):
        x = ag.Tensor([1.0, 2.0], requires_grad=True, name=name)
        h = np.exp(x).named(name)
        J = np.sum(h @ x[:, None] - x).named("J")
        return ag.draw(J, {group: [x, h]})

    shown, odd = clean(name), picture(name, name)
    plain, graph = Graph(picture("n", "n").source), Graph(odd.source)
    assert list(graph.nodes) == list(plain.nodes)
    assert len(graph.forward) == len(plain.forward)
    assert len(graph.backward) == len(plain.backward)
    assert graph.title["t0"] == shown
    assert graph.frames.keys() == {shown}
    root = ElementTree.fromstring(rendering.render(odd.source, "svg"))
    assert {e.tag for e in root.iter()} <= {
        SVG + tag for tag in ("svg", "g", "title", "polygon", "text", "path", "ellipse", "polyline")
    }
    texts = [e.text.replace("\N{NO-BREAK SPACE}", " ") for e in root.iter(SVG + "text")]
    assert shown in texts
    table = odd._repr_mimebundle_()["image/svg+xml"]
    ElementTree.fromstring(table.encode())


SIGNATURE = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}


@pytest.mark.parametrize("form", SIGNATURE)
@pytest.mark.parametrize("has_dot", [True, False], ids=["dot", "pygraphviz"])
def test_saved_as_picture_by_either_renderer(form, has_dot, tmp_path, monkeypatch):
    if has_dot and not shutil.which("dot"):
        pytest.skip("there is no dot here")
    if not has_dot:
        monkeypatch.setenv("PATH", str(tmp_path))
        assert rendering.renderer("svg")[0] == sys.executable
    _, f, J = trained()
    path = ag.draw(J, f.layers).save(tmp_path / f"g.{form.upper()}")
    assert path.read_bytes().startswith(SIGNATURE[form])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    if form == "png":
        width, height = struct.unpack(">II", path.read_bytes()[16:24])
        assert min(width, height) > 700  # sharp enough to be read
    if form == "svg":
        root = ElementTree.parse(path).getroot()
        nodes = [e for e in root.iter(SVG + "g") if e.get("class") == "node"]
        backward = [e for e in root.iter(SVG + "g") if e.get("class") == "edge backward"]
        assert (len(nodes), len(backward)) == (18, 15)
        assert any("g A1ᵀ" in (e.text or "").replace("\xa0", " ") for e in root.iter(SVG + "text"))


def test_without_a_renderer_there_is_the_table_and_the_command(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(rendering.importlib.util, "find_spec", lambda name: None)
    picture = ag.draw(trained()[2])
    command = 'pip install "autograd-lite[draw]"'
    with pytest.raises(rendering.RenderingError, match=re.escape(command)):
        picture.save(tmp_path / "g.svg")
    picture.save(tmp_path / "g.dot")
    shown = picture._repr_mimebundle_()
    assert shown.keys() == {"text/plain", "text/html"}
    assert command in shown["text/plain"]
    assert str(ag.tape(trained()[2])) in shown["text/plain"]
    assert html.escape(command) in shown["text/html"]
    assert "<table>" in shown["text/html"]


def test_what_is_no_group_no_report_and_no_file(tmp_path):
    J = trained()[2]
    with pytest.raises(TypeError, match=r"groups are a dict of lists of Tensors"):
        ag.draw(J, groups=[J])
    with pytest.raises(TypeError, match=r"report is what ag.compare returns, not a dict"):
        ag.draw(J, report={"W1": 1})
    (tmp_path / "g.dot").mkdir()
    for path, error in (
        (tmp_path / "g.dot", IsADirectoryError),
        (tmp_path / "none" / "g.dot", FileNotFoundError),
    ):
        with pytest.raises(error) as raised:
            ag.draw(J).save(path)
        assert str(raised.value).endswith(f": '{path}'")


def test_a_failed_save_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "g.svg"
    path.write_text("before")
    picture = ag.draw(trained()[2])
    with pytest.raises(rendering.RenderingError, match=r"after 0.001 seconds: draw fewer nodes"):
        rendering.render(picture.source, "svg", seconds=0.001)
    with pytest.raises(rendering.RenderingError, match=r"failed: \S"):  # in Graphviz's words
        rendering.render("digraph {", "svg")

    dot = tmp_path / "bin" / "dot"
    dot.parent.mkdir()
    dot.write_text("#!/bin/sh\necho '<svg'; echo 'ran out of paper' >&2; exit 1\n")
    dot.chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", str(dot.parent))
        with pytest.raises(rendering.RenderingError, match="dot failed: ran out of paper"):
            picture.save(path)

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        picture.save(path)
    assert path.read_text() == "before"
    assert {p.name for p in tmp_path.iterdir()} == {"g.svg", "bin"}
    with pytest.raises(ValueError, match=r"g.gif: a drawing is saved as one of .svg, .png"):
        picture.save(tmp_path / "g.gif")


def test_what_has_no_backward_pass_is_drawn_without():
    x = ag.Tensor([1.0, 2.0], requires_grad=True, name="x")
    J = np.sum(x * x).named("J")
    x.data = [5.0, 6.0]
    graph = Graph(ag.draw(J).source)
    assert not graph.backward
    assert "Without the backward pass: the data of x (2,) was replaced" in graph.caption
    assert Graph(ag.draw(ag.Tensor([1.0], name="c")).source).title == {"t0": "c"}
    with ag.no_grad():
        assert Graph(ag.draw(np.sum(x)).source).forward == []

    y = (ag.Tensor([1.0, 2.0], requires_grad=True, name="x") ** 2).named("y")
    graph = Graph(ag.draw(y).source)
    assert graph.lines("x")[-1] == "∂ = [2, 4]"
    assert "the sum of all elements" in graph.caption


def test_nothing_is_changed_by_drawing():
    net, f, J = trained()
    J.backward()
    before = {name: (p.data.copy(), p.grad.copy()) for name, p in net.parameters().items()}
    order = [(s.tensor._order, s.name) for s in steps(J)]
    str(ag.draw(J, f.layers).source) + str(ag.tape(J))
    assert order == [(s.tensor._order, s.name) for s in steps(J)]
    for name, p in net.parameters().items():
        np.testing.assert_array_equal(p.data, before[name][0])
        np.testing.assert_array_equal(p.grad, before[name][1])


def test_a_gradient_can_itself_be_drawn():
    x = ag.Tensor(2.0, requires_grad=True, name="x")
    (slope,) = ag.gradients(x**3, [x], create_graph=True)
    graph = Graph(ag.draw(slope.named("slope")).source)
    assert graph.lines("slope")[2] == "= 12"
    assert graph.lines("x")[-1] == "∂ = 12"  # 6 x
