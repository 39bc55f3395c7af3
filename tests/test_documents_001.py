"""Document 001: section 6, run."""

from dataclasses import replace

import numpy as np
import pytest

import nn
from nn import documents
from nn.documents import document_001 as module

WRONG = {
    "2.9": (r"\right](A^{(L-1)})^t", r"\right]A^{(L-1)}"),
    "2.12 (2)": (r"\partial A_{in}", r"\partial A_{jn}"),
    "3.12": (r"\frac{1}{N}", ""),
    "4.6": ("L-2", "L-1"),
    "5.2 Δ": ("H^{(l+1)}", r"\Delta^{(l+1)}"),
    "6.1": (r"\tanh", r"\sin"),
}


@pytest.mark.parametrize("label", WRONG)
def test_a_planted_mistake_is_found(label):
    entry = module.DOCUMENT.entry(label)
    printed = entry.reading.printed.replace(*WRONG[label])
    assert printed != entry.reading.printed
    entry = replace(entry, reading=replace(entry.reading, printed=printed))
    (found,) = documents.check(replace(module.DOCUMENT, entries=[entry]), np.random.default_rng(5))
    assert found.verdict in ("false", "undefined")
    assert found.drifted


def test_forward_pass_is_that_of_the_network_library():
    net = next(module.tanh_networks(np.random.default_rng(1), 3))
    v = documents.Pass(module.general_forward, net)
    theirs = nn.Network([2, net.n_h, 1], ["tanh", "sigmoid"])
    theirs.set_parameters({f"{x}{l}": getattr(net, x)[l] for x in "Wb" for l in (1, 2)})
    f = theirs.forward(net.X)
    np.testing.assert_allclose(v.Z[1], f.Z[1].data, rtol=1e-14)
    np.testing.assert_allclose(v.A[2], f.A[2].data, rtol=1e-14)
    J = nn.losses.binary_cross_entropy(f.A[2], net.T)
    assert float(v.J) == pytest.approx(J.item(), rel=1e-14)


def test_6_8_is_silent():
    """With two hidden units W⁽¹⁾ is square: the printed gradient is wrong, and of its shape."""
    entry = module.DOCUMENT.entry("6.8 W")
    (found,) = documents.check(replace(module.DOCUMENT, entries=[entry]))
    assert (found.verdict, found.silent) == ("misprint", True)
    assert "wrong" in found.shapes
    assert "nonconforming" in found.shapes


def test_procedure_by_hand_and_by_the_tape():
    run = module.run(rng=1, updates=300)
    assert run.updates == 300
    assert run.agrees
    assert run.loss[1] < run.loss[0]


def test_another_rate_by_hand_is_noticed():
    """The comparison of the trajectories can fail."""
    X, Y = nn.datasets.planar(40, rng=1)
    net = nn.Network([2, 4, 1], ["tanh", "sigmoid"], rng=1)
    start = documents.procedures.by_layer(net)
    by_hand = module.example_updates(*start, X, Y, 1.2 * (1 + 1e-9), 5)
    loss = nn.losses.binary_cross_entropy
    run = documents.procedures.beside_the_tape(
        "001", "another rate", by_hand, net, X, Y, loss, rate=1.2, epochs=5
    )
    assert not run.agrees
