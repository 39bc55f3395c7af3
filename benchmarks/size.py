"""Lines of code, without blank lines, comments and docstrings: `python -m benchmarks.size`."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENGINE = ("rules", "tensor", "walk", "graph", "transforms", "errors")


def lines(path: Path) -> int:
    """Lines of code in one file."""
    text = path.read_text()
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    prose: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            prose |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in prose
        for number, line in enumerate(text.splitlines(), 1)
    )


def main() -> None:
    """Print the engine's modules, then each room."""
    total = 0
    for name in ENGINE:
        n = lines(ROOT / "autograd_lite" / f"{name}.py")
        total += n
        print(f"{name:26}{n:6}")
    print(f"{'the engine':26}{total:6}")
    for package in ("autograd_lite", "nn"):
        rooms = sorted({path.parent for path in (ROOT / package).rglob("*.py")})
        for room in rooms:
            n = sum(map(lines, room.glob("*.py")))
            name = ".".join(room.relative_to(ROOT).parts)
            print(f"{name:26}{n:6}")


if __name__ == "__main__":
    main()
