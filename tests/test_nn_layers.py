"""Every layer: its gradients against a closed form and PyTorch, compiled, saved, and trained."""

from __future__ import annotations

import dataclasses
import json
import pickle

import numpy as np
import pytest
from builders import values

import autograd_lite as ag
import nn
from nn.layers import (
    Activation,
    BatchNormalization,
    Convolution,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    LayerNormalization,
    MaxPooling,
    MeanPooling,
)

M = 5  # samples


def over(A, axes, epsilon=1e-5):
    """Deviation and normalized values along some axes."""
    deviation = np.sqrt(A.var(axes, keepdims=True) + epsilon)
    return deviation, (A - A.mean(axes, keepdims=True)) / deviation


def normalization(axes_of):
    """The closed form of the notebook on layers: (G − mean G − N mean (G N)) / σ."""

    def backward(A, p, G):
        axes = axes_of(A)
        deviation, N = over(A, axes)
        mean = lambda a: a.mean(axes, keepdims=True)
        dN = G * p["scale"]
        like = tuple(i for i in range(A.ndim) if p["scale"].shape[i] == 1)
        return (dN - mean(dN) - N * mean(dN * N)) / deviation, {
            "scale": (G * N).sum(like, keepdims=True),
            "shift": G.sum(like, keepdims=True),
        }

    return backward


def windows(layer, A, stride, padding=0):
    """Of padded samples, every place and the part that is under the window there."""
    d = A.ndim - 2
    padded = np.pad(A, [(0, 0)] * 2 + [(padding, padding)] * d)
    places = np.ndindex(*[(n - layer.size) // stride + 1 for n in padded.shape[2:]])
    for place in places:
        at = tuple(slice(stride * i, stride * i + layer.size) for i in place)
        yield (slice(None), slice(None), *place), (slice(None), slice(None), *at), padded


def convolution(layer):
    """Each place on its own: ∂J/∂W adds g · window, ∂J/∂A adds g · W where the window was."""

    def backward(A, p, G):
        dW, dA = np.zeros_like(p["W"]), None
        for place, at, padded in windows(layer, A, layer.stride, layer.padding):
            dA = np.zeros_like(padded) if dA is None else dA
            g = G[place]
            dW += np.tensordot(g, padded[at], axes=(0, 0))
            dA[at] += np.tensordot(g, p["W"], axes=(1, 0))
        inner = tuple(slice(layer.padding, n - layer.padding) for n in dA.shape[2:])
        axes = (0, *range(2, A.ndim))
        return dA[(slice(None), slice(None), *inner)], {"W": dW, "b": G.sum(axes, keepdims=True)}

    return backward


def pooling(layer, share):
    def backward(A, p, G):
        dA = np.zeros_like(A)
        axes = tuple(range(2, A.ndim))
        for place, at, _ in windows(layer, A, layer.stride or layer.size):
            dA[at] += share(A[at], axes) * np.expand_dims(G[place], axes)
        return dA, {}

    return backward


def embedding(A, p, G):
    H = np.eye(len(p["W"]))[A.astype(int)]  # one-hot: the layer is H W
    return np.zeros_like(A), {"W": np.einsum("mlw,mfl->wf", H, G)}


ODD, STRIDED = Convolution(4, 3, stride=2, padding=1), Convolution(2, 2, stride=1)
OVERLAPPING = MaxPooling(3, stride=2)
# Each case: the layer, the shape of a sample, the closed form, and PyTorch's; samples are first.
CASES = {
    "dense": (
        Dense(3),
        (4,),
        lambda A, p, G: (G @ p["W"].T, {"W": A.T @ G, "b": G.sum(0, keepdims=True)}),
        lambda F, A, p: F.linear(A, p["W"].T, p["b"][0]),
    ),
    "dense with tanh": (
        Dense(3, "tanh"),
        (4,),
        lambda A, p, G: (
            (H := G * (1 - np.tanh(A @ p["W"] + p["b"]) ** 2)) @ p["W"].T,
            {"W": A.T @ H, "b": H.sum(0, keepdims=True)},
        ),
        lambda F, A, p: F.linear(A, p["W"].T, p["b"][0]).tanh(),
    ),
    "activation": (
        Activation("relu"),
        (2, 3),
        lambda A, p, G: (G * (A > 0), {}),
        lambda F, A, p: F.relu(A),
    ),
    "flatten": (
        Flatten(),
        (2, 3),
        lambda A, p, G: (G.reshape(A.shape), {}),
        lambda F, A, p: A.flatten(1),
    ),
    "batch normalization": (
        BatchNormalization(),
        (4,),
        normalization(lambda A: (0,)),
        lambda F, A, p: F.batch_norm(
            A, None, None, p["scale"][0], p["shift"][0], training=True, eps=1e-5
        ),
    ),
    "batch normalization of images": (
        BatchNormalization(),
        (3, 2, 4),
        normalization(lambda A: (0, 2, 3)),
        lambda F, A, p: F.batch_norm(
            A, None, None, p["scale"].flatten(), p["shift"].flatten(), training=True, eps=1e-5
        ),
    ),
    "layer normalization": (
        LayerNormalization(),
        (2, 3),
        normalization(lambda A: (1, 2)),
        lambda F, A, p: F.layer_norm(A, (2, 3), p["scale"][0], p["shift"][0]),
    ),
    "embedding": (
        Embedding(6, 3),
        (4,),
        embedding,
        lambda F, A, p: F.embedding(A.long(), p["W"]).transpose(1, 2) + 0 * A.sum(),
    ),
    "convolution of signals": (
        ODD,
        (2, 7),
        convolution(ODD),
        lambda F, A, p: F.conv1d(A, p["W"], p["b"].flatten(), stride=2, padding=1),
    ),
    "convolution of images": (
        ODD,
        (2, 7, 6),
        convolution(ODD),
        lambda F, A, p: F.conv2d(A, p["W"], p["b"].flatten(), stride=2, padding=1),
    ),
    "plain convolution": (
        STRIDED,
        (3, 4, 4),
        convolution(STRIDED),
        lambda F, A, p: F.conv2d(A, p["W"], p["b"].flatten()),
    ),
    "max pooling": (
        OVERLAPPING,
        (2, 7, 5),
        pooling(OVERLAPPING, lambda a, axes: a == a.max(axes, keepdims=True)),
        lambda F, A, p: F.max_pool2d(A, 3, stride=2),
    ),
    "mean pooling of signals": (
        MeanPooling(2),
        (3, 7),
        pooling(MeanPooling(2), lambda a, axes: np.full(a.shape, 1 / 2)),
        lambda F, A, p: F.avg_pool1d(A, 2),
    ),
}


def case(name, batch_axis, dtype=float):
    """A network of one layer with drawn parameters, samples, and what arrives at its output."""
    layer, shape, closed_form, judge = CASES[name]
    rng = np.random.default_rng(3)
    net = nn.Network([shape, layer], rng=0, batch_axis=batch_axis, dtype=dtype)
    for parameter in net.parameters().values():
        parameter.data = rng.normal(size=parameter.shape).astype(dtype)
    integers = isinstance(layer, Embedding)
    first = rng.integers(6, size=(M, *shape)) if integers else rng.normal(size=(M, *shape))
    A = np.moveaxis(first, 0, -batch_axis).astype(dtype)
    G = np.moveaxis(rng.normal(size=(M, *net.shapes[1])), 0, -batch_axis).astype(dtype)
    return net, A, G, closed_form, judge


def taped(net, A, G):
    """∂J/∂A and ∂J/∂p of J = Σ G ∘ output in training, and the output."""
    X = ag.Tensor(A, requires_grad=True, name="X")
    output = net.forward(X, training=np.random.default_rng(0)).output
    parameters = net.parameters()
    dA, *dp = ag.gradients(np.sum(output * G), [X, *parameters.values()])
    return output.numpy(), dA, dict(zip(parameters, dp, strict=True))


def samples_first(net, a, name=""):
    """An array of the network as it is with samples first; W of all but dense layers is alike."""
    if name.startswith("W"):
        return a.T if net.batch_axis == 1 and isinstance(net.layers[0], Dense) else a
    return np.moveaxis(a, -net.batch_axis, 0)


@pytest.mark.parametrize("batch_axis", [0, 1])
@pytest.mark.parametrize("name", CASES)
def test_gradients_are_those_of_the_closed_form(name, batch_axis):
    net, A, G, closed_form, _ = case(name, batch_axis)
    _, dA, dp = taped(net, A, G)
    p = {k[:-1]: samples_first(net, v, k) for k, v in values(net).items()}
    expected_A, expected = closed_form(samples_first(net, A), p, samples_first(net, G))
    np.testing.assert_allclose(samples_first(net, dA), expected_A, rtol=1e-10, atol=1e-12)
    assert {k[:-1] for k in dp} == set(expected)
    for k, d in dp.items():
        np.testing.assert_allclose(
            samples_first(net, d, k), expected[k[:-1]], rtol=1e-10, atol=1e-12
        )


@pytest.mark.parametrize("batch_axis", [0, 1])
@pytest.mark.parametrize("name", CASES)
def test_output_and_gradients_are_pytorchs(name, batch_axis):
    torch = pytest.importorskip("torch", reason="PyTorch is the judge here: pip install torch")
    net, A, G, _, judge = case(name, batch_axis)
    output, dA, dp = taped(net, A, G)
    theirs = torch.tensor(samples_first(net, A).copy(), requires_grad=True)
    p = {
        k: torch.tensor(samples_first(net, v, k).copy(), requires_grad=True)
        for k, v in values(net).items()
    }
    found = judge(torch.nn.functional, theirs, {k[:-1]: v for k, v in p.items()})
    (found * torch.tensor(samples_first(net, G).copy())).sum().backward()
    np.testing.assert_allclose(
        samples_first(net, output), found.detach().numpy(), rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(samples_first(net, dA), theirs.grad.numpy(), rtol=1e-9, atol=1e-11)
    for k, d in dp.items():
        np.testing.assert_allclose(
            samples_first(net, d, k), p[k].grad.numpy(), rtol=1e-9, atol=1e-11
        )


@pytest.mark.parametrize("name", CASES)
def test_float32_stays_float32(name):
    net, A, G, *_ = case(name, 1, np.float32)
    output, dA, dp = taped(net, A, G)
    assert {a.dtype for a in (output, dA, *dp.values())} == {np.dtype(np.float32)}


def test_every_layer_is_compared():
    assert {type(layer) for layer, *_ in CASES.values()} | {Dropout} == {
        *nn.layers.BY_NAME.values()
    }


def test_a_wrong_rule_would_be_seen(monkeypatch):
    """The comparison with the closed form fails if a layer computes something else."""
    right = BatchNormalization.forward

    def wrong(self, A, p, *rest):
        return right(self, A, {**p, "scale": p["scale"] * 1.001}, *rest)

    monkeypatch.setattr(BatchNormalization, "forward", wrong)
    with pytest.raises(AssertionError):
        test_gradients_are_those_of_the_closed_form("batch normalization", 1)


# Training and evaluation.


@pytest.mark.parametrize("batch_axis", [0, 1])
def test_dropout(batch_axis):
    shape = (4, 1000) if batch_axis == 1 else (1000, 4)
    net = nn.Network([4, Dropout(0.25)], batch_axis=batch_axis)
    X = np.ones(shape)
    np.testing.assert_array_equal(net(X).numpy(), X)  # after training nothing is dropped
    noise = net.noise(1000, np.random.default_rng(0))
    f = net.forward(X, training=noise)
    np.testing.assert_array_equal(f.output.numpy(), noise["noise1"])
    assert {*np.unique(noise["noise1"])} == {0, 1 / 0.75}
    assert np.mean(noise["noise1"] == 0) == pytest.approx(0.25, abs=0.03)  # 4000 draws: 4 sigma
    other = net.forward(X, training=np.random.default_rng(0))
    np.testing.assert_array_equal(other.output.numpy(), f.output.numpy())


@pytest.mark.parametrize("batch_axis", [0, 1])
@pytest.mark.parametrize("shape", [(3,), (3, 2, 2)])
def test_running_means_are_pytorchs(shape, batch_axis, rng):
    torch = pytest.importorskip("torch", reason="PyTorch is the judge here: pip install torch")
    net = nn.Network([shape, BatchNormalization(share=0.3)], batch_axis=batch_axis)
    judge = (torch.nn.BatchNorm1d if len(shape) == 1 else torch.nn.BatchNorm2d)(3, momentum=0.3)
    judge = judge.double()
    for _ in range(3):
        X = rng.normal(2, 3, size=(6, *shape))
        judge(torch.tensor(X))
        f = net.forward(np.moveaxis(X, 0, -batch_axis), training=rng)
        net.set_statistics(f.statistics)
    for name, theirs in (("mean1", judge.running_mean), ("variance1", judge.running_var)):
        np.testing.assert_allclose(net.statistics()[name].ravel(), theirs.numpy(), rtol=1e-12)
    judge.eval()
    found = net(np.moveaxis(X, 0, -batch_axis)).numpy()
    np.testing.assert_allclose(
        np.moveaxis(found, -batch_axis, 0), judge(torch.tensor(X)).detach().numpy(), rtol=1e-10
    )


def images(m=60, seed=0):
    """Noise with a bright row or column somewhere, samples first, and which of them it is."""
    rng = np.random.default_rng(seed)
    upright = rng.random(m) > 0.5
    pictures = 0.2 * rng.normal(size=(m, 1, 6, 6))
    for image, is_upright in zip(pictures[:, 0], upright, strict=True):
        (image.T if is_upright else image)[rng.integers(6)] += 1
    return pictures, np.where(upright, "column", "row")


def deep(batch_axis=0, dtype=float):
    """A network with a layer of nearly every kind."""
    layers = [
        Convolution(6, 3),
        BatchNormalization(),
        Activation("relu"),
        MaxPooling(2),
        Flatten(),
        LayerNormalization(),
        Dense(8, "tanh"),
        Dropout(0.2),
        Dense(1, "sigmoid"),
    ]
    return nn.Network([(1, 6, 6), *layers], rng=0, batch_axis=batch_axis, dtype=dtype)


def trained(net, compile=True, epochs=15, flat=False, **options):
    X, y = images()
    X = X.reshape(60, 36) if flat else X
    X = np.moveaxis(X, 0, -net.batch_axis)
    history = nn.fit(
        *(net, X, y, nn.losses.binary_cross_entropy, nn.optimizers.Adam(0.01), epochs, 20),
        **{"shuffle": True, "rng": 1, "compile": compile, **options},
    )
    return history, values(net) | net.statistics()


@pytest.mark.parametrize("dtype", [float, np.float32])
@pytest.mark.parametrize("batch_axis", [0, 1])
def test_a_deep_network_trains_alike_compiled_and_on_the_tape(batch_axis, dtype):
    ends = []
    for compile in (True, False):
        net = deep(batch_axis, dtype)
        history, arrays = trained(net, compile)
        assert history.compiled is compile
        assert {a.dtype for a in arrays.values()} == {np.dtype(dtype)}
        ends.append((history, arrays))
    # With samples last, images have their axes moved, and sums of them another order in memory. The
    # bias before the normalization, whose gradient is rounding alone, is then another one.
    rtol = 0 if batch_axis == 0 else 1e-9 if dtype is float else 1e-3
    np.testing.assert_allclose(ends[0][0].loss, ends[1][0].loss, rtol=rtol)
    for name, array in ends[0][1].items():
        if batch_axis == 0:
            np.testing.assert_array_equal(array, ends[1][1][name])
    assert np.abs(ends[0][1]["mean2"]).min() > 0  # measured


def test_it_learns_and_answers_for_new_images():
    net = deep()
    X, y = images(seed=1)
    history, _ = trained(net, epochs=60, validation=(X, y), patience=20)
    assert history.validation_metric[history.best - 1] > 0.9
    assert np.mean(net.predict(X) == y) == history.validation_metric[history.best - 1]
    assert np.mean(net.predict(X.reshape(60, 36)) == y) > 0.9  # flat


def test_flat_samples_are_the_same_samples():
    for batch_axis in (0, 1):
        _, shaped = trained(deep(batch_axis))
        _, flat = trained(deep(batch_axis), flat=True)
        for name, array in shaped.items():
            np.testing.assert_array_equal(array, flat[name])


def test_dropout_needs_a_seed_and_a_diverged_training_draws_again():
    with pytest.raises(ValueError, match="dropout draws what it leaves out: give rng="):
        trained(deep(), rng=None, shuffle=False)
    found = []
    for compile in (True, False):
        net = nn.Network([36, Dense(4), Dropout(0.5), Dense(1)], rng=0, batch_axis=0)
        X, y = images()
        with pytest.raises(nn.Diverged) as caught:
            nn.fit(
                *(net, X.reshape(60, 36), (y == "row") * 1.0, nn.losses.half_squared_error),
                *(nn.optimizers.GradientDescent(1e30), 20, 10),
                rng=3,
                compile=compile,
            )
        found.append((str(caught.value), values(net)["W1"].tolist()))
    assert found[0] == found[1]


def test_sentences():
    rng = np.random.default_rng(0)
    X = rng.integers(12, size=(80, 6))
    y = (X == 3).any(axis=1).astype(int)  # does the word 3 occur?
    net = nn.Network(
        [6, Embedding(12, 4), Convolution(5, 1, "relu"), MaxPooling(6), Flatten(), Dense(2)],
        rng=0,
        batch_axis=0,
    )
    loss = nn.losses.cross_entropy_with_logits
    history = nn.fit(net, X, y, loss, nn.optimizers.Adam(0.02), 150, 20)
    assert history.compiled
    assert history.metric[-1] > 0.95
    np.testing.assert_allclose(net.predict(X, probabilities=True).sum(1), 1)
    for wrong in (12, -1, 0.5):
        with pytest.raises(ValueError, match="layer 1: .*: words are whole numbers from 0 to 11"):
            net.predict(np.full((1, 6), wrong))


# Building, saving, drawing, deriving.


def test_the_list_of_sizes_is_a_list_of_layers():
    sizes = nn.Network([2, 4, 1], ["tanh", "sigmoid"], rng=0)
    layers = nn.Network([2, Dense(4, "tanh"), Dense(1, "sigmoid")], rng=0)
    assert repr(sizes) == repr(layers)
    for name, value in values(sizes).items():
        np.testing.assert_array_equal(values(layers)[name], value)


SETTINGS = {"activation": "tanh", "share": 0.25, "epsilon": 0.5}  # the others are whole numbers


def layers_of_one_setting_each():
    """Every layer with its defaults, and with one setting that is not the default."""
    for kind in nn.layers.BY_NAME.values():
        fields = {f.name: f.default is dataclasses.MISSING for f in dataclasses.fields(kind)}
        needed = {name: SETTINGS.get(name, 3) for name, has_none in fields.items() if has_none}
        yield kind(**needed)
        for name in fields:
            yield kind(**needed | {name: SETTINGS.get(name, 2)})


@pytest.mark.parametrize("layer", [*layers_of_one_setting_each()], ids=repr)
def test_what_is_shown_of_a_layer_makes_the_same_layer(layer):
    assert eval(repr(layer), vars(nn.layers)) == layer


@pytest.mark.parametrize("whole", [np.int64, np.int32, np.uint8])
@pytest.mark.parametrize("real", [np.float64, np.float32])
def test_numpys_numbers_are_pythons_in_a_layer(tmp_path, whole, real):
    def made(whole, real):
        layers = [Convolution(whole(20), whole(1), stride=whole(1)), Dropout(real(0.5)), Flatten()]
        layers += [LayerNormalization(real(0.25)), Dense(whole(2))]
        return nn.Network([(whole(2), whole(20)), *layers], rng=0, dtype=np.float32)

    net, plain = made(whole, real), made(int, float)
    assert repr(net) == repr(plain)
    net.save(tmp_path / "net.npz")
    X = np.ones((2, 20, 3))
    for same in (net, nn.Network.load(tmp_path / "net.npz")):
        assert same(X).dtype == np.float32
        np.testing.assert_array_equal(same(X).numpy(), plain(X).numpy())


def test_a_network_without_parameters_is_saved(tmp_path):
    net = nn.Network([(2, 4), MaxPooling(2), Flatten(), Dropout(0.5)])
    net.features = [f"x{i}" for i in range(8)]
    net.save(tmp_path / "net.npz")
    again = nn.Network.load(tmp_path / "net.npz")
    assert (repr(again), again.features) == (repr(net), net.features)
    X = np.arange(16.0).reshape(2, 4, 2)
    np.testing.assert_array_equal(again(X).numpy(), net(X).numpy())


@pytest.mark.parametrize("batch_axis", [0, 1])
def test_saved_and_loaded_to_the_bit(tmp_path, batch_axis):
    net = deep(batch_axis, np.float32)
    trained(net)
    net.save(tmp_path / "net.npz")
    again = nn.Network.load(tmp_path / "net.npz")
    assert repr(again) == repr(net)
    assert again.classes == ["column", "row"]
    for name, array in (values(net) | net.statistics()).items():
        np.testing.assert_array_equal((values(again) | again.statistics())[name], array)
    X = np.moveaxis(images()[0], 0, -batch_axis)
    np.testing.assert_array_equal(again(X).numpy(), net(X).numpy())
    copied = pickle.loads(pickle.dumps(net.layers))
    assert copied == net.layers


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: [*d[:1], ["Evil", {}]], "no layer is called 'Evil'"),
        (lambda d: [*d[:1], ["Dense", {"units": -1}]], "units=-1"),
        (lambda d: [*d[:1], ["Dense", {"units": 3, "activation": "evil"}]], "called 'evil'"),
        (lambda d: [*d[:1], ["Dropout", {"chance": 3}]], "chance"),
        (lambda d: [["x"], *d[1:]], "the first entry is"),
        (lambda d: d[:-1], "it holds"),
        (lambda d: [[1, 10**6, 10**6], *d[1:]], "does not fit"),
        (lambda d: {}, "not a saved network"),
    ],
)
def test_load_of_foreign_layers(tmp_path, change, message):
    net = nn.Network([(1, 4, 4), Convolution(2, 3), Flatten(), Dense(1)], rng=0)
    net.save(tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz") as file:
        entries = {name: file[name] for name in file.files}
    entries["layers"] = np.array(json.dumps(change(json.loads(entries["layers"].item()))))
    np.savez(tmp_path / "net.npz", **entries)
    with pytest.raises(ValueError, match=message):
        nn.Network.load(tmp_path / "net.npz")


def test_a_layer_of_ones_own():
    class Doubled(Layer):
        def forward(self, A, p, batch_axis, l, training):
            return None, A * 2, {}

    net = nn.Network([2, Doubled(), Dense(1, "sigmoid")], rng=0)
    X, Y = nn.datasets.planar(40)
    history = nn.fit(net, X, Y, nn.losses.binary_cross_entropy, nn.optimizers.Adam(), epochs=40)
    assert history.learned
    assert history.compiled
    options = {"epochs": 40, "callbacks": [lambda epoch, history: False]}  # it might change it
    history = nn.fit(net, X, Y, nn.losses.binary_cross_entropy, nn.optimizers.Adam(), **options)
    assert not history.compiled
    with pytest.raises(ValueError, match=r"layer 1, Doubled\(\), is of your own"):
        net.save("net.npz")


def test_drawing_deriving_and_comparing_work_with_layers():
    net = nn.Network([2, Dense(3, "tanh"), LayerNormalization(), Dense(1, "sigmoid")], rng=0)
    X, Y = nn.datasets.planar(20)
    f = net.forward(X, training=np.random.default_rng(0))
    J = nn.losses.binary_cross_entropy(f.output, Y)
    assert "layer 2" in ag.draw(J, groups=f.layers).source
    assert "∂J/∂W3" in str(ag.derive(J))
    gradients = ag.gradients(J, list(net.parameters().values()))
    named = dict(zip(net.parameters(), gradients, strict=True))
    assert str(ag.compare(J, named)).count("agrees") == 6
    named["shift2"] = 2 * named["shift2"]
    assert "shift2   (3, 1)  differs" in str(ag.compare(J, named))


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([2, 4], TypeError, r"sizes \[2, 4\] need activations="),
        ([(2, 3), Dense(1)], ValueError, r"layer 1: Dense\(1\) takes features.*put Flatten\(\)"),
        ([4, Convolution(1, 2)], ValueError, r"layer 1: .* takes samples \(channels, length\)"),
        ([(1, 4), Convolution(1, 5)], ValueError, "smaller than its window of 5"),
        ([(1, 4), MaxPooling(5)], ValueError, "smaller than its window of 5"),
        ([2, Dense(1), 3], TypeError, "layer 2 is 3: give one of nn.layers"),
        ([Dense(1), Dense(1)], ValueError, "the first entry is Dense"),
        ([(0,), Dense(1)], ValueError, "the first entry is"),
    ],
)
def test_layers_that_do_not_fit(given, error, message):
    with pytest.raises(error, match=message):
        nn.Network(given)
    with pytest.raises(TypeError, match="leave out activations="):
        nn.Network([2, Dense(1)], ["tanh"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(0), "units=0: it must be a whole number, 1 or more"),
        (lambda: Dense(2, "tanhh"), "no activation is called 'tanhh'"),
        (lambda: Dropout(1.0), "share=1.0: it must be at least 0 and less than 1"),
        (lambda: Dropout(True), "share=True: it must be at least 0 and less than 1"),
        (lambda: Dropout("half"), "share='half': it must be at least 0 and less than 1"),
        (lambda: Dense(np.bool_(True)), "units=np.True_: it must be a whole number, 1 or more"),
        (lambda: Dense(-(10**5000)), "units=a number of type int: it must be a whole number"),
        (lambda: Convolution(1, 3, stride=0), "stride=0"),
        (lambda: Convolution(1, 3, padding=-1), "padding=-1: .* 0 or more"),
        (lambda: MaxPooling(2, stride=0), "stride=0"),
        (lambda: Embedding(0, 2), "words=0"),
        (lambda: BatchNormalization(epsilon=-1), "epsilon=-1"),
    ],
)
def test_bad_options_of_layers(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_batch_of_one_cannot_be_normalized():
    net = nn.Network([2, BatchNormalization(), Dense(1)], rng=0)
    with pytest.raises(ValueError, match="layer 1 normalizes over a batch of one value"):
        nn.fit(
            *(net, np.ones((2, 3)), np.ones((1, 3)), nn.losses.half_squared_error),
            *(nn.optimizers.Adam(), 1, 1),
        )


def test_images_of_another_shape():
    net = deep()
    for X in (np.ones((5, 1, 6, 7)), np.ones((5, 35)), np.ones(36)):
        with pytest.raises(ValueError, match=r"1 × 6 × 6 inputs, .* X is \(m, 1, 6, 6\)"):
            net(X)
