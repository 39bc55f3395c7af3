"""`check --report`: what the page holds, and how it looks and works in a real browser."""

from __future__ import annotations

import base64
import re
import runpy
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from browser import browser

from nn import closed_form, datasets, documents, report
from nn.cli import command, command_check
from nn.documents import Entry, document_000, document_002, document_003
from nn.documents.checked import Checked
from nn.documents.procedures import Run
from nn.report import markup, network

HOSTILE = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"


def few_documents():
    """Formulas of many verdicts, one with a matrix, and one from a villain."""
    chosen = {
        document_000: ["1 W", "1 J", "2.1 w", "2.3.2 a (1)"],
        document_002: ["a", "chain b^1", "∂C/∂z^l (2)"],
        document_003: ["a1[3]", "∂ℒ/∂"],
    }
    few = [
        replace(module.DOCUMENT, entries=[module.DOCUMENT.entry(label) for label in labels])
        for module, labels in chosen.items()
    ]
    villain = Entry(
        **dict.fromkeys(("label", "printed", "corrected", "why", "shapes"), HOSTILE),
        equals="∂J/∂W{l}", formula=lambda v, l: -v.d("J", f"W{l}"),
        corrected_formula=lambda v, l: v.d("J", f"W{l}"), silent=True,
        printed_latex=rf"\text{{{HOSTILE}}}",
        corrected_latex=r"\text{<script>window.hacked = 1</script>}",
    )  # fmt: skip
    few[0] = replace(few[0], author="A. Author, 1999")
    few[1] = replace(few[1], title=HOSTILE, entries=[*few[1].entries, villain])
    return few


@pytest.fixture(scope="module")
def checked():
    few = few_documents()
    run = Run("002", HOSTILE, 3, 2e-16, (1.0, 0.5))
    row = closed_form.Row("planar", "dW1", 3e-15)
    return Checked(few, documents.check(few, networks=6), [run], [row], [HOSTILE])


@pytest.fixture(scope="module")
def file(checked, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report.page(checked, epochs=40), encoding="utf-8")
    return path


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text that follows it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def elements(file):
    return Elements(file.read_text(encoding="utf-8"))


# What the page holds


def test_the_page_is_one_file_that_refers_to_nothing_outside(file, elements):
    html = file.read_text(encoding="utf-8")
    assert not re.search(r"://|url\((?!data:)|@import", html)
    ids = [given["id"] for _, given in elements.found if "id" in given]
    assert [name for name, n in Counter(ids).items() if n > 1] == []
    for tag, given in elements.found:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        for name in ("src", "srcset", "data", "xlink:href"):
            assert given.get(name, "data:image/png;base64,").startswith("data:image/png;base64,")
        if "href" in given:
            assert given["href"][0] == "#"
            assert given["href"][1:] in ids


def test_what_others_wrote_is_text(elements):
    assert sum(tag == "script" for tag, _ in elements.found) == 1
    assert not any(key.startswith("on") for _, given in elements.found for key in given)
    assert sum(HOSTILE in text for text in elements.text) >= 8


def test_every_result_is_on_the_page(checked, elements):
    said = " ".join(elements.text)
    for result in checked.results:
        assert result.label in said
        assert result.why in said
    cards = [g["id"] for tag, g in elements.found if "card" in g.get("class", "").split()]
    wrong = [r for r in checked.results if r.verdict in ("misprint", "undefined", "false")]
    assert len(cards) == len(wrong) > 4
    silent = [g for _, g in elements.found if g.get("class") == "card silent"]
    assert len(silent) == sum(r.silent for r in wrong) > 0
    formulas = [g["alttext"] for tag, g in elements.found if tag == "math"]
    typeset = Counter(r.printed for r in [*checked.results, *wrong])
    typeset += Counter(r.corrected for r in wrong if r.corrected_latex)
    del typeset[HOSTILE]
    assert typeset <= Counter(formulas)
    assert "Relative error as printed" in said
    assert said.count("(A. Author, 1999)") == 3  # in the summary, and in both lists


@pytest.mark.parametrize("number", documents.NUMBERS)
def test_every_formula_of_the_documents_can_be_typeset_and_found(number):
    entries = documents.document(number).entries
    assert len({"-".join(entry.label.split()) for entry in entries}) == len(entries)
    for entry in entries:
        for latex in filter(None, (entry.printed_latex, entry.corrected_latex)):
            assert markup.math(latex, "").startswith("<math"), f"{entry.label}: {latex}"


def test_where_documents_differ_is_on_the_page(checked, elements):
    said = " ".join(elements.text)
    assert checked.conflicts
    for conflict in checked.conflicts:
        assert all(x in said for x in (conflict.fact, *conflict.found.values()))


def test_the_stepper_has_the_numbers_of_the_closed_form(elements, file):
    """Each rule's result is the gradient of its tensor, in the order of the backward pass."""
    f, _ = network.cost(0, network.SAMPLES)
    net = closed_form.planar_exercise(0).net
    X, Y = f.A[0].numpy(), datasets.planar(network.SAMPLES, 0)[1]
    values = {name: p.numpy() for name, p in net.parameters().items()}
    gradients = closed_form.gradients(values, X, Y, net.activations, "binary_cross_entropy")
    html = file.read_text(encoding="utf-8")
    shown = dict(re.findall(r"<figcaption>gradient ∂J/∂(\w+) <span.*?<table>(.*?)</table>", html))
    assert shown.pop("J") == '<tbody><tr><td style="--size:35%" class="plus">1</td></tr></tbody>'
    assert list(shown) == ["A2", "Z2", "b2", "W2", "A1", "Z1", "b1", "W1"]
    for name, table in shown.items():
        rows = [re.findall(r">([^<]+)</td>", row) for row in table.split("</tr>")[:-1]]
        expected = [[markup.number(x) for x in row] for row in gradients[f"d{name}"]]
        assert rows == expected, name


def test_a_result_that_is_not_as_recorded_and_an_error_are_shown(checked):
    first = replace(checked.results[0], verdict="error", recorded="holds")
    page = report.formulas.misprints(replace(checked, results=[first]))
    assert "Recorded: holds" in page
    summary = report.formulas.summary_section(replace(checked, results=[first]), rng=0)
    assert 'class="alarm"' in summary


def test_every_picture_says_what_it_shows(elements):
    pictures = [given["alt"] for tag, given in elements.found if tag == "img"]
    assert len(pictures) == 3
    assert all(len(text) > 40 for text in pictures)
    graph = next(given for tag, given in elements.found if tag == "svg")
    assert graph["role"] == "img"
    assert "Z1, A1, Z2 and A2" in graph["aria-label"]


def test_the_forgotten_derivative_is_found(elements):
    said = " ".join(elements.text)
    assert "derivative-dropped at Z1" in said
    assert said.count(" agrees ") == said.count(" differs ") == 2


def test_a_matrix_of_zeros_is_shown():
    assert markup.number_table("Z", np.array([[0.0, 0.0]])).count(">0</td>") == 2


# The command


def test_the_command_writes_the_page(checked, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command_check, "everything", lambda numbers, rng: checked)
    monkeypatch.setattr(report, "page", lambda checked, rng: f"{len(checked.results)}, {rng}")
    file = tmp_path / "report.html"
    assert command.main(["check", "--report", str(file), "--rng", "3"]) == 0
    assert file.read_text(encoding="utf-8") == f"{len(checked.results)}, 3"
    assert f"written to {file}" in capsys.readouterr().out


def test_what_is_missing_is_said_in_one_line_before_the_check(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command_check, "everything", pytest.fail)
    monkeypatch.setitem(report.LIBRARIES, "no_such_library", "Nothing")
    assert command.main(["check", "--report", str(tmp_path / "report.html")]) == 2
    said = capsys.readouterr().err
    assert 'the report needs Nothing: pip install "autograd-lite[report]"' in said
    assert len(said.splitlines()) == 1
    assert command.main(["check", "--report", str(tmp_path / "no" / "report.html")]) == 2
    assert "cannot be written: No such file" in capsys.readouterr().err


# In a browser

TOO_SMALL = """
return [...document.body.querySelectorAll("*")]
  .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
  .filter((e) => e.getBoundingClientRect().width && !e.closest("svg"))
  .filter((e) => parseFloat(getComputedStyle(e).fontSize) < (e.closest("math") ? 8 : 12))
  .map((e) => e.textContent.slice(0, 30));
"""
TOO_WIDE = """
return [document.documentElement.scrollWidth > innerWidth && "the page",
  ...[...document.body.querySelectorAll("*")]
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll"))
    .map((e) => e.outerHTML.slice(0, 80))].filter(Boolean);
"""
# A formula that sticks out of its line, and would be cut or give it a scroll bar.
CUT = """
return [...document.querySelectorAll(".formula")]
  .filter((e) => e.scrollHeight > e.clientHeight).map((e) => e.innerHTML.slice(0, 80));
"""
INVISIBLE = """
return [...document.querySelectorAll("math")]
  .filter((e) => !e.closest("[hidden]"))
  .filter((e) => e.getBoundingClientRect().width < 5 || e.getBoundingClientRect().height < 8)
  .map((e) => e.getAttribute("alttext"));
"""
# A bracket beside a matrix is as high as the matrix, with the font that is in the page.
GROWS = """
const matrix = document.querySelector("mo + mtable");
if (!matrix) return 1;
const [a, b] = [matrix.previousElementSibling, matrix].map((e) => e.getBoundingClientRect().height);
return a / b;
"""
UNFOLD = "document.querySelectorAll('details').forEach((e) => (e.open = true));"
PAGES = ("documents", "network", "note")
NOTES = ("bp1_to_bp4.tex", "cannot_be_read.md", "table.md", "two_layers_mistaken.txt")


@pytest.fixture(scope="module")
def pages(file, tmp_path_factory):
    """One of each kind that the command writes."""
    folder = tmp_path_factory.mktemp("pages")
    made = {name: folder / f"{name}.html" for name in PAGES[1:]}
    notes = [str(Path(__file__).parent / "notes" / name) for name in NOTES]
    hostile = folder / "hostile.md"
    hostile.write_text(f"# {HOSTILE}\n{HOSTILE} $x = {HOSTILE}$\n", encoding="utf-8")
    assert command.main(["report", "--data", "planar", "--output", str(made["network"])]) == 0
    assert command.main(["check", *notes, str(hostile), "--report", str(made["note"])]) == 2
    return {"documents": file, **made}


@pytest.fixture(scope="module")
def window():
    with browser() as window:
        yield window


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("page", PAGES)
def test_it_can_be_read(window, pages, page, width, scheme):
    window.show(width, scheme)
    window.open(pages[page])
    window.run(f"{UNFOLD} dispatchEvent(new Event('resize'))")
    for judge in (TOO_WIDE, TOO_SMALL, CUT, INVISIBLE):
        assert window.run(judge) == [], judge
    assert window.barriers() == []
    ground = window.run("return getComputedStyle(document.body).backgroundColor")
    assert (int(re.search(r"\d+", ground)[0]) < 128) == (scheme == "dark")
    assert window.run("return document.querySelectorAll('math').length") > 20
    assert window.run("return [...document.images].every((e) => e.naturalWidth > 300)")
    assert window.run("return document.fonts.ready.then((f) => [...f].map((x) => x.status))") == [
        "loaded"
    ]
    assert window.run(GROWS) > 0.9
    assert window.run("return window.hacked") is None
    assert window.console() == []


PLANTED = """
<p style="color: #999">pale</p>
<p><math><mi style="color: #999">α</mi></math></p>
<div style="height: 1em; overflow: auto"><p>above</p><p>below</p></div>
<p style="font-size: 8px">small</p>
<p style="width: 500px">wide</p>
<p><math alttext="thin"></math></p>
<button></button>
<h2>a heading</h2><h5>three levels below</h5>
"""


def test_what_cannot_be_read_is_noticed(window, file):
    """The judges of the test before this one, with something wrong."""
    window.show(320, "light")
    window.open(file)
    window.run(
        "document.querySelector('main').insertAdjacentHTML('beforeend', arguments[0])", PLANTED
    )
    rules = Counter(said.split(":")[0] for said in window.barriers())
    assert set(rules) == {
        *("color-contrast", "button-name", "heading-order", "scrollable-region-focusable"),
    }
    assert rules["color-contrast"] == 2
    assert window.run(TOO_SMALL) == ["small"]
    assert [said[:8] for said in window.run(TOO_WIDE)] == ["the page", "<p style"]
    assert window.run(INVISIBLE) == ["thin"]
    window.run("document.querySelector('.formula').style = 'height: 9px'")
    assert len(window.run(CUT)) == 1
    window.run("console.error('noticed')")
    assert any("noticed" in said for said in window.console())
    window.run("new Image().src = 'http://127.0.0.1:9/picture.png'")
    assert any("Content Security Policy" in said for said in window.console())


def stepper(window):
    """Where the stepper stands, what it shows and what it says to a screen reader."""
    return window.run(
        "const all = [...document.querySelectorAll('.step')], seen = all.filter((e) => !e.hidden);"
        "return [all.indexOf(seen[0]), seen.length,"
        " document.querySelector('[aria-current]').innerText,"
        " document.querySelector('[aria-live]').innerText, seen[0].innerText,"
        " seen[0].getBoundingClientRect().height]"
    )


def test_the_stepper_steps_by_button_and_by_key(window, file):
    window.show(1280, "light")
    window.open(file)
    at, seen, chip, said, text, height = stepper(window)
    assert (at, seen, chip) == (0, 1, "W1 X")
    assert "W1, a parameter (4, 2)" in text
    assert "X, given (2, 4)" in text
    window.click(".chips li:nth-child(8) button")
    assert stepper(window)[2] == "∂J/∂J"
    window.click(".forward")
    at, seen, chip, said, text, height = stepper(window)
    assert (at, seen, chip) == (8, 1, "∂J/∂A2")
    assert said == "Step 9 of 18: the gradient of A2, " + said.split("A2, ", 1)[1]
    assert "J = binary_cross_entropy(A2, Y)" in text
    assert "(1, 4)" in text
    assert height > 100
    moves = [("right", 9), ("right", 10), ("left", 9), ("end", 17), ("right", 17), ("home", 0)]
    for key, expected in [*moves, ("left", 0)]:
        window.press(key)  # the focus is on the button that was clicked
        assert stepper(window)[:2] == [expected, 1], key
    window.click(".chips li:nth-child(15) button")
    assert stepper(window)[2] == "∂J/∂Z1"
    window.click(".back")
    assert stepper(window)[2] == "∂J/∂A1"
    assert "W2ᵀ g" in stepper(window)[3]
    assert "g, from ∂J/∂(W2 A1) (1, 4)" in stepper(window)[4]


def test_arrow_keys_reach_the_stepper_only_where_it_is_in_view(window, file):
    window.show(1280, "light")
    window.open(file)
    window.press("right")
    assert stepper(window)[0] == 0
    window.run("document.querySelector('.stepper').scrollIntoView()")
    window.press("right")
    assert stepper(window)[0] == 1


def test_a_link_opens_what_its_formula_is_folded_into(window, file):
    window.show(1280, "light")
    window.open(file)
    window.run("document.querySelectorAll('details').forEach((e) => (e.open = false))")
    window.run("document.querySelector('.formulas a').click()")
    window.run("return new Promise((done) => setTimeout(done, 50))")
    assert window.run("return document.querySelector(':target').getBoundingClientRect().top") < 900
    assert window.run("return document.querySelector(':target').closest('details').open")


def test_only_the_silent_ones(window, file, checked):
    window.show(1280, "light")
    window.open(file)
    window.run(UNFOLD)
    window.click("#only-silent")
    seen = "return [...document.querySelectorAll('.card')].filter((e) => e.offsetHeight).length"
    assert window.run(seen) == sum(r.silent for r in checked.results)


def test_words_are_found(window, file, checked):
    """In text and in formulas; a document without any is gone, one with some is opened."""
    window.show(1280, "light")
    window.open(file)
    seen = (
        "return [...document.querySelectorAll('.card')].filter((e) => e.checkVisibility()).length"
    )
    assert window.run(seen) == 0
    label = next(r.label for r in checked.results if r.verdict == "misprint")
    typed = "find.value = arguments[0]; find.dispatchEvent(new Event('input'))"
    window.run(typed, label)
    found = window.run(
        "return [...document.querySelectorAll('.card:not([hidden])')].map((e) => e.id)"
    )
    assert window.run(seen) == len(found) > 0
    assert all(word in name for name in found for word in label.split())
    window.run(typed, "no such words")
    assert window.run(
        "return [...document.querySelectorAll('#misprints details')].every((e) => e.hidden)"
    )
    window.run(typed, "")
    assert window.run("return document.querySelectorAll('.card[hidden]').length") == 0


def test_a_screen_reader_finds_its_way(window, file):
    window.show(320, "light")
    window.open(file)
    nodes = window.devtools("Accessibility.getFullAXTree")["nodes"]
    roles = Counter(n["role"]["value"] for n in nodes if not n.get("ignored"))
    for role in ("main", "navigation", "status", "table", "MathMLMath"):
        assert roles[role], role


@pytest.mark.parametrize("page", PAGES)
def test_it_works_by_keyboard_alone(window, pages, page):
    """Tab reaches all that can be used and every box that scrolls, and shows where it is."""
    window.show(320, "light")
    window.open(pages[page])
    usable = "a, button, input, summary, .stepper, .scroll"
    expected = window.run(
        f"window.left = new Set([...document.querySelectorAll('{usable}')].filter((e) => "
        "e.checkVisibility() && (e.tabIndex >= 0 || e.scrollWidth > e.clientWidth)));"
        "return left.size"
    )
    for _ in range(expected):
        window.press("tab")
        window.run("left.delete(document.activeElement)")
        outline = "return getComputedStyle(document.activeElement).outlineStyle"
        assert window.run(outline) == "solid"
    assert window.run("return [...left].map((e) => e.outerHTML.slice(0, 90))") == []


@pytest.mark.parametrize("page", ["documents", "note"])
def test_what_is_folded_opens_by_key(window, pages, page):
    window.show(320, "light")
    window.open(pages[page])
    window.run("document.querySelector('details:not([open]) summary').focus()")
    window.press("enter")
    assert window.run("return document.activeElement.parentElement.open")


@pytest.mark.slow
def test_the_full_report(window, tmp_path, capsys):
    """As README says it: the command, its page, every formula in a browser."""
    file = tmp_path / "report.html"
    assert command.main(["check", "--report", str(file)]) == 0
    formulas = int(capsys.readouterr().out.split(" formulas: ")[0].split()[-1])
    assert formulas > 400
    assert file.stat().st_size <= 2_000_000
    for width, scheme in ((320, "dark"), (1280, "light")):
        window.show(width, scheme)
        window.open(file)
        window.run(UNFOLD)
        assert window.run("return document.querySelectorAll('.formulas li').length") == formulas
        assert window.run("return document.querySelectorAll('.formulas math').length") == formulas
        for judge in (TOO_WIDE, TOO_SMALL, CUT, INVISIBLE):
            assert window.run(judge) == [], judge
        assert window.console() == []
    assert window.barriers() == []  # of four thousand elements, which takes a minute
    window.open(file)
    paper = base64.b64decode(window.devtools("Page.printToPDF")["data"])
    assert 3 < len(re.findall(rb"/Type\s*/Page[^s]", paper)) <= 15


# README's pictures


@pytest.mark.slow
def test_the_command_beside_readmes_pictures_makes_them(tmp_path):
    """Each as it is stored, small, and on a ground that one cannot see through."""
    from matplotlib.image import imread

    folder = Path(report.__file__).parents[2] / ".github" / "pictures"
    made = runpy.run_path(str(folder / "make.py"))
    made["main"](tmp_path)
    for name in ("graph.png", "planar.png"):
        assert (folder / name).stat().st_size < 200_000
        old, new = imread(folder / name), imread(tmp_path / name)
        assert old[..., 3:].min() > 0.9
        # Fonts differ from computer to computer, and Graphviz takes those that it finds.
        assert np.allclose(old.shape, new.shape, rtol=0.25 if name == "graph.png" else 0)
    assert np.abs(old - new).mean() < 0.02
