"""Every formula of the documents on many more networks than the tests take, and how long it takes.

    python -m benchmarks.documents

For each of two seeds, 140 networks for each formula (every depth with every kind four times);
then `autograd-lite check` as it is, timed. Exit code 1 if a verdict is not as recorded, or a
formula that holds or a corrected form is off by more than 1e-10; the time is reported beside its
limit, 60 s on 2 cores, and does not fail a machine that is busy.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

from nn import documents
from nn.documents.checked import everything

SEEDS, NETWORKS, SECONDS = (1, 2), 140, 60


def measure(number: str, seed: int) -> bool:
    """Check one document and print a line; whether all is as recorded and exact."""
    start = time.perf_counter()
    results = documents.check(number, rng=seed, networks=NETWORKS)
    seconds = time.perf_counter() - start
    holding = [r.printed_error for r in results if r.verdict in ("holds", "convention")]
    errors = [e for e in holding + [r.corrected_error for r in results] if e is not None]
    judges, silent = max(r.judges_error for r in results), sum(r.silent for r in results)
    verdicts = ", ".join(f"{n} {v}" for v, n in Counter(r.verdict for r in results).most_common())
    print(
        f"{number} seed {seed}: {len(results)} formulas ({verdicts}; {silent} silent), "
        f"largest error of what holds {max(errors):.0e}, of central differences {judges:.0e}, "
        f"{seconds:.0f} s"
    )
    drifted = [r for r in results if r.drifted]
    for r in drifted:
        print(f"    {r.label}: {r.verdict}, recorded {r.recorded}; {r.shapes}")
    return not drifted and max(errors) <= 1e-10


def main() -> int:
    """Measure everything; the exit code."""
    missed = sum(not measure(number, seed) for seed in SEEDS for number in documents.NUMBERS)
    start = time.perf_counter()
    checked = everything()
    seconds = time.perf_counter() - start
    print(checked.summary)
    limit = "within" if seconds <= SECONDS else "OVER"
    print(f"autograd-lite check: {seconds:.0f} s, {limit} the limit of {SECONDS} s")
    return 0 if not missed and checked.as_recorded else 1


if __name__ == "__main__":
    sys.exit(main())
