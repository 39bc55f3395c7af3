"""Would a test notice? `python -m benchmarks.mutants` breaks the code in one place at a time.

Each mutant is the code with one change of a kind that people make: a sign, an axis, a number off by
one, a copy left out, a comparison turned, a tolerance, a keyword dropped, a line that renews
something deleted. The tests that belong to the changed module are run on it in a copy of the
project; a mutant that passes them survives, and is listed. `EXPLAINED` says of a survivor why it
changes nothing that could be tested: it is counted, and listed with its reason.

The sample is drawn evenly from the modules and the kinds of change; `--seed` draws another one.
"""

from __future__ import annotations

import argparse
import ast
import concurrent.futures
import hashlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
COPIED = ("autograd_lite", "nn", "tests", "benchmarks", "README.md", "pyproject.toml")

# The modules that are broken, and the tests that belong to each beside its own examples.
FUNCTIONS = ("test_rules", "test_tensor", "test_rules_at_corners")
COMPARISON = ("test_comparison", "test_comparison_tapes", "test_mistakes")
TESTS: dict[str, tuple[str, ...]] = {
    "autograd_lite/rules.py": ("test_rules", "test_rules_at_corners", "test_properties"),
    "autograd_lite/tensor.py": ("test_tensor", "test_tape", "test_rules", "test_never_lost"),
    "autograd_lite/walk.py": (
        "test_tape",
        "test_tensor",
        "test_properties",
        "test_anomalies",
        "test_graph",
    ),
    **{
        f"autograd_lite/functions/{name}.py": FUNCTIONS
        for name in ("forms", "reductions", "shapes", "products", "elementwise", "own")
    },
    "autograd_lite/transforms.py": ("test_tape", "test_tensor", "test_never_lost"),
    "autograd_lite/compiler/tracing.py": ("test_compiling", "test_compiling_general"),
    "autograd_lite/compiler/lowering.py": ("test_compiling", "test_compiling_general"),
    "autograd_lite/compiler/emitting.py": ("test_compiling", "test_compiling_general"),
    "autograd_lite/compiler/compiling.py": ("test_compiling", "test_compiling_general"),
    "autograd_lite/diagnosis/comparison.py": COMPARISON,
    "autograd_lite/diagnosis/conclusions.py": COMPARISON,
    "autograd_lite/diagnosis/tolerances.py": COMPARISON,
    "autograd_lite/diagnosis/checking.py": ("test_checking",),
    "nn/optimizers.py": ("test_nn_optimizers", "test_nn_training", "test_nn_steps"),
    "nn/losses.py": ("test_nn_losses", "test_nn_closed_form"),
}

# Survivors that are right to survive: (module, the line as it stands, what became of it) → why.
EXPLAINED: dict[tuple[str, str, str], str] = {
    (
        "autograd_lite/compiler/tracing.py",
        "for _ in range(100): # a wrapper may hold on to itself",
        "for _ in range(101): # a wrapper may hold on to itself",
    ): "it only ends a circle: any number that is larger than wrappers are deep does",
    (
        "autograd_lite/compiler/emitting.py",
        "self.last = dict.fromkeys(nodes, -1)",
        "self.last = dict.fromkeys(nodes, 1)",
    ): "each node is an input of another, or returned: none keeps what it begins with",
    (
        "autograd_lite/diagnosis/conclusions.py",
        "if not (np.isfinite(size) and size) or max_norm(now) <= fine:",
        "if not (np.isfinite(size) and size) or max_norm(now) < fine:",
    ): "they are equal by accident only, and then one more step does no harm",
    (
        "autograd_lite/diagnosis/checking.py",
        "h = max(h for h in STEPS if h <= 10 * eps**0.5 * max(1.0, largest))",
        "h = max(h for h in STEPS if h < 10 * eps**0.5 * max(1.0, largest))",
    ): "they are equal by accident only, and then either step is a good one",
    (
        "nn/losses.py",
        "return -(Y * np.where(Y == 0, 0, ag.log_softmax(Z, axis=axis))).sum() / m",
        "return -(Y * np.where(Y == 0, 1, ag.log_softmax(Z, axis=axis))).sum() / m",
    ): "what stands there is multiplied by Y, which is 0 there: any finite number does",
}


@dataclass(frozen=True)
class Mutant:
    """One change: the text from `start` to `end` of the module becomes `new`."""

    module: str
    kind: str
    line: int
    start: int
    end: int
    new: str

    def apply(self, text: str) -> str:
        """The broken text of the module."""
        return text[: self.start] + self.new + text[self.end :]

    def lines(self, text: str) -> tuple[str, str]:
        """The line that changes, before and after, in words for the list."""
        first = text.rfind("\n", 0, self.start) + 1
        last = text.find("\n", self.end)
        before = text[first:last]
        after = text[first : self.start] + self.new + text[self.end : last]
        return " ".join(before.split()), " ".join(after.split())


SIGNS: dict[type[ast.operator], str] = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*"}
TURNED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip
COPIES = {"copy", "array", "ascontiguousarray", "list", "dict"}
# Keywords that compute nothing: assertions, memory. (None is a ** argument.)
HARMLESS = {"strict", "frozen", "stacklevel", "slots", "maxsize", None}
RENEWING = {"append", "extend", "add", "pop", "clear", "update", "discard", "remove"}


class _Finder:
    """The places in one module where it can be broken."""

    def __init__(self, module: str, text: str) -> None:
        self.module, self.text = module, text
        self.offsets = [0]
        for line in text.splitlines(keepends=True):
            self.offsets.append(self.offsets[-1] + len(line))
        self.lines = text.splitlines(keepends=True)

    def at(self, line: int, column: int) -> int:
        """A place of the syntax tree, which counts bytes, as an index into the text."""
        prefix = self.lines[line - 1].encode()[:column].decode()
        return self.offsets[line - 1] + len(prefix)

    def span(self, node: ast.AST) -> tuple[int, int]:
        where = node.lineno, node.col_offset  # type: ignore[attr-defined]
        until = node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        return self.at(*where), self.at(*until)

    def source(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def change(self, kind: str, node: ast.AST, new: str) -> Mutant:
        return Mutant(self.module, kind, node.lineno, *self.span(node), new)  # type: ignore[attr-defined]

    def between(self, kind: str, left: ast.expr, right: ast.expr, new: str) -> Mutant:
        """A change of the operator between two operands."""
        start, end = self.span(left)[1], self.span(right)[0]
        between = self.text[start:end]
        start += len(between) - len(between.lstrip(") \n"))
        end -= len(between) - len(between.rstrip("( \n"))
        return Mutant(self.module, kind, left.end_lineno or 0, start, end, new)

    def find(self) -> Iterator[Mutant]:
        for node in _code(ast.parse(self.text)):
            match node:
                case ast.BinOp(left=left, op=op, right=right) if type(op) in SIGNS:
                    yield self.between("sign", left, right, SIGNS[type(op)])
                case ast.UnaryOp(op=ast.USub(), operand=operand):
                    yield self.change("sign", node, self.source(operand))
                case ast.UnaryOp(op=ast.Not(), operand=operand):
                    yield self.change("comparison", node, f"bool({self.source(operand)})")
                case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in TURNED:
                    yield self.between("comparison", left, right, TURNED[type(op)])
                case ast.BoolOp(op=op, values=[left, right]):
                    new = "or" if isinstance(op, ast.And) else "and"
                    yield self.between("comparison", left, right, new)
                case ast.Constant(value=bool(value)):
                    yield self.change("constant", node, repr(not value))
                case ast.Constant(value=int(value)):
                    yield self.change("off by one", node, repr(value + 1))
                case ast.Constant(value=float(value)) if 0 < value < 1:
                    yield self.change("tolerance", node, repr(value * 100))
                case ast.Call(func=ast.Attribute(value=value, attr="copy"), args=[]):
                    yield self.change("missing copy", node, self.source(value))
                case ast.Call(func=func, args=[value], keywords=[]) if _called(func) in COPIES:
                    yield self.change("missing copy", node, self.source(value))
                case ast.Call(func=ast.Name(id="sorted"), args=[value], keywords=[]):
                    yield self.change("order", node, f"list({self.source(value)})")
                case ast.Expr(value=ast.Call(func=ast.Attribute(attr=attr))) if attr in RENEWING:
                    yield self.change("not renewed", node, "pass")
                case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
                    yield self.change("not renewed", node, "pass")
            if isinstance(node, ast.Call):
                for keyword in node.keywords:
                    if keyword.arg == "axis":
                        yield self.change("axis", keyword, "axis=0")
                    elif keyword.arg not in HARMLESS:
                        start, end = self.span(keyword)
                        end += len(self.text[end:]) - len(self.text[end:].lstrip(", \n"))
                        yield Mutant(self.module, "keyword", keyword.lineno, start, end, "")


def _called(function: ast.expr) -> str:
    return getattr(function, "id", getattr(function, "attr", ""))


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """What runs and computes: no annotations, no prose, no text for errors or for display."""
    if isinstance(node, ast.Raise | ast.AnnAssign | ast.JoinedStr):
        return
    if isinstance(node, ast.FunctionDef) and node.name in ("__repr__", "__str__"):
        return
    if isinstance(node, ast.keyword) and node.arg in HARMLESS and node.arg:
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _code(child)


def found(module: str, text: str) -> Iterator[Mutant]:
    """Every place where the text of a module can be broken."""
    return _Finder(module, text).find()


def valid(mutant: Mutant, text: str) -> bool:
    """Whether the broken text is Python, and not the same as before."""
    broken = mutant.apply(text)
    try:
        return ast.dump(ast.parse(broken)) != ast.dump(ast.parse(text))
    except SyntaxError:
        return False


def _drawn(module: str, text: str, seed: int) -> list[Mutant]:
    """The mutants of a module in the order of a draw that changes elsewhere do not alter."""
    alike: Counter[Any] = Counter()

    def lot(mutant: Mutant) -> str:
        lines = mutant.lines(text)
        alike[lines] += 1
        return hashlib.sha256(repr((seed, module, lines, alike[lines])).encode()).hexdigest()

    return sorted(found(module, text), key=lot)


def sample(modules: dict[str, str], count: int, seed: int) -> list[Mutant]:
    """`count` mutants in turn from every module and every kind of change in it."""
    rooms: dict[str, list[list[Mutant]]] = {}
    for module, text in modules.items():
        kinds: dict[str, list[Mutant]] = defaultdict(list)
        for mutant in _drawn(module, text, seed):
            kinds[mutant.kind].append(mutant)
        rooms[module] = [kinds[kind] for kind in sorted(kinds)]
    chosen: list[Mutant] = []
    turn = 0
    while len(chosen) < count and any(any(kinds) for kinds in rooms.values()):
        for module, kinds in rooms.items():
            left = [kind for kind in kinds if kind]
            if left and len(chosen) < count:
                mutant = left[turn % len(left)].pop()
                if valid(mutant, modules[module]):
                    chosen.append(mutant)
        turn += 1
    return chosen


def survives(mutant: Mutant, text: str, place: Path, seconds: float) -> bool:
    """Whether the tests of its module pass in this copy of the project, with the mutant in it.

    A mutant that takes longer than so many seconds hangs, which a user would notice.
    """
    file = place / mutant.module
    file.write_text(mutant.apply(text), encoding="utf-8")
    try:
        return run_tests(mutant.module, place, seconds)
    finally:
        file.write_text(text, encoding="utf-8")


def run_tests(module: str, place: Path, seconds: float | None = None) -> bool:
    """Whether the tests of a module pass in this copy of the project."""
    tests = [f"tests/{name}.py" for name in TESTS[module]]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command += ["-p", "no:randomly", *tests, module]  # (the module is loaded by its tests)
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=place, env=environment, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main() -> int:
    """Break, test, list; the exit code is 1 if more than 5 % survive, or one is unexplained."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=115, help="how many mutants")
    parser.add_argument("--seed", type=int, default=0, help="which sample of them")
    parser.add_argument("--only", default="", help="modules whose path contains this")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="at a time")
    options = parser.parse_args()
    modules = {
        module: (ROOT / module).read_text(encoding="utf-8")
        for module in TESTS
        if options.only in module
    }
    mutants = sample(modules, options.count, options.seed)
    survivors: list[Mutant] = []
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        places: queue.Queue[Path] = queue.Queue()
        for k in range(options.jobs):
            place = Path(folder) / str(k)
            for name in COPIED:
                source = ROOT / name
                if source.is_dir():
                    ignored = shutil.ignore_patterns("__pycache__")
                    shutil.copytree(source, place / name, ignore=ignored)
                else:
                    place.mkdir(exist_ok=True)
                    shutil.copy(source, place / name)
            places.put(place)
        whole = places.get()
        limits: dict[str, float] = {}
        for module in modules:
            began = time.perf_counter()
            if not run_tests(module, whole):
                print(f"the tests of {module} fail before anything is broken", file=sys.stderr)
                return 2
            limits[module] = 60 + 5 * (time.perf_counter() - began)
        places.put(whole)

        def tried(mutant: Mutant) -> bool:
            place = places.get()
            try:
                module = mutant.module
                return survives(mutant, modules[module], place, limits[module])
            finally:
                places.put(place)

        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for mutant, survived in zip(mutants, pool.map(tried, mutants), strict=True):
                if survived:
                    survivors.append(mutant)
                    report(mutant, modules[mutant.module])
    unexplained = sum(not reason(m, modules[m.module]) for m in survivors)
    share = len(survivors) / max(1, len(mutants))
    print(
        f"{len(mutants)} mutants, {len(survivors)} survive ({share:.1%}), {unexplained} of them "
        f"unexplained; {(time.perf_counter() - start) / 60:.0f} minutes"
    )
    return int(share > 0.05 or unexplained > 0)


def reason(mutant: Mutant, text: str) -> str:
    """Why this mutant is right to survive, or nothing."""
    return EXPLAINED.get((mutant.module, *mutant.lines(text)), "")


def report(mutant: Mutant, text: str) -> None:
    """Say what survived."""
    before, after = mutant.lines(text)
    print(f"{mutant.module}:{mutant.line}: {mutant.kind}\n  - {before}\n  + {after}", flush=True)
    if why := reason(mutant, text):
        print(f"  explained: {why}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
