"""Make README's two pictures beside this file: `python .github/pictures/make.py`.

Both come from the report's own functions (`autograd-lite check --report`).
They need the `report` extra.
"""

from pathlib import Path

from nn import plots
from nn.report import network, training

HERE = Path(__file__).parent


def main(folder: Path = HERE) -> None:
    """Draw graph.png and planar.png."""
    network.graph().save(folder / "graph.png")
    trained = training.planar()
    image, (plane, curve) = plots.figure(2)
    image.set_size_inches(9, 4)
    plots.decision_boundary(trained.net, trained.X, trained.Y, plane)
    plots.history(trained.history, curve)
    image.savefig(folder / "planar.png", dpi=150)


if __name__ == "__main__":
    main()
