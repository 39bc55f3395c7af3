"""How the numbers of an array may lie in memory. Each way is an expression of NumPy's."""

from __future__ import annotations

import numpy as np

LAYOUTS = {  # {0} is an array that lies in rows, {1} its shape, {2} its dtype
    "rows": "{0}",
    "columns": "np.asfortranarray({0})",
    "axes turned": "np.moveaxis(np.moveaxis({0}, 0, -1).copy(), -1, 0)",
    "every second": "np.repeat({0}, 2, -1)[..., ::2]",
    "backwards": "np.flip(np.flip({0}).copy())",
    "stretched": "np.broadcast_to({0}[:1], {1})",  # read-only; the others become like the first
    "unaligned": "np.frombuffer(bytearray(b'?' + {0}.tobytes()), np.{2}, offset=1).reshape({1})",
    "other byte order": "np.asarray({0}, np.dtype(np.{2}).newbyteorder())",
}
OF_NUMBERS = ("unaligned", "other byte order")  # a number, of no axes, may lie so as well


def written(array: str, x: np.ndarray, layout: str) -> str:
    """The Python for an array that lies in this way, from that for one like x in rows."""
    if not x.size or not (x.ndim or layout in OF_NUMBERS):
        layout = "rows"
    return LAYOUTS[layout].format(array, x.shape, x.dtype.name)


def lying(x: np.ndarray, layout: str) -> np.ndarray:
    """A new array of the numbers in x that lies in this way, as far as one of its shape can."""
    x = np.array(x, x.dtype.name, order="C")
    y: np.ndarray = eval(written("x", x, layout), {"np": np, "x": x})
    return y


def layout_of(x: np.ndarray) -> str:
    """The way in which an array lies; that of `lying` if it made it."""
    steps = [step for step, n in zip(x.strides, x.shape, strict=True) if n > 1]
    low, high = np.lib.array_utils.byte_bounds(x)
    found = {
        "other byte order": not x.dtype.isnative,
        "unaligned": not x.flags.aligned,
        "stretched": 0 in steps,
        "backwards": min(steps, default=0) < 0,
        "rows": x.flags.c_contiguous,
        "columns": x.flags.f_contiguous,
        "axes turned": high - low == x.nbytes,
    }
    return next((layout for layout, so in found.items() if so), "every second")
