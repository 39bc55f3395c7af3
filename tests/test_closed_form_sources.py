"""Closed forms as functions of NumPy, PyTorch and JAX, against the known values."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import autograd_lite as ag
from benchmarks.known_derivatives import ALL, drawn, expected


@pytest.fixture(params=["numpy", "torch", "jax"])
def library(request):
    """The name of a library, and what makes an array its own, in double precision."""
    if request.param == "numpy":
        yield "numpy", np.asarray
    elif request.param == "torch":
        yield "torch", pytest.importorskip("torch").tensor
    else:
        jax = pytest.importorskip("jax")
        usual = jax.config.jax_enable_x64
        jax.config.update("jax_enable_x64", True)
        yield "jax", jax.numpy.asarray
        jax.config.update("jax_enable_x64", usual)


@functools.cache
def derived(n):
    """The closed form of a case, and values of its letters."""
    d = ag.derive(ALL[n].formula, ALL[n].wrt, **ALL[n].options)
    (form,) = d.forms.values()
    return form, drawn(ALL[n], d.shapes, np.random.default_rng(3))


def given(source, kind, values, array):
    """What a function gives for these values."""
    namespace = {}
    exec(source, namespace)
    f = namespace[kind]
    letters = f.__code__.co_varnames[: f.__code__.co_argcount]
    return np.asarray(f(**{k: array(np.asarray(values[k], dtype=float)) for k in letters}))


@pytest.mark.parametrize("n", range(len(ALL)), ids=[f"{c.formula} by {c.wrt}" for c in ALL])
def test_a_function_gives_the_known_value(n, library):
    name, array = library
    form, values = derived(n)
    found = given(form.source_in(name), form.kind, values, array)
    np.testing.assert_allclose(found, expected(ALL[n], values), rtol=1e-8, atol=1e-10)
    assert found.dtype == float


def test_a_change_in_a_function_is_found(library):
    name, array = library
    form, values = derived(0)
    source = form.source_in(name)
    wrong = source.replace("A.T", "A")
    assert wrong != source
    assert not np.allclose(given(wrong, form.kind, values, array), expected(ALL[0], values))
