"""Document 003: its network, run."""

from dataclasses import replace

import numpy as np
import pytest

import nn
from nn import documents
from nn.documents import document_003 as module

WRONG = {
    "z[1] (2)": lambda v, l: v.a[l - 1] @ v.W[l] - v.b[l],
    "g[3W] (2)": lambda v, l: v.a[l - 1] @ module.g_z(v, l),
    "g[2a] (2)": lambda v, l: module.g_z(v, l + 1) @ v.W[l + 1],
    "g[2z] (2)": lambda v, l: v.a[l] * (1 - v.a[l]) @ module.g_a(v, l),
    "∂ℒ/∂W2,1[2]": lambda v: module.at(v, "a1[1]") * module.d(v, "ℒ", "z1[2]"),
    "∂ℒ/∂a1[1] (1)": lambda v: module.at(v, "W1,1[2]") * module.d(v, "ℒ", "z1[2]"),
}


@pytest.mark.parametrize("label", WRONG)
def test_a_planted_mistake_is_found(label):
    entry = replace(module.DOCUMENT.entry(label), formula=WRONG[label])
    document = replace(module.DOCUMENT, entries=[entry])
    (found,) = documents.check(document, np.random.default_rng(5), networks=10)
    assert found.verdict == "false"
    assert found.drifted


def test_forward_pass_is_that_of_the_network_library():
    net = next(module.its_network(np.random.default_rng(1), 1))
    v = documents.Pass(module.row_forward, net)
    theirs = nn.Network([4, 3, 2, 1], ["sigmoid"] * 3, batch_axis=0)
    theirs.set_parameters({f"{x}{l}": getattr(net, x)[l] for x in "Wb" for l in (1, 2, 3)})
    f = theirs.forward(net.X)
    for l in (1, 2, 3):
        np.testing.assert_allclose(v.z[l], f.Z[l].data, rtol=1e-13)
        np.testing.assert_allclose(v.a[l], f.A[l].data, rtol=1e-13)


def test_numpy_says_nothing_about_the_bias_of_another_layer():
    """Why formulas are tried without broadcasting: z[3] with b[2] runs, and is no number at all."""
    net = next(module.its_network(np.random.default_rng(2), 1))
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


def test_an_element_that_is_not_there_is_undefined():
    v = documents.Pass(module.row_forward, next(module.its_network(np.random.default_rng(0), 1)))
    for name in ("b3[0]", "g[32]", "nothing", "b3"):
        with pytest.raises(documents.Undefined):
            module.at(v, name)


def test_latex_of_rows_columns_and_transposes():
    assert module.latex("W1[3]ᵀ a[2]") == "{W_{1}^{[3]}}^T a^{[2]}"
    assert module.latex("⟦a1[1]; a2[1]⟧") == (
        r"\begin{bmatrix}a_{1}^{[1]} \\ a_{2}^{[1]}\end{bmatrix}"
    )
    assert module.latex("⟦a1[1], a2[1]⟧") == (
        r"\begin{bmatrix}a_{1}^{[1]} & a_{2}^{[1]}\end{bmatrix}"
    )


def test_procedure_by_hand_and_by_the_tape():
    run = module.run(rng=1, epochs=3)
    assert run.updates == 3 * 150
    assert run.agrees
    assert run.loss[1] < run.loss[0]
