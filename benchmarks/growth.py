"""How time and memory grow: `python -m benchmarks.growth`.

Time to import, on top of NumPy's own (the least of 20 processes); seconds to list and to draw a
tape of 100,000 operations; to compare, derive and draw a network of 50 layers; time for each
operation from 1,000 to 1,000,000 operations, of ag.compile from 1,000 to 50,000 (`--compile`: only
this); time against batch size; and the peak memory of forward + backward on 1024-2048-2048-10 with
1024 samples, each in a process of its own (peak resident memory above what the process held with
its arrays made).
"""

from __future__ import annotations

import functools
import os
import statistics
import subprocess
import sys
import time
from typing import Any

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


def layers() -> None:
    """Seconds to compare, derive and draw a network of 50 layers."""
    import numpy as np

    import autograd_lite as ag
    import nn

    rng = np.random.default_rng(0)
    net = nn.Network([8] * 50 + [1], ["tanh"] * 49 + ["sigmoid"], rng=0)
    X = rng.normal(size=(8, 7))
    J = nn.losses.binary_cross_entropy(net(X), (X[:1] > 0) * 1.0)
    J.backward()
    right = {f"d{name}": p.grad for name, p in net.parameters().items()}
    jobs = {
        "ag.compare, all right": lambda: ag.compare(J, right),
        "ag.compare, one sign": lambda: ag.compare(J, right | {"dW25": -right["dW25"]}),
        "ag.compare, all random": lambda: ag.compare(
            J, {name: rng.normal(size=g.shape) for name, g in right.items()}
        ),
        "ag.derive": lambda: ag.derive(J, wrt=list(net.parameters().values())),
        "ag.draw": lambda: ag.draw(J)._repr_mimebundle_(),
    }
    print("50 layers                s")
    for name, job in jobs.items():
        start = time.perf_counter()
        str(job())
        print(f"{name:22}{time.perf_counter() - start:5.2f}", flush=True)
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


def compiling() -> None:
    """Seconds of ag.compile for each operation: trace and emit, then Python's own compiler."""
    import numpy as np

    import autograd_lite as ag

    def chain(x: Any, n: int) -> Any:
        """Each value made of the one before."""
        for _ in range(n // 2):
            x = np.tanh(x) * 0.5
        return x

    def named(x: Any, n: int) -> Any:
        """The same, every value with a name."""
        for k in range(n // 2):
            x = (np.tanh(x).named(f"A{k}") * 0.5).named(f"Z{k}")
        return x

    def wide(x: Any, n: int) -> Any:
        """Many values that are all needed at the end."""
        return np.concatenate([np.sin(x * float(k + 2)) for k in range(n // 2)])

    def constants(x: Any, n: int) -> Any:
        """Many arrays that were captured."""
        for k in range(n):
            x = x + np.full(x.shape, float(k)) * np.arange(4.0).reshape(2, 2)
        return x

    def sizes(x: Any, n: int) -> Any:
        """Values of many sizes, freed in another order than they were made in."""
        parts = [np.sin(np.concatenate([x] * (1 + k % 37))) for k in range(n // 3)]
        return sum(np.sum(part) for part in parts[::2] + parts[1::2])

    def gradient(x: Any, n: int) -> Any:
        """The gradient of a chain."""
        return ag.grad(lambda x: np.sum(chain(x, n // 3)))(x)

    print(
        "\nag.compile     µs for each operation: trace and emit + Python's compiler and first run"
    )
    counts = (1_000, 5_000, 20_000, 50_000)
    print(" " * 12 + "".join(f"{n:17,}" for n in counts))
    for f in (chain, named, wide, constants, sizes, gradient):
        cells = []
        for n in counts:
            compiled = ag.compile(functools.partial(f, n=n))
            start = time.perf_counter()
            compiled.source(np.ones((2, 2)))
            traced = time.perf_counter()
            compiled(np.ones((2, 2)))
            done = time.perf_counter()
            cells.append(f"{(traced - start) / n * 1e6:11.0f} + {(done - traced) / n * 1e6:3.0f}")
        print(f"{f.__name__:12}" + "".join(cells), flush=True)


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


def _measured_peak(engine: str) -> float:
    """What `peak` prints in a process of its own; CalledProcessError if it cannot run."""
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.growth", engine],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    return float(run.stdout)


def memory() -> None:
    """Peak memory of every engine, the median of seven runs, and its ratio to PyTorch's."""
    engines = ("PyTorch (A @ W + b)", "PyTorch (F.linear)", "tape", "tape (logits)")
    engines += ("compiled", "compiled (logits)", "NumPy by hand")
    print(f"\npeak memory, {'-'.join(map(str, SIZES))}, {SAMPLES} samples, float64")
    reference: dict[str, float] = {}
    for engine in engines:
        try:
            values = [_measured_peak(engine) for _ in range(7)]
        except subprocess.CalledProcessError as error:
            print(f"  {engine:20} left out: {error.stderr.strip().splitlines()[-1]}")
            continue
        value = statistics.median(values)
        if engine.startswith("PyTorch"):
            reference[engine] = value
        ratios = "   ".join(f"{value / r:.2f} of {name}" for name, r in reference.items())
        seen = f"{min(values):.0f} to {max(values):.0f}"
        print(f"  {engine:20}{value:8.0f} MB ({seen})   {ratios}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--compile"]:
        compiling()
    elif len(sys.argv) > 1:
        peak(sys.argv[1])
    else:
        imports()
        listings()
        layers()
        operations()
        compiling()
        batches()
        memory()
