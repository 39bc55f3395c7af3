"""np.fft: what is real. A spectrum is complex, and a Tensor holds real numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import fft

from autograd_lite.errors import described
from autograd_lite.functions.forms import axes_of
from autograd_lite.tensor import HANDLERS, constant


def _shift(function: Callable[..., Any], way: int) -> None:
    """Exchange the halves along axes; of an odd length, the longer one comes first after it."""

    def handler(x: Any, axes: Any = None) -> Any:
        x = constant(x)
        axes = axes_of(x, axes)
        return np.roll(x, [way * (x.shape[k] // 2) for k in axes], axes)

    HANDLERS[function] = handler


_shift(fft.fftshift, 1)
_shift(fft.ifftshift, -1)


def _refuse_spectrum(function: Callable[..., Any]) -> None:
    name = f"np.fft.{function.__name__}"

    def handler(a: Any, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"{name} of {described(a)}: a spectrum is complex, and a Tensor holds real numbers. "
            "The transform is a product with constant matrices, so keep its two parts apart:\n"
            "    F = np.fft.rfft(np.eye(n), axis=0)\n"
            "    re, im = F.real @ x, F.imag @ x\n"
            "(re**2 + im**2 is the power; a filter in between is one real matrix, "
            "np.fft.irfft(H[:, None] * F, n, axis=0))"
        )

    HANDLERS[function] = handler


COMPLEX = [
    getattr(fft, f"{inverse}{kind}{dimensions}")
    for kind in ("fft", "rfft")
    for inverse in ("", "i")
    for dimensions in ("", "2", "n")
] + [fft.hfft, fft.ihfft]
for _transform in COMPLEX:
    _refuse_spectrum(_transform)
