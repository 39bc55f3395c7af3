"""A headless Chromium, driven by Playwright, and axe-core: what tests of a page need."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

KEYS = {
    "left": "ArrowLeft", "right": "ArrowRight", "home": "Home", "end": "End", "tab": "Tab",
    "enter": "Enter",
}  # fmt: skip
WCAG_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# One line for each element that breaks a rule, or of which axe-core cannot tell. It cannot tell the
# contrast of what is in a drawing, and of what is outside of a box that scrolls.
AXE = """
const contrast = {
  ignoreLength: true, ignoreUnicode: false, // the letters and signs of formulas are judged too
  boldValue: 700, boldTextPt: 14, largeTextPt: 18, // the rest as WCAG has it, axe-core's default
  contrastRatio: {normal: {expected: 4.5}, large: {expected: 3}},
  pseudoSizeThreshold: 0.25, shadowOutlineEmMax: 0.2, textStrokeEmMin: 0.03,
};
axe.configure({checks: [{id: "color-contrast", options: contrast}]});
const found = await axe.run({exclude: [["svg > *"]]}, {
  runOnly: arguments[0], resultTypes: ["violations", "incomplete"], elementRef: true,
});
const said = (rule, nodes) => nodes.map((node) => `${rule.id}: ${node.html.slice(0, 90)}: ${
  [...node.any, ...node.all, ...node.none].map((check) => check.message).join("; ")}`);
return [
  ...found.violations.flatMap((rule) => said(rule, rule.nodes)),
  ...found.incomplete.flatMap((rule) => said(rule, rule.nodes.filter(
    (node) => !node.element.closest(".scroll")))),
];
"""


class Browser:
    """One window. What goes wrong in it is raised, or in `console()`."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.said: list[str] = []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))

    def open(self, page: Path) -> None:
        """Show a page, with an empty console."""
        self.said.clear()
        self.page.goto(page.resolve().as_uri())

    def run(self, script: str, *arguments: Any) -> Any:
        """The body of a JavaScript function, run in the page; what it returns."""
        function = f"(given) => (async function () {{ {script} }}).apply(null, given)"
        return self.page.evaluate(function, list(arguments))

    def devtools(self, command: str, **parameters: Any) -> Any:
        return self.page.context.new_cdp_session(self.page).send(command, parameters)

    def show(self, width: int, scheme: str, height: int = 900) -> None:
        """As a window of this width, in the scheme `light` or `dark`."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme=scheme)

    def click(self, selector: str) -> None:
        self.page.locator(selector).first.click()

    def press(self, key: str) -> None:
        """Press a key where the focus is."""
        self.page.keyboard.press(KEYS[key])

    def console(self) -> list[str]:
        """What the console said since the page was opened."""
        return self.said

    def barriers(self) -> list[str]:
        """Where the page, as it stands, breaks WCAG 2.2 AA as far as axe-core can tell.

        The window is as tall as the page meanwhile: it cannot tell the contrast at a window's edge.
        """
        window = self.page.viewport_size
        tall = self.run("return document.documentElement.scrollHeight")
        self.page.set_viewport_size({**window, "height": tall})
        axe = resources.files("axe_playwright_python").joinpath("axe.min.js")
        self.run(axe.read_text(encoding="utf-8"))
        found = self.run(AXE, WCAG_AA)
        self.page.set_viewport_size(window)
        return found


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser for as long as the block runs; the test is skipped where there is none."""
    api = pytest.importorskip("playwright.sync_api")
    pytest.importorskip("axe_playwright_python")
    with api.sync_playwright() as playwright:
        path = shutil.which("chromium") or playwright.chromium.executable_path
        if not Path(path).exists():
            pytest.skip("there is no Chromium here: playwright install chromium")
        with playwright.chromium.launch(executable_path=path) as chromium:
            yield Browser(chromium.new_page())
