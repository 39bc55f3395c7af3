#!/usr/bin/env python3
"""Build the documentation into build/docs: API reference, "how do I" pages, executed notebooks.

Needs the extra `docs`. Ends with an error that lists them where a public name has no docstring, the
docstring of a package leaves one out, or a reference or a link leads nowhere.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import shutil
import sys
import typing
import warnings
from collections.abc import Iterator
from functools import cached_property
from html.parser import HTMLParser
from itertools import groupby
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

import nbformat
import pdoc.doc
import pdoc.render
from nbconvert import HTMLExporter

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from nn.report.markup import math  # noqa: E402

PACKAGES = {"autograd_lite": "ag", "nn": "nn"}  # each with the name that it is imported by

FRAME = """{% extends "frame.html.jinja2" %}{% block title %}{{ title }}{% endblock %}
{% block nav %}<a class="pdoc-button" href="{{ up }}index.html">Contents</a>{% endblock %}
{% block content %}<main class="pdoc">{{ text | to_html | safe }}</main>{% endblock %}"""


def order(docstring: str, names: list[str]) -> list[str]:
    """Names as the docstring mentions them first; the others follow as they are."""
    mentioned = re.findall(r"`(\w+)`", docstring)
    return sorted(names, key=[*mentioned, *names].index)


def page_of(module: ModuleType, names: list[str]) -> pdoc.doc.Module:
    """What pdoc knows of these names of a module, those too that it loads when they are used."""
    shown = ModuleType(module.__name__)
    vars(shown).update(vars(module), __all__=order(module.__doc__ or "", names))
    vars(shown).update({name: getattr(module, name) for name in names})
    return pdoc.doc.Module(shown)


def public(module: ModuleType) -> list[str]:
    """The names for users: `__all__`, or what it defines without an underscore."""
    listed = getattr(module, "__all__", None)
    return listed or [name for name in pdoc.doc.Module(module).members if name[0] != "_"]


def results(module: ModuleType) -> Iterator[type]:
    """The classes that its functions return, where they are not public names themselves."""
    values = [getattr(module, name) for name in public(module)]
    for function in filter(inspect.isfunction, values):
        kind = typing.get_type_hints(function).get("return")
        of_ours = inspect.isclass(kind) and kind.__module__.split(".")[0] in PACKAGES
        if of_ours and kind not in values:
            yield kind


def reference() -> dict[str, pdoc.doc.Module]:
    """The pages of the reference by name: packages, their public modules, and what they return."""
    pages: dict[str, pdoc.doc.Module] = {}
    for package in map(importlib.import_module, PACKAGES):
        parts = [getattr(package, name) for name in public(package)]
        for module in (package, *filter(inspect.ismodule, parts)):
            pages[module.__name__] = page_of(module, public(module))
        for home, kinds in groupby(sorted(results(package), key=str), lambda k: k.__module__):
            pages[home] = page_of(sys.modules[home], sorted({kind.__name__ for kind in kinds}))
    return pages


def members(page: pdoc.doc.Namespace) -> Iterator[pdoc.doc.Doc]:
    """The public names of a page, and those of its classes that `dir` lists."""
    for member in page.own_members:
        if member.name in dir(page.obj) and not member.name.startswith("_"):
            yield member
            if isinstance(member, pdoc.doc.Class):
                yield from members(member)


def without_docstring(pages: dict[str, pdoc.doc.Module]) -> Iterator[str]:
    """Functions, classes and properties that say nothing; a field is its class's to explain."""
    for page in pages.values():
        for member in [page, *members(page)]:
            owner = pages[member.modulename].get(member.qualname.rpartition(".")[0]) or page
            kind = inspect.getattr_static(owner.obj, member.name, None)
            field = member.kind == "variable" and not isinstance(kind, property | cached_property)
            if not field and not member.docstring.strip():
                yield f"{member.fullname} has no docstring"


def left_out(pages: dict[str, pdoc.doc.Module]) -> Iterator[str]:
    """Public names that the docstring of their package does not mention."""
    for package in PACKAGES:
        for name in pages[package].obj.__all__:
            if f"`{name}`" not in pages[package].docstring:
                yield f"the docstring of {package} does not mention {name}"


def unresolved(pages: dict[str, pdoc.doc.Module]) -> Iterator[str]:
    """References `module.name`, to this project or to NumPy, that name nothing."""
    roots = {short: package for package, short in PACKAGES.items()} | {"np": "numpy"}
    roots |= {package: package for package in PACKAGES}
    for page in pages.values():
        for member in [page, *members(page)]:
            for name in re.findall(r"`(\w+(?:\.\w+)+)(?:\([^`]*\))?`", member.docstring):
                root, _, rest = name.partition(".")
                if root in roots:
                    try:
                        pkgutil.resolve_name(f"{roots[root]}.{rest}")
                    except (ImportError, AttributeError):
                        yield f"{member.fullname} refers to {name}, which is not there"


def readable(member: pdoc.doc.Doc) -> str:
    """Its docstring in Markdown: what explains an argument begins with its name in bold."""
    known = set(getattr(member, "members", {}))
    called = member.get("__init__") if isinstance(member, pdoc.doc.Class) else member
    known |= set(getattr(getattr(called, "signature", None), "parameters", ()))
    names = "|".join(map(re.escape, sorted(known))) or "(?!)"
    argument = re.compile(rf"(^|(?<=[.)] ))((?:{names})(?:, (?:{names}))*): ", re.MULTILINE)
    paragraphs = member.docstring.split("\n\n")
    return "\n\n".join(
        part if part.startswith(">>>") else argument.sub(r"\1**\2**: ", part) for part in paragraphs
    )


def write(path: Path, text: str) -> None:
    """The text in a file, whose folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_reference(pages: dict[str, pdoc.doc.Module], out: Path) -> None:
    """A page of HTML for each module; `ag.` in a docstring leads to autograd_lite."""
    # pdoc cannot know where a NamedTuple's fields take the names of their types from
    warnings.filterwarnings("ignore", "Error parsing type annotation", UserWarning)
    pdoc.render.configure(
        docformat="markdown",
        include_undocumented=False,
        show_source=True,
        template_directory=ROOT / ".ci",
    )
    for page in pages.values():
        for member in [page, *members(page)]:
            member.docstring = readable(member)
    known = pages | {short: pages[package] for package, short in PACKAGES.items()}
    for name, page in pages.items():
        html = pdoc.render.html_module(page, known)
        html = html.replace('class="headerlink"', 'class="headerlink" aria-label="link to this"')
        write(out / f"{name.replace('.', '/')}.html", html)
    write(out / "search.js", pdoc.render.search_index(pages))


def write_page(out: Path, name: str, title: str, text: str) -> None:
    """A page of Markdown, in the frame of the reference; links lead to pages that are built."""
    text = re.sub(r"\]\((?:\.\./)*(notebooks/)?(\S+)\.ipynb\)", r"](../notebooks/\2.html)", text)
    text = re.sub(r"(\]\((?:\.\./|how/)?\w+)\.md(#\S+)?\)", r"\1.html\2)", text)
    frame = pdoc.render.env.from_string(FRAME)
    html = frame.render(title=title, text=text, up="../" * name.count("/"))
    write(out / f"{name}.html", html.replace("<table>", '<table tabindex="0">'))  # it may scroll


def build(out: Path) -> Iterator[str]:
    """Write every page, and say what is wrong with them."""
    pages = reference()
    yield from without_docstring(pages)
    yield from left_out(pages)
    yield from unresolved(pages)
    write_reference(pages, out)

    about = ROOT / ".github"
    shutil.copytree(about / "pictures", out / "pictures", dirs_exist_ok=True)
    for path in about.rglob("*.md"):
        text, name = path.read_text(encoding="utf-8"), path.relative_to(about).with_suffix("")
        write_page(out, name.as_posix(), text.partition("\n")[0].removeprefix("# "), text)
    contents = [(about / "how" / "README.md").read_text(encoding="utf-8").replace("](", "](how/")]
    contents.append("\n## Notebooks\n")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        title = notebook.cells[0].source.partition("\n")[0].removeprefix("# ")
        contents.append(f"- [{title}](notebooks/{path.stem}.html)")
        write(out / "notebooks" / f"{path.stem}.html", notebook_page(notebook, title))
    contents.append("\n## Reference\n")
    for name, page in pages.items():
        what = page.docstring.partition("\n")[0]
        contents.append(f"- [{name}]({name.replace('.', '/')}.html): {what}")
    write_page(out, "index", "autograd-lite", "\n".join(contents))
    yield from dead_links(out)


# Chromium ignores the attribute by which MathML aligns columns: to the right and left in turn.
ALIGNED = """<style>
mtd:nth-child(odd) { text-align: right }
mtd:nth-child(even) { text-align: left }
</style>"""
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(.+?)\$", re.DOTALL)


def with_mathml(text: str) -> str:
    """Text whose formulas in LaTeX are MathML, which browsers show without a connection."""

    def written(found: re.Match[str]) -> str:
        display, latex = "block" if found[1] else "inline", found[1] or found[2]
        return math(latex, latex, display).replace("\n", " ")

    return FORMULA.sub(written, text)


def notebook_page(notebook: nbformat.NotebookNode, title: str) -> str:
    """An executed notebook as it is stored, as a page."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_mathml(cell.source)
        for output in cell.get("outputs", []):
            if "text/latex" in output.get("data", {}):
                output.data["text/html"] = with_mathml(output.data.pop("text/latex"))
    html, _ = HTMLExporter().from_notebook_node(notebook, {"metadata": {"name": title}})
    return html.replace("</head>", f"{ALIGNED}</head>", 1)


class Anchors(HTMLParser):
    """What a page can be entered at, and where it leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the ids, the links of <a>, and the pictures that are files."""
        found = dict(attrs)
        self.ids |= {unquote(str(found[key])) for key in ("id", "name") if found.get(key)}
        link = found.get("href") if tag == "a" else found.get("src") if tag == "img" else None
        if link:
            self.links.add(unquote(link))


def dead_links(folder: Path) -> Iterator[str]:
    """Links of its pages to a file, or a place in a page, that is not there."""
    pages = {p: Anchors(p.read_text(encoding="utf-8")) for p in sorted(folder.rglob("*.html"))}
    for path, page in pages.items():
        for link in sorted(page.links):
            scheme, _, to, _, place = urlsplit(link)
            target = (path.parent / to).resolve() if to and not scheme else path
            in_page = not place or (target in pages and place in pages[target].ids)
            if not scheme and not (target.is_file() and in_page):
                yield f"{path.relative_to(folder)}: {link} leads nowhere"


if __name__ == "__main__":
    folder = ROOT / "build" / "docs"
    shutil.rmtree(folder, ignore_errors=True)  # pages of what is gone
    wrong = list(build(folder))
    print(*wrong, folder / "index.html", sep="\n")
    sys.exit(bool(wrong))
