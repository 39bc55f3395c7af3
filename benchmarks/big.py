"""Data larger than memory, and more than one machine: `python -m benchmarks.big`.

The data is like HIGGS (11 million samples of 28 features, two classes), but made, in chunks. The
tables: peak memory against the size of the data, each size in a process of its own; the time of
training from a memory map against that in memory, by the size of the batches; time and bytes sent
for each step against the number of chunks, on one machine and on 1 and 2 worker processes. With
`--higgs` alone: all 11 million samples, made again in each epoch, with the peak memory.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before NumPy is loaded

import numpy as np  # noqa: E402

import nn  # noqa: E402
from nn import chunks  # noqa: E402

FEATURES, HIGGS = 28, 11_000_000
LAYERS = [FEATURES, 16, 1]
LOSS = nn.losses.binary_cross_entropy
CHUNK = chunks.CHUNK_BYTES
PART = 100_000  # samples that are made at a time


def made(start: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """So many samples, from this one on, and their classes: a curved surface, and noise."""
    rng = np.random.default_rng(start)
    X = rng.normal(size=(FEATURES, m))
    score = X[0] * X[1] + np.sin(2 * X[2]) + 0.5 * X[3] - 0.3 * X[4] ** 2 + rng.normal(size=m)
    return X, (score[np.newaxis] > 0).astype(float)


def written(folder: Path, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Memory maps of m samples and their classes."""
    maps = []
    for name, rows in (("X", FEATURES), ("Y", 1)):
        maps.append(np.lib.format.open_memmap(folder / f"{name}.npy", "w+", float, (rows, m)))
    for start in range(0, m, PART):
        part = slice(start, min(start + PART, m))
        maps[0][:, part], maps[1][:, part] = made(start, part.stop - start)
    maps.clear()
    X, Y = (np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("X", "Y"))
    return X, Y


def train(X: Any, Y: Any, epochs: int, batch_size: int | None, shuffle: bool = True) -> nn.History:
    net = nn.Network(LAYERS, ["tanh", "sigmoid"], rng=0)
    return nn.fit(
        *(net, X, Y, LOSS, nn.optimizers.Adam(0.01), epochs, batch_size),
        shuffle=shuffle and batch_size is not None,
        rng=0,
        progress=False,
    )


class Peak:
    """The growth of this process's resident memory, in bytes, sampled while it works."""

    def __enter__(self) -> Peak:
        self.start = self.most = self.now()
        self.done = False
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.done = True
        self.thread.join()

    def watch(self) -> None:
        while not self.done:
            self.most = max(self.most, self.now())
            time.sleep(0.002)

    @staticmethod
    def now() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def growth(self) -> int:
        return self.most - self.start


def child(kind: str, m: int, batch_size: int | None) -> None:
    """One line of the table of memory: the growth, and the seconds of two epochs."""
    with tempfile.TemporaryDirectory() as folder:
        X, Y = written(Path(folder), m)
        if kind == "in memory":
            X, Y = np.array(X), np.array(Y)
        small = X[:, :2000], Y[:, :2000]
        train(np.array(small[0]), np.array(small[1]), 20, 64)  # what the libraries load and keep
        with Peak() as peak:
            start = time.process_time()
            history = train(X, Y, 2, batch_size)
            seconds = time.process_time() - start
    assert history.loss[1] < history.loss[0]
    print(peak.growth, seconds)


def in_a_process(*options: Any) -> list[float]:
    command = [sys.executable, "-m", "benchmarks.big", "--child", *map(str, options)]
    return [float(n) for n in subprocess.check_output(command, text=True).split()]


def memory(sizes: list[int]) -> None:
    print(f"peak memory in MB, above that of the data in memory; a chunk is {CHUNK / 1e6:.0f} MB")
    print(f"{'samples':>12}{'data':>8}{'memory map':>14}{'in chunks':>11}{'in memory':>11}")
    for m in sizes:
        peaks = {kind: in_a_process(kind, m, 1024)[0] for kind in ("memory map", "in memory")}
        mapped, held = peaks["memory map"], peaks["in memory"]
        data = m * (FEATURES + 1) * 8
        print(
            f"{m:12,}{data / 1e6:8.0f}{mapped / 1e6:14.0f}{mapped / CHUNK:11.1f}{held / 1e6:11.0f}",
            flush=True,
        )


def times(m: int, rounds: int) -> None:
    print(f"\nseconds of the processor for two epochs of {m:,} samples")
    print(f"{'batches of':>12}{'in memory':>11}{'memory map':>12}{'ratio':>7}")
    for size in (64, 256, 1024, 8192, None):
        taken: dict[str, list[float]] = {"in memory": [], "memory map": []}
        for _ in range(rounds):
            for kind, seconds in taken.items():
                seconds.append(in_a_process(kind, m, size)[1])
        held, mapped = (sorted(seconds)[rounds // 2] for seconds in taken.values())
        ratio = sorted(b / a for a, b in zip(*taken.values(), strict=True))[rounds // 2]
        print(f"{size or 'all':>12}{held:11.2f}{mapped:12.2f}{ratio:7.2f}", flush=True)


def on_dask(m: int, width: int, first: int = 0) -> tuple[Any, Any]:
    """Dask arrays of m samples, made when they are needed, by the number of the first one."""
    import dask
    import dask.array as da

    parts: list[list[Any]] = [[], []]
    for start in range(0, m, width):
        size = min(width, m - start)
        X, Y = dask.delayed(made, nout=2)(first + start, size)
        for arrays, part, rows in zip(parts, (X, Y), (FEATURES, 1), strict=True):
            arrays.append(da.from_delayed(part, (rows, size), float))
    return da.concatenate(parts[0], axis=1), da.concatenate(parts[1], axis=1)


def cluster(m: int, steps: int) -> None:
    """Full batches on worker processes, which hold the chunks."""
    import dask
    from distributed import Client, LocalCluster

    print(f"\nmilliseconds for a step of all {m:,} samples, which the workers hold, and thousands")
    print("of bytes that the workers send each other for it (the parameters are 3.8)")
    print(f"{'chunks':>8}{'1 machine':>11}{'1 worker':>10}{'2 workers':>11}{'sent':>8}")
    for count in (2, 8, 32):
        X, Y = on_dask(m, m // count)
        there: list[float] = []
        held = dask.compute(X, Y)
        here = alone(held[0], held[1], m // count, steps)
        del held
        for workers in (1, 2):
            options: Any = {"n_workers": workers, "threads_per_worker": 1}
            with LocalCluster(dashboard_address=":0", **options) as one, Client(one) as client:
                persisted = dask.persist(X, Y)
                there += timed(client, persisted[0], persisted[1], steps)
        one_worker, _, two_workers, sent = there
        row = f"{count:8}{here:11.0f}{one_worker:10.0f}{two_workers:11.0f}{sent / 1e3:8.1f}"
        print(row, flush=True)


def alone(X: np.ndarray, Y: np.ndarray, width: int, steps: int) -> float:
    """Milliseconds for a step over the same chunks, in this process."""
    m = X.shape[1]
    held = [(X[:, i : i + width].copy(), Y[:, i : i + width]) for i in range(0, m, width)]
    seconds, _ = for_a_step(lambda n: train(held, None, n, m, shuffle=False), steps, lambda: 0)
    return seconds * 1e3


def timed(client: Any, X: Any, Y: Any, steps: int) -> tuple[float, float]:
    """Milliseconds for a step, and the bytes that workers send each other."""
    from distributed import wait

    wait([X, Y])
    client.rebalance([X, Y])  # as many chunks for each

    def sent() -> int:
        found = client.run(lambda dask_worker: dask_worker.transfer_outgoing_bytes_total)
        return int(sum(found.values()))

    seconds, count = for_a_step(lambda n: train(X, Y, n, None), steps, sent)
    return seconds * 1e3, count


def for_a_step(run: Any, steps: int, sent: Any) -> tuple[float, float]:
    """Seconds and bytes of a step: by how much twice as many steps need more."""
    needed = []
    run(1)
    for n in (steps, 2 * steps):
        before, start = sent(), time.perf_counter()
        run(n)
        needed.append((time.perf_counter() - start, sent() - before))
    (seconds, count), (more_seconds, more) = needed
    return (more_seconds - seconds) / steps, (more - count) / steps


def higgs(m: int) -> None:
    """As many samples as HIGGS has, of which no more than a few chunks are there at a time."""
    X, Y = on_dask(m, PART)
    others = on_dask(5 * PART, PART, first=m)
    train(*made(0, 2000), 20, 64)
    with Peak() as peak:
        start = time.perf_counter()
        net = nn.Network([FEATURES, 64, 1], ["tanh", "sigmoid"], rng=0)
        X, others_X = nn.datasets.standardize(X, others[0])
        adam = nn.optimizers.Adam(0.003)
        history = nn.fit(net, X, Y, LOSS, adam, 2, 1024, shuffle=True, rng=0, progress=False)
        _, accuracy = nn.evaluate(net, others_X, others[1], LOSS)
        seconds = time.perf_counter() - start
    print(f"{m:,} samples of {FEATURES} features, {m * (FEATURES + 1) * 8 / 1e9:.1f} GB, made anew")
    print(f"each time: {history}; {accuracy:.4f} right of {5 * PART:,} others")
    most, growth = peak.most / 1e6, peak.growth / 1e6
    print(f"{seconds:.0f} s; peak memory {most:.0f} MB, {growth:.0f} of it for the training")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="turns that each takes")
    parser.add_argument("--samples", type=int, default=1_000_000, help="for the tables of time")
    parser.add_argument("--higgs", action="store_true", help="only all 11 million samples")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        kind, m, size = options.child
        child(kind, int(m), None if size == "None" else int(size))
    elif options.higgs:
        higgs(HIGGS)
    else:
        memory([500_000, 1_000_000, 2_000_000, 4_000_000])
        times(options.samples, options.rounds)
        cluster(options.samples // 2, steps=10)
        print()
        higgs(HIGGS)


if __name__ == "__main__":
    main()
