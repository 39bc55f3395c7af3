"""Renders DOT as a picture, with the installed Graphviz, in a child process with a time limit."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys

from autograd_lite.extras import install_command

FORMATS = ("svg", "png", "pdf")
SECONDS = 30
COMMAND = install_command("draw")
SHARP = "-Gdpi=144"
_PYGRAPHVIZ = """
import sys
try:
    import pygraphviz
except Exception as error:
    said = " ".join(f"{type(error).__name__}: {error}".split())
    sys.exit(f"pygraphviz is installed, but fails to import ({said})")
graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
form, *args = sys.argv[1:]
sys.stdout.buffer.write(graph.draw(format=form, prog="dot", args=" ".join(args)))
"""


class RenderingError(OSError):
    """No Graphviz is installed, or it failed or took too long."""


def renderer(form: str) -> list[str]:
    """The command that turns DOT into a picture: `dot`, or else the Graphviz of pygraphviz."""
    sharp = [SHARP] if form == "png" else []
    dot = shutil.which("dot")
    if dot:
        return [dot, f"-T{form}", *sharp]
    if importlib.util.find_spec("pygraphviz"):
        return [sys.executable, "-c", _PYGRAPHVIZ, form, *sharp]
    raise RenderingError(f"there is no Graphviz to render a picture with. Type: {COMMAND}")


def render(source: str, form: str, seconds: float = SECONDS) -> bytes:
    """The picture of a DOT text. Raises RenderingError, which says why, if it cannot be made."""
    command = renderer(form)
    try:
        done = subprocess.run(
            command, input=source.encode(), capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise RenderingError(
            f"Graphviz had not laid out the graph after {seconds:g} seconds: "
            "draw fewer nodes, as in ag.draw(J, most=40)"
        ) from None
    except OSError as error:
        raise RenderingError(f"{command[0]} does not run: {error}. Type: {COMMAND}") from None
    if done.returncode or not done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise RenderingError(f"{command[0]} failed: {said[-1] if said else 'it wrote nothing'}")
    return done.stdout
