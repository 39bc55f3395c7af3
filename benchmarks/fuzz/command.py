"""Random programs, eagerly, compiled and at second order, against PyTorch and against each other.

    python -m benchmarks.fuzz --programs 20000 --seed 0
    python -m benchmarks.fuzz --seed 0 --only 1234          # one of them again, with its listing

Each program is drawn from the table of everything that a Tensor takes (`table.py`), with
three sets of data. PyTorch judges its values, its gradient, `jvp`, `hvp` and, if it is small, a
Hessian. Compiled, values, gradient and `hvp` have to be those of eager in four calls; later calls
leave earlier results alone, and arguments stay as they were. A mismatch is shrunk and printed as
code that runs. Exit code 1 if there is one.
"""

from __future__ import annotations

import argparse
import collections
import multiprocessing
import sys
import time
from collections.abc import Iterator

from benchmarks.fuzz import judging
from benchmarks.fuzz.checks import Count, Mismatch, check
from benchmarks.fuzz.drafts import draw
from benchmarks.fuzz.shrinking import script, shrunk

SHOWN = 10  # mismatches that are shrunk


def run(seed: int, numbers: range) -> Count:
    """Draw and check these programs."""
    count = Count()
    for number in numbers:
        program = draw(seed, number)
        count.programs += 1
        count.steps += len(program.steps)
        count.found += [(number, mismatch) for mismatch in check(program, count)]
    return count


def _chunk(task: tuple[int, range]) -> Count:
    judging.torch.set_num_threads(1)
    return run(*task)


def _tasks(seed: int, programs: int) -> list[tuple[int, range]]:
    return [(seed, range(k, min(k + 50, programs))) for k in range(0, programs, 50)]


def _results(tasks: list[tuple[int, range]], jobs: int) -> Iterator[Count]:
    if jobs == 1:
        yield from map(_chunk, tasks)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(_chunk, tasks)


def show(seed: int, number: int, mismatch: Mismatch) -> None:
    """Print a mismatch, shrunk."""
    program = shrunk(draw(seed, number), mismatch)
    again = [m for m in check(program, Count(), mismatch.part) if m.kind == mismatch.kind]
    (now, *_) = [*again, mismatch]  # (what reads memory that nobody wrote may be right by chance)
    print(f"\n== {now.part}, {now.kind}: program {number}, shrunk to {len(program.steps)} steps")
    print(script(program, now))
    print("# " + now.what.replace("\n", "\n# "))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--programs", type=int, default=1000, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument(
        "--only", type=int, metavar="K", help="this program alone, with its listing"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (default 1)")
    parser.add_argument("--show", type=int, default=SHOWN, metavar="N", help="mismatches to shrink")
    options = parser.parse_args(arguments)
    if judging.torch is None:
        print(judging.MISSING, file=sys.stderr)
        return 2
    start, total = time.perf_counter(), Count()
    if options.only is not None:
        print(draw(options.seed, options.only).listing())
        total.add(run(options.seed, range(options.only, options.only + 1)))
    else:
        tasks = _tasks(options.seed, options.programs)
        for count in _results(tasks, options.jobs):
            before = total.programs // 1000
            total.add(count)
            for number, mismatch in count.found:
                print(f"program {number}: {mismatch.part}, {mismatch.kind}", file=sys.stderr)
            if total.programs // 1000 > before:
                seconds = time.perf_counter() - start
                print(f"{total.programs} programs, {seconds:.0f} s", file=sys.stderr)
    seconds = time.perf_counter() - start
    parts = collections.Counter((m.part, m.kind) for _, m in total.found)
    shown: collections.Counter[tuple[str, str]] = collections.Counter()
    for number, mismatch in total.found:
        each = max(1, options.show // max(len(parts), 1))
        if shown[mismatch.part, mismatch.kind] < each:
            shown[mismatch.part, mismatch.kind] += 1
            show(options.seed, number, mismatch)
    print(report(total, seconds))
    for (part, kind), n in parts.most_common():
        numbers = [str(k) for k, m in total.found if (m.part, m.kind) == (part, kind)]
        print(f"    {n} × {part}, {kind}: --only {' '.join(numbers[:12])}{' …' * (n > 12)}")
    return 1 if total.found else 0


def report(count: Count, seconds: float) -> str:
    """A few lines of what was compared."""
    compared = ", ".join(f"{n} {part}" for part, n in count.compared.items() if part != "compiled")
    wrong = len({number for number, _ in count.found})
    skipped = ", ".join(f"{n} {why}" for why, n in count.skipped.most_common())
    each = 1e3 * seconds / max(count.programs, 1)
    return (
        f"{count.programs} programs of {count.steps / max(count.programs, 1):.1f} steps, "
        f"{wrong} with a mismatch ({seconds:.0f} s, {each:.0f} ms each)\n"
        f"    against PyTorch: {compared}\n"
        f"    compiled against eager: {count.compared['compiled']} calls, {count.bits} of them "
        f"the same to the last bit\n"
        f"    not comparable: {skipped or 'none'}"
    )
