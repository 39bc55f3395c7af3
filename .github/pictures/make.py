"""Make README's two pictures beside this file: `python .github/pictures/make.py`.

Both come from the report's own functions (`autograd-lite check --report`).
They need the `report` extra.
"""

from pathlib import Path

import autograd_lite as ag
from nn import plots
from nn.closed_form import planar_exercise
from nn.report import network, training

HERE = Path(__file__).parent


def main(folder: Path = HERE) -> None:
    """Draw graph.png and planar.png."""
    f, J = network.cost()
    ag.draw(J, groups=f.layers).save(folder / "graph.png")
    on_white(folder / "graph.png")
    trained = training.after_training(planar_exercise(), epochs=2000)
    image, (plane, curve) = plots.figure(2)
    image.set_size_inches(9, 4)
    trained.draw_boundary(plane)
    trained.draw_history(curve)
    image.savefig(folder / "planar.png", dpi=150)


def on_white(path: Path) -> None:
    """Fill in what one can see through: at the edge, where a pixel is covered in part."""
    from matplotlib.image import imread, imsave

    pixels = imread(path)
    alpha = pixels[..., 3:]
    opaque = pixels[..., :3] * alpha + 1 - alpha
    imsave(path, opaque.clip(0, 1))


if __name__ == "__main__":
    main()
