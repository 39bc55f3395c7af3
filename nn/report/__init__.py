"""The report: everything that was checked, as one page for a browser (`page`, `write`).

The page contains all that it shows (formulas as MathML, pictures, a little JavaScript) and fetches
nothing; all of it is computed when the page is made.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from autograd_lite import files
from autograd_lite.extras import install_command, needed
from nn.documents.checked import Checked
from nn.report import font, formulas, network, training
from nn.report.markup import Section, tag

LIBRARIES = {
    "fontTools": "fontTools",
    "latex2mathml": "latex2mathml",
    "matplotlib": "matplotlib",
    "sklearn": "scikit-learn",
    "sympy": "SymPy",
    "ziamath": "ziamath",
}


def missing() -> str | None:
    """A line that names the libraries that are missing or broken; None if all can be used."""
    libraries = LIBRARIES if shutil.which("dot") else LIBRARIES | {"pygraphviz": "Graphviz"}
    names = []
    for module, name in libraries.items():
        try:
            needed(module, name, "report")
        except ImportError as error:
            if error.__cause__:
                return str(error)
            names.append(name)
    return f"the report needs {', '.join(names)}: {install_command('report')}" if names else None


def page(checked: Checked, rng: int = 0, epochs: int = 2000) -> str:
    """The page as HTML. `epochs`: how long the network on planar data is trained.

    Raises ImportError, with the command to type, where a library is missing.

    >>> from nn.documents.checked import everything
    >>> html = page(everything(["002"], networks=3), epochs=50)
    >>> html.startswith("<!doctype html>"), html.count("<math") > 50, "://" in html
    (True, True, False)
    """
    if problem := missing():
        raise ImportError(problem)
    sections = [
        ("summary", "Summary", formulas.summary_section(checked, rng)),
        *network.network_sections(rng),
        training.section(checked, rng, epochs),
        *formulas.formula_sections(checked),
    ]
    return filled_page(sections, HEADING, LEAD)


HEADING = "Hand-derived gradients, checked"
LEAD = (
    "Derivations of backpropagation, formula by formula, against a tape that computes the same "
    "gradients by itself."
)


def filled_page(sections: Sequence[Section], heading: str, lead: str) -> str:
    """The page as HTML: its heading, a line below it, and sections by name, title and content."""
    links = [tag("a", title, href=f"#{name}") for name, title, _ in sections]
    body = [
        tag("section", tag("h2", title, id=f"{name}-title"), content, id=name,
            aria_labelledby=f"{name}-title")
        for name, title, content in sections
    ]  # fmt: skip
    content = "\n".join(body)
    return _filled(
        "page.html",
        title=str(tag("title", heading)),
        style=f"{font.face(content)}\n{_file('page.css')}",
        script=_file("page.js"),
        heading=str(tag("h1", heading)),
        lead=str(tag("p", lead, class_="lead")),
        navigation=tag("nav", links, aria_label="Sections"),
        body=content,
    )


def write(checked: Checked, path: str | os.PathLike[str], rng: int = 0) -> Path:
    """Write the page to a file, whole or not at all; returns its path."""
    files.write(path, page(checked, rng).encode())
    return Path(path)


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


def _filled(name: str, **parts: str) -> str:
    """The text of a file with each `<!-- part -->` replaced by the argument `part`."""
    before, *rest = _file(name).split("<!-- ")
    pieces = [before]
    for piece in rest:
        part, after = piece.split(" -->", 1)
        pieces += [parts[part], after]
    return "".join(pieces)
