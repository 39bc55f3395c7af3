"""Document 003: its network, run."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import nn
from nn import documents
from nn.documents import document_003 as module

WRONG = {
    "z1[1] (2)": ("+", "-"),
    "g[3W] (2)": ("^T", ""),
    "g[2a] (2)": ("^T", ""),
    "g[2z] (2)": (r"\circ", r"\cdot"),
    "∂ℒ/∂W2,1[2]": ("a_{2}", "a_{1}"),
    "∂ℒ/∂a1[1] (1)": (r"\partial z_{2}", r"\partial z_{1}"),
}


@pytest.mark.parametrize("label", WRONG)
def test_a_planted_mistake_is_found(label):
    entry = module.DOCUMENT.entry(label)
    printed = entry.reading.printed.replace(*WRONG[label])
    assert printed != entry.reading.printed
    entry = replace(entry, reading=replace(entry.reading, printed=printed))
    document = replace(module.DOCUMENT, entries=[entry])
    (found,) = documents.check(document, np.random.default_rng(5))
    assert found.verdict == "false"
    assert found.drifted


def its_network(rng):
    """The network 4-3-2-1 with random parameters and one sample."""
    rng, n = np.random.default_rng(rng), [4, 3, 2, 1]
    return SimpleNamespace(
        L=3, X=rng.normal(size=(1, 4)), y=np.ones((1, 1)),
        W={l: rng.normal(size=(n[l - 1], n[l])) for l in (1, 2, 3)},
        b={l: rng.normal(size=(1, n[l])) for l in (1, 2, 3)},
    )  # fmt: skip


def test_forward_pass_is_that_of_the_network_library():
    net = its_network(1)
    v = documents.Pass(module.row_forward, net)
    theirs = nn.Network([4, 3, 2, 1], ["sigmoid"] * 3, batch_axis=0)
    theirs.set_parameters({f"{x}{l}": getattr(net, x)[l] for x in "Wb" for l in (1, 2, 3)})
    f = theirs.forward(net.X)
    for l in (1, 2, 3):
        np.testing.assert_allclose(v.z[l], f.Z[l].data, rtol=1e-13)
        np.testing.assert_allclose(v.a[l], f.A[l].data, rtol=1e-13)


def test_numpy_says_nothing_about_the_bias_of_another_layer():
    """Why formulas are tried without broadcasting: z[3] with b[2] runs, and is no number at all."""
    net = its_network(2)
    a2 = np.full((1, 2), 0.5)
    assert (a2 @ net.W[3] + net.b[2]).shape == (1, 2)
    v = documents.Pass(module.row_forward, net)
    with pytest.raises(documents.NotConforming, match=r"\(1, 1\) \+ \(1, 2\)"):
        _ = v.a[2] @ v.W[3] + v.b[2]


def test_the_logistic_function_as_printed_is_not_between_0_and_1():
    z = np.array([-2.0, -0.5, 0.5, 2.0])
    printed, right = 1 / (1 - np.exp(-z)), 1 / (1 + np.exp(-z))
    assert not np.any((printed > 0) & (printed < 1))
    assert np.all((right > 0) & (right < 1))


def test_procedure_by_hand_and_by_the_tape():
    run = module.run(rng=1, epochs=3)
    assert run.updates == 3 * 150
    assert run.agrees
    assert run.loss[1] < run.loss[0]
