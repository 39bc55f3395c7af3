"""np.fft on Tensors: shifts, and the refusal of what is complex."""

from __future__ import annotations

import numpy as np
import pytest
from builders import normal

import autograd_lite as ag
from autograd_lite.functions import fourier


@pytest.mark.parametrize("axes", [None, 0, -1, (0, 1), (1,)])
@pytest.mark.parametrize("f", [np.fft.fftshift, np.fft.ifftshift])
@pytest.mark.parametrize("shape", [(3, 4), (4, 5), (1, 2), (2, 0)])
def test_shifts(f, axes, shape):
    x = normal(*shape)
    np.testing.assert_array_equal(f(ag.Tensor(x), axes).data, f(x, axes=axes))
    if x.size:
        ag.check_gradients(lambda x: f(x, axes=axes), x)


def test_what_is_complex_is_refused_and_what_is_said_works():
    x = normal(6)
    for f in fourier.COMPLEX:
        with pytest.raises(TypeError, match=rf"np\.fft\.{f.__name__} of x \(6,\).*complex"):
            f(ag.Tensor(x, name="x"))
    names = {n for n in dir(np.fft) if n.rstrip("2n").endswith("fft") and n[0] != "_"}
    assert {f.__name__ for f in fourier.COMPLEX} == names
    F, H, n = np.fft.rfft(np.eye(6), axis=0), normal(4, seed=1), 6
    t = ag.Tensor(x)
    re, im = F.real @ t, F.imag @ t
    np.testing.assert_allclose((re**2 + im**2).data, np.abs(np.fft.rfft(x)) ** 2)
    filtered = np.fft.irfft(H[:, None] * F, n, axis=0) @ t
    np.testing.assert_allclose(filtered.data, np.fft.irfft(H * np.fft.rfft(x), n))


def test_frequencies_are_numbers():
    assert np.fft.rfftfreq(4).tolist() == [0, 0.25, 0.5]
