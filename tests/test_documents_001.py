"""Document 001: section 6, run."""

from dataclasses import replace

import numpy as np
import pytest

import nn
from nn import documents
from nn.documents import document_001 as module

WRONG = {
    "2.9": lambda v, l: module.H(v, l) @ v.A[l - 1],
    "2.12 (2)": lambda v, l: module.sums("in,in->n", v.d("J", f"A{l}"), module.slope(v, l)),
    "3.12": lambda v, l: v.A[l] - v.T,
    "4.6": lambda v, L: module.sums(
        "kn,ik,in,jn->ij", module.H(v, L), v.W[L], module.slope(v, L - 1), v.A[L - 2]
    ),
    "5.2 Δ": lambda v, l: v.W[l + 1].T @ module.Delta(v, l + 1),
    "6.6": lambda v, l: 1 / v.N * v.W[2].T @ (v.T - v.A[2]),
}


@pytest.mark.parametrize("label", WRONG)
def test_a_planted_mistake_is_found(label):
    entry = replace(module.DOCUMENT.entry(label), formula=WRONG[label])
    document = replace(module.DOCUMENT, entries=[entry])
    (found,) = documents.check(document, np.random.default_rng(5), networks=14)
    assert found.verdict == "false"
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


def test_networks_of_section_6_are_of_every_shape_that_matters():
    shapes = {(net.n_h, net.N) for net in module.tanh_networks(np.random.default_rng(0), 25)}
    assert len(shapes) == 25  # n_h = 2, where 6.8 is silent; n_h = N, where 6.4 is; N = 2, J_2
    assert {net.X.shape[0] for net in module.tanh_networks(np.random.default_rng(0), 5)} == {2}


def test_where_6_8_is_silent():
    """With two hidden units W⁽¹⁾ is square: the printed gradient is wrong, and of its shape."""
    document = replace(module.DOCUMENT, entries=[module.DOCUMENT.entry("6.8 W")])
    for n_h, silent in ((2, True), (4, False)):

        def only(rng, count, n_h=n_h):
            return (net for net in module.tanh_networks(rng, 5 * count) if net.n_h == n_h)

        entry = replace(
            document.entries[0], setting=documents.Setting(module.general_forward, only)
        )
        (found,) = documents.check(replace(document, entries=[entry]), networks=5)
        assert (found.verdict, found.silent) == ("misprint", silent)


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
