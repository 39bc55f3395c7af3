"""HTML that is escaped by construction, and LaTeX as MathML."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree

import numpy as np

from nn.arrays import Array

VOID = {"img", "br", "input"}
MATHML = {
    *("math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mstyle", "mfrac", "msqrt", "mroot"),
    *("msub", "msup", "msubsup", "mover", "munder", "munderover", "mtable", "mtr", "mtd"),
    *("mpadded", "mphantom", "menclose", "mmultiscripts"),
}
ATTRIBUTES = {
    *("display", "stretchy", "fence", "form", "accent", "largeop", "movablelimits", "minsize"),
    *("maxsize", "mathvariant", "linethickness", "width", "height", "columnalign", "displaystyle"),
    *("lspace", "rspace", "linebreak", "scriptlevel", "separator", "rowspacing", "columnspacing"),
}


class Markup(str):
    """Text that is HTML already."""


Section = tuple[str, str, Markup]  # of a page: its name, its title, its content


def markup(content: Any) -> Markup:
    """Content as HTML: Markup as it is, other text escaped, iterables piece by piece, None empty.

    >>> markup(["a < b ", Markup("<br>"), None])
    'a &lt; b <br>'
    """
    if content is None or isinstance(content, Markup):
        return content or Markup()
    if isinstance(content, Iterable) and not isinstance(content, str):
        return Markup("".join(map(markup, content)))
    return Markup(html.escape(str(content)))


def tag(name: str, *content: Any, **attributes: Any) -> Markup:
    """An element: `class_` is the attribute class, `aria_label` aria-label; None leaves one out.

    >>> tag("p", "1 < 2", class_="note", id=None)
    '<p class="note">1 &lt; 2</p>'
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    end = "" if name in VOID else f"{markup(content)}</{name}>"
    return Markup(f"<{name}{given}>{end}")


def math(latex: str, text: str, display: str = "block") -> Markup:
    r"""A formula as MathML, or its plain text if the LaTeX is not understood.

    >>> math(r"\frac{g}{m}", "g/m", "inline")
    '<math display="inline" alttext="g/m"><mrow><mfrac><mrow><mi>g</mi></mrow><mrow>...
    >>> math(r"\frac{", "g/<"), math(r"\unknown", "u"), math(r"\text{<a href='x'>y</a>}", "y")
    ('<code>g/&lt;</code>', '<code>u</code>', '<code>y</code>')
    """
    from latex2mathml.converter import convert

    plain = tag("code", text)
    latex = re.sub(r"\\\\\[\w+\]", r"\\\\", latex)  # a line's distance from the next
    latex = re.sub(
        r"\{(?:align|aligned|gather|gathered)\*?\}", "{align*}", latex
    )  # the one it knows
    try:
        root = ElementTree.fromstring(convert(latex, xmlns="", display=display))
    except Exception:  # of any kind: the converter is not made for LaTeX that is wrong
        return plain
    for element in root.iter():
        known = element.tag in MATHML and ATTRIBUTES.issuperset(element.attrib)
        letters = element.text or ""
        if not known or "\\" in letters:
            return plain
        if letters == "‖":  # the two of a pair may be in different rows, and would grow apart
            element.set("stretchy", "false")
        if element.tag == "mi" and letters.isalpha() and len(letters) > 1:  # log
            element.tag = "mo"
            element.attrib = {"lspace": "0.15em", "rspace": "0.1em"}
    root.set("alttext", text)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def formula(latex: str, text: str) -> Markup:
    """A formula on a line of its own, in a box that scrolls if the formula is too wide."""
    return tag("div", math(latex, text) if latex else tag("code", text), class_="scroll formula")


def captioned_table(
    caption: str, header: Iterable[Any], rows: Iterable[Iterable[Any]], class_: str | None = None
) -> Markup:
    """A table with a caption; the first cell of a row is its header."""
    head = tag("thead", tag("tr", [tag("th", cell, scope="col") for cell in header]))
    body = []
    for first, *rest in rows:
        body.append(tag("tr", tag("th", first, scope="row"), [tag("td", cell) for cell in rest]))
    whole = tag("table", tag("caption", caption), head, tag("tbody", body), class_=class_)
    return tag("div", whole, class_="scroll")


def number_table(title: Any, values: Array, class_: str | None = None, most: int = 10) -> Markup:
    """An array as a table of numbers, tinted by sign and size; at most `most` rows and columns.

    Of more than two axes, the first matrix is shown.
    """
    first = values[(0,) * max(values.ndim - 2, 0)] if values.size else np.empty((0, 0))
    rows = np.atleast_2d(first)[:most, :most]
    largest = float(np.abs(rows).max(initial=0)) or 1.0
    cells = [
        tag("tr", [
            tag("td", number(x), style=f"--size:{round(35 * abs(x) / largest)}%",
                class_="minus" if x < 0 else "plus")
            for x in row
        ])
        for row in rows
    ]  # fmt: skip
    shape = tag("span", str(values.shape), class_="shape")
    left_out = tag("p", "… and more", class_="small") if rows.size < values.size else None
    caption = tag("figcaption", title, " ", shape)
    body = tag("div", tag("table", tag("tbody", cells)), class_="scroll")
    return tag("figure", caption, body, left_out, class_=" ".join(filter(None, ["matrix", class_])))


def number(x: float, digits: int = 3) -> str:
    """A number with `digits` significant digits and a true minus sign.

    >>> number(-0.04567), number(0.0), number(1.0), number(1.23e-7, digits=1)
    ('−0.0457', '0', '1', '1·10⁻⁷')
    """
    text, _, power = f"{x + 0.0:.{digits}g}".partition("e")
    if power:
        text += "·10" + str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return text.replace("-", "−")


def png(picture: bytes, alternative: str) -> Markup:
    """A picture, embedded in the page."""
    data = base64.b64encode(picture).decode("ascii")
    return tag("img", src=f"data:image/png;base64,{data}", alt=alternative)
