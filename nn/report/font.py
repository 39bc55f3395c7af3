"""The font of the formulas, embedded in the page and cut down to the characters on it.

Not every computer has a font for formulas; without one, sums stay small and brackets do not grow.
"""

from __future__ import annotations

import base64
import html
import io
import re
from importlib import metadata

# A single letter is set in italics, which are characters of their own.
ITALICS = {*range(0x1D434, 0x1D468), 0x210E, *range(0x1D6E2, 0x1D71C)}


def face(page: str) -> str:
    """The CSS that brings the font `report math`: STIX Two Math, as the package ziamath has it."""
    from fontTools import subset, ttLib

    formulas = "".join(re.findall(r"<math.*?</math>", page, re.DOTALL))
    written = html.unescape(re.sub(r"<[^>]*>", "", formulas))
    files = metadata.files("ziamath") or ()
    whole = next((file for file in files if file.name == "STIXTwoMath-Regular.ttf"), None)
    if whole is None:  # another edition of the package: the browser's own font has to do
        return ""
    font = ttLib.TTFont(io.BytesIO(whole.read_binary()), recalcTimestamp=False)
    options = subset.Options()
    options.hinting = False
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=ITALICS | set(map(ord, written)))
    subsetter.subset(font)
    font.flavor = "woff"
    small = io.BytesIO()
    font.save(small)
    data = base64.b64encode(small.getvalue()).decode("ascii")
    return f'@font-face {{ font-family: "report math"; src: url(data:font/woff;base64,{data}); }}'
