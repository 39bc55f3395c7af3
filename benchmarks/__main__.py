"""Every engine against NumPy by hand: `python -m benchmarks` (needs the `bench` extra).

Each engine runs in a process of its own, with one thread, and they take turns: in every round each
engine is timed once, and its ratio is to NumPy by hand of the same round. Results are compared
before anything is timed. The table gives the ratio of the least times of all rounds, which a busy
machine changes least, and the median and the spread (first to third quartile) of the ratios.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
THREADS = dict.fromkeys(POOLS, "1") | {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
}
REFERENCE = "NumPy by hand"


def serve(engine: str) -> None:
    """The child's side: prepare a case, give its result, time a number of steps, on request."""
    import numpy as np

    from benchmarks.engines import ENGINES, Case

    step: Any = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if "case" in request:
                step = ENGINES[engine](Case(**request["case"]))
                cost, gradients = getattr(step, "result", step)()
                flat = np.concatenate([np.ravel(np.asarray(g, dtype=float)) for g in gradients])
                probe = np.cos(np.arange(flat.size))  # any error changes the products below
                answer: Any = [float(cost), float(flat @ probe), float(np.abs(flat).max())]
            else:
                start = time.perf_counter()
                for _ in range(request["steps"]):
                    step()
                answer = (time.perf_counter() - start) / request["steps"]
        except ImportError as error:
            answer = {"missing": str(error)}
        print(json.dumps(answer), flush=True)


class Engine:
    """The parent's side of one engine's process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks", "--serve", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | THREADS,
            text=True,
        )

    def ask(self, **request: Any) -> Any:
        """Send a request, wait for the answer."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the process of {self.name} ended")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def measure(case: Any, names: list[str], rounds: int, seconds: float) -> list[dict[str, Any]]:
    """The ratios of every engine on one case, after their results were compared."""
    engines = [Engine(name) for name in names]
    try:
        answers = {e.name: e.ask(case=vars(case)) for e in engines}
        absent = {name for name, answer in answers.items() if isinstance(answer, dict)}
        reference = answers[REFERENCE]
        tolerance = 1e-9 if case.dtype == "float64" else 1e-3
        for name, answer in answers.items():
            if name in absent:
                print(f"{name} is left out: {answer['missing']}", file=sys.stderr)
            elif any(
                abs(a - b) > tolerance * max(abs(reference[2]) * 10, abs(b))
                for a, b in zip(answer, reference, strict=True)
            ):
                raise SystemExit(f"{case.name}: {name} gives {answer}, by hand {reference}")
        engines = [e for e in engines if e.name not in absent]
        steps = {e.name: max(1, int(seconds / max(e.ask(steps=3), 1e-9))) for e in engines}
        times: dict[str, list[float]] = {e.name: [] for e in engines}
        for _ in range(rounds):
            for e in engines:
                times[e.name].append(e.ask(steps=steps[e.name]))
    finally:
        for e in engines:
            e.close()
    rows = []
    for name, taken in times.items():
        ratios = [t / hand for t, hand in zip(taken, times[REFERENCE], strict=True)]
        first, median, third = statistics.quantiles(ratios, n=4)
        rows.append(
            {
                "case": case.name,
                "dtype": case.dtype,
                "engine": name,
                "microseconds": min(taken) * 1e6,
                "minimum": min(taken) / min(times[REFERENCE]),
                "median": median,
                "spread": [first, third],
            }
        )
    return rows


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=15, help="turns that each engine takes")
    parser.add_argument("--seconds", type=float, default=0.05, help="how long each turn is")
    parser.add_argument("--only", help="cases whose name contains this")
    parser.add_argument("--engines", help="engines, by name, with commas")
    parser.add_argument("--json", type=Path, help="write the table here as well")
    options = parser.parse_args()
    if options.serve:
        serve(options.serve)
        return
    from benchmarks.engines import CASES, ENGINES

    names = options.engines.split(",") if options.engines else list(ENGINES)
    names = [REFERENCE, *(name for name in names if name != REFERENCE)]
    rows = []
    print("to NumPy by hand, one thread each: least time, ratio of least times,")
    print("median of the ratios in each round, first to third quartile")
    for network in CASES:
        for dtype in ("float64", "float32"):
            if options.only and options.only not in network.name:
                continue
            case = dataclasses.replace(network, dtype=dtype)
            new = measure(case, names, options.rounds, options.seconds)
            print(f"\n{case.name}, {dtype}")
            for row in new:
                print(
                    f"  {row['engine']:24}{row['microseconds']:10.1f} µs{row['minimum']:7.2f}"
                    f"{row['median']:7.2f}   {row['spread'][0]:.2f} to {row['spread'][1]:.2f}",
                    flush=True,
                )
            rows += new
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
