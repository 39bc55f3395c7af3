"""A headless Chromium, driven by the WebDriver protocol: what tests of a page need of it."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
OPTIONS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars"),
]
KEYS = {"left": "\ue012", "right": "\ue014", "home": "\ue011", "end": "\ue010", "tab": "\ue004"}


def missing() -> str | None:
    """What there is not, of the browser and its driver."""
    absent = [name for name in ("chromium", "chromedriver") if not shutil.which(name)]
    return f"there is no {' and no '.join(absent)} here" if absent else None


class Browser:
    """One window. All that goes wrong in it is raised, or in `console()`."""

    def __init__(self, address: str, profile: Path) -> None:
        self.address = f"{address}/session"
        chrome = {"args": [*OPTIONS, f"--user-data-dir={profile}"]}
        wanted = {"goog:chromeOptions": chrome, "goog:loggingPrefs": {"browser": "ALL"}}
        session = self("POST", "", capabilities={"alwaysMatch": wanted})
        self.address += f"/{session['sessionId']}"

    def __call__(self, method: str, path: str, **body: Any) -> Any:
        data = json.dumps(body).encode() if method == "POST" else None
        request = urllib.request.Request(self.address + path, data, method=method)
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            with error:
                raise RuntimeError(json.load(error)["value"]["message"]) from None

    def open(self, page: Path) -> None:
        self("POST", "/url", url=page.resolve().as_uri())

    def run(self, script: str, *arguments: Any) -> Any:
        """The body of a JavaScript function, run in the page; what it returns."""
        return self("POST", "/execute/sync", script=script, args=list(arguments))

    def devtools(self, command: str, **parameters: Any) -> Any:
        return self("POST", "/goog/cdp/execute", cmd=command, params=parameters)

    def show(self, width: int, scheme: str, height: int = 900) -> None:
        """As a window of this width, in the scheme `light` or `dark`."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.devtools("Emulation.setDeviceMetricsOverride", **size)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.devtools("Emulation.setEmulatedMedia", features=[feature])

    def click(self, selector: str) -> None:
        found = self("POST", "/element", using="css selector", value=selector)
        self("POST", f"/element/{found[ELEMENT]}/click")

    def press(self, key: str) -> None:
        """Press a key where the focus is."""
        strokes = [{"type": kind, "value": KEYS[key]} for kind in ("keyDown", "keyUp")]
        self("POST", "/actions", actions=[{"type": "key", "id": "keys", "actions": strokes}])

    def console(self) -> list[str]:
        """What the console says since it was last asked."""
        return [entry["message"] for entry in self("POST", "/se/log", type="browser")]

    def screenshot(self) -> bytes:
        return base64.b64decode(self("GET", "/screenshot"))


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with a profile of its own, and its driver, for as long as the block runs."""
    driver = subprocess.Popen(
        ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        started = next(line for line in driver.stdout if "started successfully" in line)
        port = re.search(r"port (\d+)", started)[1]
        window = Browser(f"http://127.0.0.1:{port}", profile)
        try:
            yield window
        finally:
            window("DELETE", "")
    finally:
        driver.terminate()
        driver.wait(10)
        driver.stdout.close()
