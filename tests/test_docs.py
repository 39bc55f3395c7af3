"""Every public name is in the documentation and explained, and every reference resolves."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from browser import browser

import autograd_lite as ag
import nn

pytest.importorskip("nbconvert", reason="the documentation needs nbconvert")
pytest.importorskip("pdoc", reason="the documentation needs pdoc")

ROOT = Path(__file__).parents[1]
specification = importlib.util.spec_from_file_location("docs", ROOT / ".ci" / "docs.py")
docs = importlib.util.module_from_spec(specification)
specification.loader.exec_module(docs)


@pytest.fixture(scope="module")
def pages():
    return docs.reference()


def test_every_public_name_is_on_a_page_those_loaded_later_too(pages):
    for module in (ag, nn):
        page = pages[module.__name__]
        parts = {part.name for part in page.submodules}
        assert set(page.members) | parts == set(module.__all__)
    assert {"nn.layers", "nn.documents", "autograd_lite.diagnosis.report"} <= set(pages)
    assert pages["autograd_lite"].members["compare"].docstring
    assert set(nn.layers.BY_NAME) < set(pages["nn.layers"].members)


def test_names_stand_as_the_docstring_mentions_them(pages):
    assert [m.name for m in pages["autograd_lite"].own_members][:3] == [
        "Tensor",
        "gradients",
        "no_grad",
    ]
    assert docs.order("`b`, `a`, `b`", ["a", "b", "c", "d"]) == ["b", "a", "c", "d"]


def test_everything_is_explained_and_every_reference_resolves(pages):
    assert list(docs.without_docstring(pages)) == []
    assert list(docs.left_out(pages)) == []
    assert list(docs.unresolved(pages)) == []


@pytest.fixture
def page_of(tmp_path, monkeypatch):
    """A function that gives the page of a module with some source."""
    made = []

    def page(name, source):
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        made.append(name)
        module = importlib.import_module(name)
        return {name: docs.page_of(module, docs.public(module))}

    monkeypatch.syspath_prepend(tmp_path)
    yield page
    for name in made:
        del sys.modules[name]


def test_what_says_nothing_is_noticed(page_of):
    source = '''
"""A module."""
class A:
    """A class."""
    field: int = 0
    def explained(self):
        """Yes."""
    def not_explained(self): ...
    @property
    def value(self): ...
    def _hidden(self): ...
def f(): ...
'''
    pages = page_of("says_nothing", source)
    assert {text.split()[0] for text in docs.without_docstring(pages)} == {
        "says_nothing.A.not_explained",
        "says_nothing.A.value",
        "says_nothing.f",
    }


def test_a_reference_to_nothing_is_noticed(page_of):
    source = '''
"""See `ag.compare`, `nn.losses.huber(A, Y)`, `np.tanh`, `net.nothing` and `ag.compere`."""
def f():
    """`nn.losses.hubert`, `autograd_lite.nothing.at_all`, and `np.linalg.inverse(a)`."""
'''
    pages = page_of("refers_to_nothing", source)
    assert [text.split(",")[0] for text in docs.unresolved(pages)] == [
        "refers_to_nothing refers to ag.compere",
        "refers_to_nothing.f refers to nn.losses.hubert",
        "refers_to_nothing.f refers to autograd_lite.nothing.at_all",
        "refers_to_nothing.f refers to np.linalg.inverse",
    ]


def test_a_name_that_the_package_leaves_out_is_noticed(pages, monkeypatch):
    monkeypatch.setattr(pages["nn"], "docstring", "Only a `Network`.")
    assert "the docstring of nn does not mention fit" in list(docs.left_out(pages))


def test_an_argument_is_bold_where_it_is_explained(pages):
    text = docs.readable(pages["autograd_lite"].members["derive"])
    assert text.count("**J**: a scalar. **wrt**: tensors") == 1
    assert "**order**: 2 for" in text
    assert ">>> d = derive(" in text


def test_a_link_that_leads_nowhere_is_noticed(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "c.png").touch()
    (tmp_path / "a.html").write_text(
        '<h1 id="top">A</h1><a href="in/b.html#there">b</a><img src="c.png"><img src="d.png">'
        '<img src="data:image/png;base64,iVBORw0KGgo=">'
    )
    (tmp_path / "in" / "b.html").write_text(
        '<p id="there"><a href="../a.html#top"></a><a href="https://example.org/x">'
        '<a href="../a.html#bottom"></a><a href="c.html"></a></p>'
    )
    assert list(docs.dead_links(tmp_path)) == [
        "a.html: d.png leads nowhere",
        "in/b.html: ../a.html#bottom leads nowhere",
        "in/b.html: c.html leads nowhere",
    ]


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem
)
def test_every_formula_of_a_notebook_becomes_mathml(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    for cell in cells:
        for output in cell.get("outputs", []):
            texts.append("".join(output.get("data", {}).get("text/latex", "")))
    for text in texts:
        assert "<code>" not in docs.with_mathml(text)  # which is how a formula that fails is shown


def test_formulas_become_mathml():
    text = docs.with_mathml("The sum $a + b$ and\n\n$$\\frac{a}{b}$$")
    assert text.count("<math") == 2
    assert "$" not in text
    assert 'display="block"' in text


def test_its_pages_can_be_read(tmp_path):
    """By axe-core's rules, and in a narrow window without scrolling sideways."""
    text = (ROOT / ".github" / "how" / "documents.md").read_text(encoding="utf-8")
    docs.write_page(tmp_path, "how", "What the documents get wrong", text)
    every = docs.reference()
    docs.write_reference({name: every[name] for name in docs.PACKAGES}, tmp_path)
    with browser() as window:
        for page in tmp_path.glob("*.html"):
            window.show(1280, "light")
            window.open(page)
            assert window.barriers() == [], page.name
            window.show(360, "light")
            assert window.run("return document.documentElement.scrollWidth") == 360, page.name
