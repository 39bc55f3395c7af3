"""Cost against depth, width and batch, as README shows it: `python -m benchmarks.picture`.

Writes `.github/pictures/cost.png` (extras `plot` and `bench`). As in the table, each engine has a
process of its own and one thread, they take turns, and the least time of all rounds counts.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.__main__ import measure
from benchmarks.engines import Case

ENGINES = {
    "NumPy by hand": ("#555555", "-"),
    "tape (logits)": ("#1f6fb4", "-"),
    "compiled (logits)": ("#d9480f", "-"),
    "PyTorch (F.linear)": ("#7b3fa0", "--"),
    "jax.jit": ("#2b8a3e", "--"),
}
SWEEPS = {
    "layers of 64 units, 32 samples": [
        (depth, Case("", (64,) * (depth + 1), 32)) for depth in (1, 2, 5, 10, 20, 50)
    ],
    "units in each of 3 layers, 32 samples": [
        (width, Case("", (width,) * 4, 32)) for width in (2, 8, 32, 128, 512, 1024)
    ],
    "samples, network 2-4-1": [
        (m, Case("", (2, 4, 1), m)) for m in (1, 10, 100, 1_000, 10_000, 65_536)
    ],
}


def main() -> None:
    """Measure every point, and draw."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    for axis, (label, points) in zip(axes, SWEEPS.items(), strict=True):
        times: dict[str, list[tuple[int, float]]] = {name: [] for name in ENGINES}
        for x, case in points:
            for row in measure(case, list(ENGINES), rounds=21, seconds=0.01):
                times[row["engine"]].append((x, row["microseconds"]))
        for name, (colour, style) in ENGINES.items():
            if times[name]:
                axis.loglog(*zip(*times[name], strict=True), style, color=colour, label=name)
        axis.set_xlabel(label)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("µs for the cost and all gradients")
    axes[0].legend(fontsize=8)
    path = Path(__file__).parents[1] / ".github" / "pictures" / "cost.png"
    figure.savefig(path, dpi=110)
    print(f"written to {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


if __name__ == "__main__":
    main()
