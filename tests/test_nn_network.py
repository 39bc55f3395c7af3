"""The network: layout, names, randomness, saving and loading, and what it says to bad input."""

import os
import subprocess
import sys

import numpy as np
import pytest

import autograd_lite as ag
import nn


def network(**options):
    return nn.Network([2, 3, 1], activations=["tanh", "sigmoid"], rng=0, **options)


def test_the_two_batch_axes_are_the_same_network_transposed():
    columns, rows = network(batch_axis=1), network(batch_axis=0)
    assert columns.parameters()["W1"].shape == (3, 2)
    assert columns.parameters()["b1"].shape == (3, 1)
    assert rows.parameters()["W1"].shape == (2, 3)
    assert rows.parameters()["b1"].shape == (1, 3)
    X = np.random.default_rng(0).standard_normal((2, 5))
    np.testing.assert_array_equal(columns(X).numpy(), rows(X.T).numpy().T)


def test_the_arithmetic_is_that_of_the_documents():
    net, X = network(), np.random.default_rng(0).standard_normal((2, 5))
    net.set_parameters({"b1": [[0.1], [0.2], [0.3]], "b2": [[-0.5]]})
    P = {name: parameter.numpy() for name, parameter in net.parameters().items()}
    f = net.forward(X)
    Z1 = P["W1"] @ X + P["b1"]
    np.testing.assert_array_equal(f.Z[1].numpy(), Z1)
    np.testing.assert_array_equal(f.A[1].numpy(), np.tanh(Z1))
    np.testing.assert_array_equal(f.Z[2].numpy(), P["W2"] @ np.tanh(Z1) + P["b2"])
    np.testing.assert_array_equal(f.A[0].numpy(), X)


def test_every_tensor_carries_its_letter():
    f = nn.Network([2, 3, 1], ["identity", lambda Z: Z], rng=0).forward(np.ones((2, 1)))
    assert [t.name for t in f.Z.values()] == ["Z1", "Z2"]
    assert [t.name for t in f.A.values()] == ["X", "A1", "A2"]
    names = {layer: [t.name for t in tensors] for layer, tensors in f.layers.items()}
    assert names == {"layer 1": ["W1", "b1", "Z1", "A1"], "layer 2": ["W2", "b2", "Z2", "A2"]}
    with pytest.raises(KeyError):
        f.Z[0]


def test_the_same_rng_gives_the_same_network_to_the_bit():
    def values(rng):
        net = nn.Network([2, 3, 1], ["tanh", "sigmoid"], rng=rng)
        return [p.numpy() for p in net.parameters().values()]

    for first, second in zip(values(7), values(np.random.default_rng(7)), strict=True):
        np.testing.assert_array_equal(first, second)
    assert (values(7)[0] != values(8)[0]).all()


@pytest.mark.parametrize(
    ("initialiser", "deviation"),
    [("small", 0.01), ("glorot", (2 / 500) ** 0.5), ("he", (2 / 300) ** 0.5)],
)
def test_initialisers_have_their_deviation_and_biases_are_zero(initialiser, deviation):
    net = nn.Network([300, 200], ["tanh"], rng=0, initialiser=initialiser)
    W, b = net.parameters()["W1"].numpy(), net.parameters()["b1"].numpy()
    assert W.std() == pytest.approx(deviation, rel=0.02)
    assert abs(W.mean()) < 4 * deviation / W.size**0.5
    assert not b.any()


def test_an_initialiser_of_ones_own():
    net = nn.Network([2, 3], ["tanh"], initialiser=lambda rng, n_in, n_out: np.ones((n_out, n_in)))
    assert (net.parameters()["W1"].numpy() == 1).all()
    with pytest.raises(ValueError, match=r"returned \(2, 3\) for W1: .* \(3, 2\)"):
        nn.Network([2, 3], ["tanh"], initialiser=lambda rng, n_in, n_out: np.ones((n_in, n_out)))


@pytest.mark.parametrize("name", [*nn.activations.NAMES])
def test_activations_by_name_stay_float32_and_finite_at_1000(name):
    net = nn.Network([1, 2], [name], rng=0, dtype=np.float32)
    net.set_parameters({"W1": [[1000], [-1000]]})
    A = net([[1.0, 0.0]])
    assert A.dtype == np.float32
    assert np.isfinite(A.numpy()).all()


def test_softmax_is_over_the_classes_for_both_batch_axes():
    X = np.random.default_rng(0).standard_normal((2, 5))
    columns = nn.Network([2, 3], ["softmax"], rng=0)
    rows = nn.Network([2, 3], ["softmax"], rng=0, batch_axis=0)
    np.testing.assert_allclose(columns(X).numpy().sum(0), 1)
    np.testing.assert_allclose(rows(X.T).numpy().sum(1), 1)


def test_a_function_of_a_tensor_as_activation():
    net = nn.Network([2, 3], [lambda Z: Z * ag.sigmoid(Z)], rng=0)
    f = net.forward(np.ones((2, 4)))
    Z = f.Z[1].numpy()
    np.testing.assert_allclose(f.A[1].numpy(), Z / (1 + np.exp(-Z)))


def test_a_tensor_that_requires_a_gradient_gets_it():
    X = ag.Tensor(np.ones((2, 4)), requires_grad=True)
    f = network().forward(X)
    assert f.A[0] is X
    np.sum(f.A[2]).backward()
    assert X.grad.shape == (2, 4)
    assert X.name == "X"


def test_parameters_from_elsewhere():
    net, X = network(), np.ones((2, 4))
    values = {name: p.numpy() for name, p in net.parameters().items()}
    slopes = ag.grad(lambda P: np.sum(net.forward(X, P).A[2]))(values)
    np.sum(net(X)).backward()
    for name, parameter in net.parameters().items():
        np.testing.assert_array_equal(slopes[name], parameter.grad)


@pytest.mark.parametrize("batch_axis", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_save_and_load_to_the_bit(tmp_path, batch_axis, dtype):
    net, path = network(batch_axis=batch_axis, dtype=dtype), tmp_path / "net"
    net.save(path)
    assert os.listdir(tmp_path) == ["net"]
    again = nn.Network.load(path)
    assert repr(again) == repr(net)
    for name, parameter in net.parameters().items():
        np.testing.assert_array_equal(again.parameters()[name].numpy(), parameter.numpy())
        assert again.parameters()[name].dtype == dtype


def test_nothing_is_pickled(tmp_path):
    network().save(tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz", allow_pickle=False) as file:
        assert not any(file[name].dtype.hasobject for name in file.files)


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.npz"
    network().save(path)
    old = path.read_bytes()

    def half(file, **entries):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(OSError, match="no space"):
        network().save(path)
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["net.npz"]


def test_a_failed_save_names_the_users_file_alone(tmp_path):
    for path, error in (
        (tmp_path, IsADirectoryError),
        (tmp_path / "none" / "net.npz", FileNotFoundError),
    ):
        with pytest.raises(error) as raised:
            network().save(path)
        assert str(raised.value).endswith(f": '{path}'")
    assert not os.listdir(tmp_path)


def test_a_function_cannot_be_saved(tmp_path):
    net = nn.Network([2, 3, 1], [np.tanh, "sigmoid"], rng=0)
    with pytest.raises(ValueError, match="layer 1 is a function, and functions cannot be saved"):
        net.save(tmp_path / "net.npz")
    assert not os.listdir(tmp_path)


def test_load_of_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        nn.Network.load(tmp_path / "none.npz")


def test_load_of_truncated_and_damaged_files(tmp_path):
    path = tmp_path / "net.npz"
    network().save(path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"net\.npz is not a saved network"):
            nn.Network.load(path)
    at = whole.index(b"NUMPY") + 140  # inside the first array
    path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    with pytest.raises(ValueError, match=r"net\.npz is not a saved network"):
        nn.Network.load(path)


def foreign(path, **changes):
    """A saved network with some entries replaced (None: left out)."""
    network().save(path)
    with np.load(path) as file:
        entries = {**{name: file[name] for name in file.files}, **changes}
    with open(path, "wb") as file:
        np.savez(file, **{name: value for name, value in entries.items() if value is not None})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "something else"}, "format"),
        ({"format": None}, "no entry 'format'"),
        ({"sizes": np.array([2, 4, 1])}, r"W1 is \(3, 2\), which does not fit sizes \[2, 4, 1\]"),
        ({"sizes": np.array([2.5, 3, 1])}, "2.5 is not a whole number"),
        ({"activations": np.array(["tanh"])}, "1 activations"),
        ({"activations": np.array(["tanh", "evil"])}, "evil"),
        ({"batch_axis": np.array(2)}, "batch_axis=2"),
        ({"batch_axis": np.array([0, 1])}, "not a saved network"),
        ({"W2": None}, "it holds"),
        ({"W3": np.ones((1, 1))}, "it holds"),
        ({"W1": np.ones((3, 2), int)}, "not all of one dtype"),
        ({"W1": np.array([[None]])}, "not a saved network"),
    ],
    ids=str,
)
def test_load_of_foreign_files(tmp_path, changes, message):
    foreign(tmp_path / "net.npz", **changes)
    with pytest.raises(ValueError, match=message):
        nn.Network.load(tmp_path / "net.npz")


def test_load_of_a_single_array_and_of_text(tmp_path):
    np.save(tmp_path / "a.npy", np.ones(3))
    (tmp_path / "a.txt").write_text("hello")
    for name in ("a.npy", "a.txt"):
        with pytest.raises(ValueError, match=f"{name} is not a saved network"):
            nn.Network.load(tmp_path / name)


@pytest.mark.parametrize(
    ("sizes", "names", "message"),
    [
        ([2, 4, 1], ["tanh"], r"1 activations for sizes \[2, 4, 1\], which are 2 layers"),
        ([2, 4, 1], ["tanh"] * 3, "3 activations"),
        ([2], [], "at least one layer"),
        ([2, 0, 1], ["tanh"] * 2, "0 is not a whole number"),
        ([2, 1.5], ["tanh"], "1.5 is not a whole number"),
        ([2, True], ["tanh"], "True is not a whole number"),
        ([2, 1], ["tanhh"], "layer 1: no activation is called 'tanhh'; there are identity"),
        ([2, 1], [3], "no activation is called 3"),
    ],
)
def test_sizes_and_activations_that_do_not_fit(sizes, names, message):
    with pytest.raises(ValueError, match=message):
        nn.Network(sizes, names)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_axis": 2}, "batch_axis=2: 1 if samples are columns"),
        ({"dtype": np.float16}, "float64 or float32"),
        ({"dtype": int}, "float64 or float32"),
        ({"initialiser": "xavier"}, "no initialiser is called 'xavier'"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        network(**options)


def test_activations_as_one_string():
    with pytest.raises(TypeError, match="give a list"):
        nn.Network([2, 1], "tanh")


def test_sizes_as_one_number():
    with pytest.raises(TypeError, match=r"sizes=5: give a list"):
        nn.Network(5, ["tanh"])


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.ones((5, 2)), ValueError, r"X \(5, 2\): .* X is \(2, m\). X.T would fit"),
        (np.ones((5, 3)), ValueError, r"X \(5, 3\): .* X is \(2, m\).$"),
        (np.ones(2), ValueError, r"X \(2,\)"),
        ([[1], [2, 3]], ValueError, "X is ragged"),
        ([["a"], ["b"]], TypeError, "X has dtype <U1"),
        (np.ones((2, 1), complex), TypeError, "X has dtype complex"),
    ],
)
def test_samples_that_do_not_fit(X, error, message):
    with pytest.raises(error, match=message):
        network().forward(X)


def test_rows_that_do_not_fit():
    with pytest.raises(ValueError, match=r"batch_axis=0 X is \(m, 2\). X.T would fit"):
        network(batch_axis=0).forward(np.ones((2, 5)))


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"b1": np.ones((3, 1)), "W1": np.ones((2, 3))}, ValueError, r"W1.* \(3, 2\). W1.T would"),
        ({"b1": np.ones((3, 1)), "W9": 1}, KeyError, "no parameter is called 'W9'"),
        ({"b1": np.ones((3, 1)), "b2": [[np.nan]]}, ValueError, "b2 holds values that are not"),
        ({"b1": np.ones((3, 1)), "b2": [["x"]]}, TypeError, "b2 has dtype"),
    ],
)
def test_set_parameters_checks_all_before_it_sets_any(values, error, message):
    net = network()
    with pytest.raises(error, match=message):
        net.set_parameters(values)
    assert not net.parameters()["b1"].numpy().any()


@pytest.mark.parametrize(
    ("activation", "error", "message"),
    [
        (lambda Z: np.zeros(Z.shape), TypeError, "layer 1, <lambda>, returned ndarray"),
        (np.sum, ValueError, r"layer 1, sum, returned shape \(\) for Z1 \(3, 4\)"),
    ],
)
def test_an_activation_that_returns_something_else(activation, error, message):
    net = nn.Network([2, 3, 1], [activation, "sigmoid"], rng=0)
    with pytest.raises(error, match=message):
        net.forward(np.ones((2, 4)))


def test_import_nn_stays_light():
    code = (
        "import sys, nn; heavy = {'sklearn', 'matplotlib', 'rich', 'sympy', 'scipy', 'argparse'};"
        "print(sorted(heavy & {name.split('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_lazy_submodules_are_modules_on_every_use():
    for name in ("closed_form", "datasets", "plots"):
        assert getattr(nn, name) is getattr(nn, name) is sys.modules[f"nn.{name}"]
    assert callable(nn.fit)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        nn.nothing  # noqa: B018
