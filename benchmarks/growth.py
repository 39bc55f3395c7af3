"""How time and memory grow: `python -m benchmarks.growth`.

Time to import, on top of NumPy's own (the least of 20 processes); seconds to list and to draw a
tape of 100,000 operations; time for each operation from 1,000 to 1,000,000 operations; time
against batch size; and the peak memory of forward + backward on 1024-2048-2048-10 with 1024
samples, each in a process of its own (peak resident memory above what the process held with its
arrays made).
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

SIZES, SAMPLES = (1024, 2048, 2048, 10), 1024


def imports() -> None:
    """Milliseconds that the import of each package takes, on top of NumPy's."""
    print("import         ms")
    for package in ("autograd_lite", "nn"):
        code = (
            "import time, numpy; start = time.process_time(); "
            f"import {package}; print(time.process_time() - start)"
        )
        command = [sys.executable, "-c", code]
        best = min(float(subprocess.check_output(command, text=True)) for _ in range(20))
        print(f"{package:14}{best * 1e3:5.1f}", flush=True)


def listings() -> None:
    """Seconds for the table and for the drawing of a long tape."""
    import numpy as np

    import autograd_lite as ag

    x = y = ag.Tensor(np.ones(4), requires_grad=True)
    for _ in range(100_000):
        y = y + x
    print("\n100,000 operations   s")
    for name, show in (("ag.tape", ag.tape), ("ag.draw", ag.draw)):
        start = time.perf_counter()
        str(show(y))
        print(f"{name:19}{time.perf_counter() - start:5.2f}", flush=True)
    print()


def operations() -> None:
    """Seconds for each operation, forward and backward together, on chains of growing length."""
    import resource

    import numpy as np

    import autograd_lite as ag

    print("operations   µs for each   page faults for each")
    for n in (1_000, 10_000, 100_000, 1_000_000):
        best, faults = float("inf"), 0.0
        for _ in range(3):
            x = y = ag.Tensor(np.ones(4), requires_grad=True)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
            start = time.perf_counter()
            for _ in range(n):
                y = y + x
            y.backward(np.ones(4))
            taken = time.perf_counter() - start
            if taken < best:
                best = taken
                faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
            del x, y
        print(f"{n:10,}{best / n * 1e6:14.2f}{faults / n:14.3f}", flush=True)


def batches() -> None:
    """Seconds for forward and backward of a 2-4-1 network, each batch twice the one before."""
    from benchmarks.engines import Case, tape

    print("\nsamples    µs   for twice the samples")
    before = None
    for m in [256 * 2**k for k in range(9)]:
        step = tape(Case("", (2, 4, 1), m))
        best = float("inf")
        for _ in range(200 if m < 5000 else 50):
            start = time.perf_counter()
            step()
            best = min(best, time.perf_counter() - start)
        print(
            f"{m:7,}{best * 1e6:10.0f}" + (f"{best / before:8.2f}×" if before else ""), flush=True
        )
        before = best


def peak(engine: str) -> None:
    """The child's side of the memory measurement: print the growth of the peak, in MB."""
    from benchmarks.engines import ENGINES, Case

    def high_water() -> int:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

    step = ENGINES[engine](Case("", SIZES, SAMPLES))
    small = ENGINES[engine](Case("", (8, 8, 8, 2), 8))
    for _ in range(3):  # what the libraries load and keep for themselves
        small()
    with open("/proc/self/status") as status:
        start = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    result = step()
    print((high_water() - start) / 1024)
    del result


def memory() -> None:
    """Peak memory of every engine, and its ratio to PyTorch's."""
    engines = ("PyTorch (A @ W + b)", "PyTorch (F.linear)", "tape", "tape (logits)")
    engines += ("compiled", "compiled (logits)", "NumPy by hand")
    print(f"\npeak memory, {'-'.join(map(str, SIZES))}, {SAMPLES} samples, float64")
    reference: dict[str, float] = {}
    for engine in engines:
        run = subprocess.run(
            [sys.executable, "-m", "benchmarks.growth", engine],
            capture_output=True,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        if run.returncode:
            print(f"  {engine:20} left out: {run.stderr.strip().splitlines()[-1]}")
            continue
        value = float(run.stdout)
        if engine.startswith("PyTorch"):
            reference[engine] = value
        ratios = "   ".join(f"{value / r:.2f} of {name}" for name, r in reference.items())
        print(f"  {engine:20}{value:8.0f} MB   {ratios}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        peak(sys.argv[1])
    else:
        imports()
        listings()
        operations()
        batches()
        memory()
