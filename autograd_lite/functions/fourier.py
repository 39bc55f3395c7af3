"""np.fft: what is real. A spectrum is complex, and a Tensor holds real numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import fft

from autograd_lite.errors import described
from autograd_lite.functions.forms import axes_of, handles
from autograd_lite.tensor import HANDLERS, constant


def _rolled(x: Any, axes: tuple[int, ...], back: bool) -> Any:
    """x with its halves exchanged along these axes; of an odd length the longer half is first."""
    for axis in axes:
        n = x.shape[axis]
        at = n // 2 if back else (n + 1) // 2
        before = (slice(None),) * axis
        x = np.concatenate([x[(*before, slice(at, n))], x[(*before, slice(0, at))]], axis=axis)
    return x


@handles(fft.fftshift)
def _np_fftshift(x: Any, axes: Any = None) -> Any:
    x = constant(x)
    return _rolled(x, axes_of(x, axes), back=False)


@handles(fft.ifftshift)
def _np_ifftshift(x: Any, axes: Any = None) -> Any:
    x = constant(x)
    return _rolled(x, axes_of(x, axes), back=True)


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
