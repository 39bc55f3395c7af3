"""The network: layout, names, randomness, saving and loading, and what it says to bad input."""

import io
import os
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zipfile
from contextlib import suppress

import numpy as np
import pytest
from builders import small_network, values

import autograd_lite as ag
import nn


def test_the_two_batch_axes_are_the_same_network_transposed():
    columns, rows = small_network([2, 3, 1], batch_axis=1), small_network([2, 3, 1], batch_axis=0)
    assert columns.parameters()["W1"].shape == (3, 2)
    assert columns.parameters()["b1"].shape == (3, 1)
    assert rows.parameters()["W1"].shape == (2, 3)
    assert rows.parameters()["b1"].shape == (1, 3)
    X = np.random.default_rng(0).standard_normal((2, 5))
    np.testing.assert_array_equal(columns(X).numpy(), rows(X.T).numpy().T)


def test_the_arithmetic_is_that_of_the_documents():
    net, X = small_network([2, 3, 1]), np.random.default_rng(0).standard_normal((2, 5))
    net.set_parameters({"b1": [[0.1], [0.2], [0.3]], "b2": [[-0.5]]})
    P = values(net)
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
    f = small_network([2, 3, 1]).forward(X)
    assert f.A[0] is X
    np.sum(f.A[2]).backward()
    assert X.grad.shape == (2, 4)
    assert X.name == "X"


def test_parameters_from_elsewhere():
    net, X = small_network([2, 3, 1]), np.ones((2, 4))
    values = {name: p.numpy() for name, p in net.parameters().items()}
    slopes = ag.grad(lambda P: np.sum(net.forward(X, P).A[2]))(values)
    np.sum(net(X)).backward()
    for name, parameter in net.parameters().items():
        np.testing.assert_array_equal(slopes[name], parameter.grad)


@pytest.mark.parametrize("batch_axis", [0, 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_save_and_load_to_the_bit(tmp_path, batch_axis, dtype):
    net, path = small_network([2, 3, 1], batch_axis=batch_axis, dtype=dtype), tmp_path / "net"
    net.save(path)
    assert os.listdir(tmp_path) == ["net"]
    again = nn.Network.load(path)
    assert repr(again) == repr(net)
    for name, parameter in net.parameters().items():
        np.testing.assert_array_equal(again.parameters()[name].numpy(), parameter.numpy())
        assert again.parameters()[name].dtype == dtype


def test_nothing_is_pickled(tmp_path):
    small_network([2, 3, 1]).save(tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz", allow_pickle=False) as file:
        assert not any(file[name].dtype.hasobject for name in file.files)


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.npz"
    small_network([2, 3, 1]).save(path)
    old = path.read_bytes()

    def half(file, **entries):
        file.write(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(OSError, match="no space"):
        small_network([2, 3, 1]).save(path)
    assert path.read_bytes() == old
    assert os.listdir(tmp_path) == ["net.npz"]


def test_a_failed_save_names_the_users_file_alone(tmp_path):
    for path, error in (
        (tmp_path, IsADirectoryError),
        (tmp_path / "none" / "net.npz", FileNotFoundError),
    ):
        with pytest.raises(error) as raised:
            small_network([2, 3, 1]).save(path)
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
    small_network([2, 3, 1]).save(path)
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
    small_network([2, 3, 1]).save(path)
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
        (
            {"W1": np.ones((3, 2), int), "b1": np.ones((3, 1), int)}
            | {"W2": np.ones((1, 3), int), "b2": np.ones((1, 1), int)},
            "net.npz is not a saved network: dtype int64: a network computes in float64 or",
        ),
        ({"W1": np.array([[None]])}, "dtype object"),
        ({"W1": np.full((3, 2), np.nan)}, "W1 holds values that are not finite"),
        ({"b1": np.full((3, 1), -np.inf)}, "b1 holds values that are not finite"),
        ({"W1": np.ones((3, 2), complex)}, "dtype complex128"),
        ({"W1": np.ones((3, 2), ">f8")}, "not all of one dtype"),
        ({"sizes": np.array([[2, 3, 1]])}, "not a whole number"),
        ({"sizes": np.array(3)}, "not a saved network"),
        ({"sizes": np.array([2, -3, 1])}, "not a whole number"),
        ({"sizes": np.array([2, 10**12, 1])}, "does not fit sizes"),
        ({"activations": np.array([["tanh", "sigmoid"]])}, "not a saved network"),
        ({"activations": np.array([1, 2])}, "no activation is called 1"),
        ({"batch_axis": np.array("x")}, "batch_axis='x'"),
    ],
    ids=str,
)
def test_load_of_foreign_files(tmp_path, changes, message):
    foreign(tmp_path / "net.npz", **changes)
    with pytest.raises(ValueError, match=message):
        nn.Network.load(tmp_path / "net.npz")


class Trap:
    """Pickled, it makes a directory when it is read again."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("name", ["format", "sizes", "activations", "batch_axis", "W1", "extra"])
def test_a_pickled_object_is_never_made(tmp_path, name):
    sprung = tmp_path / "sprung"
    foreign(tmp_path / "net.npz", **{name: np.array([Trap(sprung)], dtype=object)})
    with pytest.raises(ValueError, match="not a saved network"):
        nn.Network.load(tmp_path / "net.npz")
    assert not sprung.exists()
    with np.load(tmp_path / "net.npz", allow_pickle=True) as file, suppress(Exception):
        file[name]
    assert sprung.exists()  # the trap is one


def rebuilt(path, entries, compression=zipfile.ZIP_STORED):
    """A saved network, with the bytes of some entries replaced."""
    small_network([2, 3, 1]).save(path)
    with zipfile.ZipFile(path) as file:
        parts = {**{name: file.read(name) for name in file.namelist()}, **entries}
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, part in parts.items():
            file.writestr(name, part)


def npy(shape, values=b"", descr="<f8"):
    """An array as .npy that claims a shape."""
    file = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + values


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"W1.npy": npy((30_000, 30_000))}, r"W1 claims shape \(30000, 30000\), but has 0 bytes"),
        ({"sizes.npy": npy((10**12,), b"", "<i8")}, "sizes claims shape"),
        ({"format.npy": npy((), b"", "<U100000000")}, "format claims shape"),
        ({"W1.npy": npy((-3, -2), b"\0" * 48)}, r"claims shape \(-3, -2\)"),
        ({"W1.npy": npy((3, 2), b"\0" * 49)}, "but has 49 bytes"),
        ({"W1.npy": npy((3, 2), b"\0" * 47)}, "but has 47 bytes"),
        ({"W1.npy": npy((2**62, 4), b"")}, "claims shape"),
        ({"W1.npy": b"\x93NUMPY\x02\x00" + b"\xff" * 4 + b" " * 64}, "another version"),
        ({"W1.npy": b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535}, "not a saved network"),
        ({"W1.npy": b"\x93NUMPY\x01\x00\xff\x1f" + b"-" * 8190 + b"1"}, "not a saved network"),
        ({"W1.npy": b""}, "not a saved network"),
        ({"W1.txt": b"hello"}, "not a saved network"),
        ({"../W1.npy": npy((3, 2), b"\0" * 48)}, "it holds"),
        ({f"{'W' * 5000}.npy": npy((), b"\0" * 8)}, "…$"),
    ],
    ids=lambda x: next(iter(x))[:9] if isinstance(x, dict) else "",
)
def test_load_believes_no_claim(tmp_path, entries, message):
    rebuilt(tmp_path / "net.npz", entries)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=message) as raised:
            nn.Network.load(tmp_path / "net.npz")
        assert tracemalloc.get_traced_memory()[1] < 3e6
    finally:
        tracemalloc.stop()
    assert len(str(raised.value)) < len(f"{tmp_path / 'net.npz'} is not a saved network: ") + 201


def test_load_of_a_bomb(tmp_path):
    """Two kilobytes that ask for a gigabyte: compressed, and by entries that share their bytes."""
    path = tmp_path / "net.npz"
    for compression in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        rebuilt(path, {"W1.npy": npy((1000, 1000), bytes(8 * 10**6))}, compression)
        assert path.stat().st_size < 20_000
        with pytest.raises(ValueError, match="its entries are compressed"):
            nn.Network.load(path)
    rebuilt(path, {"W1.npy": npy((100, 100), bytes(80_000))})
    whole = path.read_bytes()
    directory = whole.index(b"PK\x01\x02")
    at = whole.index(b"W1.npy", directory) - 46
    entry = whole[at : at + 46 + len("W1.npy")]
    copies = b"".join(entry.replace(b"W1.npy", b"W%d.npy" % n) for n in range(3, 10))
    end = len(whole) - 22
    count = struct.unpack_from("<H", whole, end + 8)[0] + 7
    size = end - directory + len(copies)
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, size, directory, 0)
    path.write_bytes(whole[:end] + copies + tail)
    with pytest.raises(ValueError, match=f"claim more than the {path.stat().st_size} bytes"):
        nn.Network.load(path)


def test_load_of_any_damage_is_an_error_or_the_same_network(tmp_path):
    path, rng = tmp_path / "net.npz", np.random.default_rng(0)
    small_network([2, 3, 1]).save(path)
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's, about odd literals in a header
        for _ in range(500):
            damaged = whole.copy()
            damaged[rng.integers(len(whole), size=rng.integers(1, 4))] = rng.integers(256)
            path.write_bytes(damaged.tobytes())
            try:
                found = nn.Network.load(path)
            except ValueError as error:
                assert "not a saved network" in str(error)  # noqa: PT017
            else:
                assert found.sizes == [2, 3, 1]


def test_load_of_two_entries_of_one_name(tmp_path):
    small_network([2, 3, 1]).save(tmp_path / "net.npz")
    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "net.npz", "a") as file:
        warnings.simplefilter("ignore")
        file.writestr("W1.npy", npy((3, 2), b"\0" * 48))
    with pytest.raises(ValueError, match="two entries of one name"):
        nn.Network.load(tmp_path / "net.npz")


def test_more_than_memory_holds_names_the_file(tmp_path, monkeypatch):
    small_network([2, 3, 1]).save(tmp_path / "net.npz")
    monkeypatch.setattr(nn.archive.Archive, "array", lambda *_: (_ for _ in ()).throw(MemoryError))
    with pytest.raises(MemoryError, match=r"net\.npz holds more than this machine's memory"):
        nn.Network.load(tmp_path / "net.npz")


@pytest.mark.skipif(os.name != "posix", reason="FIFOs and devices of POSIX")
def test_load_of_what_is_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    writer = os.open(tmp_path / "fifo", os.O_RDWR)  # without one, opening it would wait
    for path in (tmp_path / "fifo", "/dev/zero"):
        with pytest.raises(OSError, match=f"Not a regular file: '{path}'"):
            nn.Network.load(path)
    os.close(writer)
    with pytest.raises(IsADirectoryError):
        nn.Network.load(tmp_path)


def test_what_load_would_refuse_is_not_saved(tmp_path):
    net = small_network([2, 3, 1])
    net.parameters()["b2"].data = [[np.inf]]
    with pytest.raises(ValueError, match="b2 holds values that are not finite"):
        net.save(tmp_path / "net.npz")
    assert not os.listdir(tmp_path)


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
        small_network([2, 3, 1], **options)


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
        small_network([2, 3, 1]).forward(X)


def test_rows_that_do_not_fit():
    with pytest.raises(ValueError, match=r"batch_axis=0 X is \(m, 2\). X.T would fit"):
        small_network([2, 3, 1], batch_axis=0).forward(np.ones((2, 5)))


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
    net = small_network([2, 3, 1])
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


def test_files_of_version_1_load_and_are_written_still(tmp_path):
    """What the first version wrote, entry by entry: it reads the files of today's, too."""
    rng = np.random.default_rng(0)
    entries = {
        "format": "autograd-lite network, version 1",
        "sizes": np.array([2, 3, 1]),
        "activations": np.array(["tanh", "sigmoid"]),
        "batch_axis": np.array(1),
        "W1": rng.normal(size=(3, 2)),
        "b1": rng.normal(size=(3, 1)),
        "W2": rng.normal(size=(1, 3)),
        "b2": rng.normal(size=(1, 1)),
    }
    np.savez(tmp_path / "old.npz", **entries)
    net = nn.Network.load(tmp_path / "old.npz")
    assert (net.classes, net.features) == (None, None)
    net.save(tmp_path / "new.npz")
    with np.load(tmp_path / "new.npz") as file:
        assert file.files == list(entries)
        for name, value in entries.items():
            np.testing.assert_array_equal(file[name], value)
            assert file[name].dtype == np.asarray(value).dtype
