"""Losses against PyTorch, central differences at first and second order, and bad labels."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import autograd_lite as ag
import nn

LOSSES = nn.losses.BY_NAME.values()


def sample(loss, seed=0, batch_axis=1):
    """An output well inside the range, and soft labels, that sum to 1 where they must."""
    rng = np.random.default_rng(seed)
    n = 3 * loss.parts
    A = rng.normal(0, 2, (n, 5)) if loss.takes_logits else rng.uniform(0.05, 0.95, (n, 5))
    Y = rng.uniform(0.05, 0.95, (3, 5))
    Y = Y / Y.sum(0) if loss.one_of_many else Y
    return (A, Y) if batch_axis == 1 else (A.T.copy(), Y.T.copy())


def wide(loss, A):
    """As many outputs as the loss takes for labels of A's shape."""
    return np.concatenate([A] * loss.parts)


def slopes(loss, A, Y, **options):
    """∂J/∂A and ∂J/∂Y."""
    A, Y = ag.Tensor(A, requires_grad=True), ag.Tensor(Y, requires_grad=True)
    return ag.gradients(loss(A, Y, **options), [A, Y])


def central(f, x, change, h=1e-5):
    return (f(x + h * change) - f(x - h * change)) / (2 * h)


@pytest.mark.parametrize("options", [{}, {"reduction": "sum"}, {"batch_axis": 0}], ids=str)
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_first_derivatives_are_central_differences(loss, options):
    A, Y = sample(loss, batch_axis=options.get("batch_axis", 1))
    dA, dY = slopes(loss, A, Y, **options)
    rng = np.random.default_rng(1)
    u, v = rng.standard_normal(A.shape), rng.standard_normal(Y.shape)
    by_A = central(lambda A: loss(A, Y, **options).item(), A, u)
    by_Y = central(lambda Y: loss(A, Y, **options).item(), Y, v / 100)
    assert np.sum(dA * u) == pytest.approx(by_A, rel=1e-6)
    assert np.sum(dY * v / 100) == pytest.approx(by_Y, rel=1e-6)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_second_derivatives_are_central_differences_of_the_first(loss):
    A0, Y0 = sample(loss)
    A, Y = ag.Tensor(A0, requires_grad=True), ag.Tensor(Y0, requires_grad=True)
    rng = np.random.default_rng(2)
    u, v, s, t = (rng.standard_normal(x.shape) / 10 for x in (A, Y, A, Y))
    dA, dY = ag.gradients(loss(A, Y), [A, Y], create_graph=True)
    total = np.sum(dA * u) + np.sum(dY * v)
    ddA, ddY = ag.gradients(total, [A, Y])

    def first(h):
        dA, dY = slopes(loss, A0 + h * s, Y0 + h * t)
        return np.sum(dA * u) + np.sum(dY * v)

    assert np.sum(ddA * s) + np.sum(ddY * t) == pytest.approx(
        (first(1e-5) - first(-1e-5)) / 2e-5, rel=1e-6
    )


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_rows_are_columns_transposed(loss):
    A, Y = sample(loss)
    assert loss(A, Y).item() == pytest.approx(loss(A.T, Y.T, batch_axis=0).item(), rel=1e-14)
    for columns, rows in zip(slopes(loss, A, Y), slopes(loss, A.T, Y.T, batch_axis=0), strict=True):
        np.testing.assert_allclose(columns, rows.T, rtol=1e-13)


def torch_cost(torch, name, A, Y):
    """The same cost, mean over samples, in PyTorch; A and Y are (samples, outputs)."""
    F, m = torch.nn.functional, len(Y)
    return {
        "half_squared_error": lambda: F.mse_loss(A, Y, reduction="sum") / 2 / m,
        "binary_cross_entropy": lambda: F.binary_cross_entropy(A, Y, reduction="sum") / m,
        "binary_cross_entropy_with_logits": lambda: (
            F.binary_cross_entropy_with_logits(A, Y, reduction="sum") / m
        ),
        "cross_entropy": lambda: -(Y * torch.log(A)).sum() / m,
        "cross_entropy_with_logits": lambda: F.cross_entropy(A, Y, reduction="sum") / m,
        "huber": lambda: F.huber_loss(A, Y, reduction="sum") / m,
        "hinge": lambda: F.relu(1 - (2 * Y - 1) * A).sum() / m,
        "gaussian": lambda: (
            F.gaussian_nll_loss(A[:, :3], Y, A[:, 3:].exp(), eps=0, reduction="sum") / m
        ),
    }[name]()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_agrees_with_pytorch(loss, dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is the judge here: pip install torch")
    A, Y = (part.astype(dtype) for part in sample(loss, batch_axis=0))
    theirs = torch.tensor(A, requires_grad=True)
    cost = torch_cost(torch, loss.__name__, theirs, torch.tensor(Y))
    cost.backward()
    rtol = 1e-12 if dtype == np.float64 else 1e-5
    ours = ag.Tensor(A, requires_grad=True)
    J = loss(ours, Y, batch_axis=0)
    (dA,) = ag.gradients(J, [ours])
    assert J.dtype == dA.dtype == dtype
    assert J.item() == pytest.approx(cost.item(), rel=rtol)
    np.testing.assert_allclose(dA, theirs.grad.numpy(), rtol=rtol, atol=rtol / 10)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_binary_cross_entropy_at_saturation_is_pytorchs(dtype):
    torch = pytest.importorskip("torch", reason="PyTorch is the judge here: pip install torch")
    A = np.array([[0, 0, 1, 1, 1e-30, 1e-13, 0.5]], dtype)
    Y = np.array([[0, 1, 0, 1, 1, 1, 0.3]], dtype)
    theirs = torch.tensor(A, requires_grad=True)
    cost = torch.nn.functional.binary_cross_entropy(theirs, torch.tensor(Y))
    cost.backward()
    ours = ag.Tensor(A, requires_grad=True)
    J = nn.losses.binary_cross_entropy(ours, Y)
    (dA,) = ag.gradients(J, [ours])
    assert J.item() == pytest.approx(cost.item(), rel=1e-6)
    np.testing.assert_allclose(dA, theirs.grad.numpy(), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_wholly_wrong_saturated_output_costs_100_and_teaches_nothing(dtype):
    Z = ag.Tensor(np.array([[-1000, 1000]], dtype), requires_grad=True)
    J = nn.losses.binary_cross_entropy(ag.sigmoid(Z), [[1, 0]])
    (dZ,) = ag.gradients(J, [Z])
    assert J.item() == 100
    np.testing.assert_array_equal(dZ, [[0, 0]])
    Z = ag.Tensor(np.array([[-1000], [1000]], dtype), requires_grad=True)
    J = nn.losses.cross_entropy(ag.softmax(Z, axis=0), [[1], [0]])
    (dZ,) = ag.gradients(J, [Z])
    assert J.item() == 100
    np.testing.assert_array_equal(dZ, [[0], [0]])


def test_small_probabilities_have_their_slope_down_to_1e_12():
    A = np.array([[1e-10, 1e-11, 1e-12, 1e-13]])
    for loss in (nn.losses.cross_entropy, nn.losses.binary_cross_entropy):
        dA, _ = slopes(loss, A, np.ones_like(A))
        np.testing.assert_allclose(dA, [[-1e10 / 4, -1e11 / 4, -1e12 / 4, -1e12 / 4]], rtol=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_logit_forms_are_exact_at_1000(dtype):
    Z = ag.Tensor(np.array([[-1000, 1000, 1000, -1000]], dtype), requires_grad=True)
    J = nn.losses.binary_cross_entropy_with_logits(Z, [[1, 0, 1, 0]])
    (dZ,) = ag.gradients(J, [Z])
    assert J.item() == 500
    np.testing.assert_array_equal(dZ, [[-0.25, 0.25, 0, 0]])
    Z = ag.Tensor(np.array([[-1000, 1000], [1000, -1000]], dtype), requires_grad=True)
    J = nn.losses.cross_entropy_with_logits(Z, [[1, 1], [0, 0]])
    (dZ,) = ag.gradients(J, [Z])
    assert J.item() == 1000
    np.testing.assert_array_equal(dZ, [[-0.5, 0], [0.5, 0]])


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_nothing_warns_and_nothing_is_nan_anywhere(loss):
    edges = [0, 1e-300, 1e-45, 0.5, 1 - 1e-16, 1]
    outputs = [-1000, -1, 0, 1, 1000, 30] if loss.takes_logits else edges
    for dtype in (np.float64, np.float32):
        for y in (0, 0.5, 1):
            A = np.array([outputs, outputs[::-1]], dtype)
            A = ag.Tensor(wide(loss, A), requires_grad=True)
            labels = np.repeat([[y], [1 - y]], len(outputs), axis=1).astype(dtype)
            Y = ag.Tensor(labels, requires_grad=True)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                J = loss(A, Y)
                dA, dY = ag.gradients(J, [A, Y])
            assert np.isfinite(J.item())
            assert np.isfinite(dA).all()
            assert np.isfinite(dY).all()


def test_the_mean_is_over_samples_not_over_outputs():
    A, Y = np.ones((2, 3)), np.zeros((2, 3))
    assert nn.losses.half_squared_error(A, Y).item() == 1.0
    assert nn.losses.half_squared_error(A, Y, batch_axis=0).item() == 1.5
    assert nn.losses.half_squared_error(A, Y, reduction="sum").item() == 3.0


def test_the_names_are_J_and_Y():
    A, Y = ag.Tensor([[0.5]], requires_grad=True, name="A2"), ag.Tensor([[1.0]])
    J = nn.losses.binary_cross_entropy(A, Y)
    assert (J.name, Y.name, J.shape) == ("J", "Y", ())
    assert nn.losses.half_squared_error([[1.0]], [[2]]).name == "J"


def test_accuracy_reads_an_output_as_the_loss_does():
    bce, logits = nn.losses.binary_cross_entropy, nn.losses.binary_cross_entropy_with_logits
    Y = np.array([[1, 1, 0, 0]])
    assert bce.accuracy(np.array([[0.6, 0.4, 0.6, 0.4]]), Y) == 0.5
    assert logits.accuracy(np.array([[0.4, 0.2, -0.1, 0.1]]), Y) == 0.75
    assert bce.accuracy(np.array([[0.6, 0.4]]), np.array([[1, 0]])) == 1
    assert bce.accuracy(np.full((1, 4), 0.5), np.zeros((1, 4))) == 1  # a yes lies above
    assert bce.accuracy(np.array([[0.6, 0.6]]), np.array([[0.3, 0.7]])) == 0.5
    ce, one_hot = nn.losses.cross_entropy, np.eye(3)
    assert ce.accuracy(one_hot[:, [0, 1, 1]], one_hot) == pytest.approx(2 / 3)
    assert ce.accuracy(one_hot[[0, 1, 1]], one_hot, batch_axis=0) == pytest.approx(2 / 3)
    assert nn.losses.half_squared_error.accuracy(one_hot, one_hot) is None


@pytest.mark.parametrize(
    ("loss", "A", "Y", "message"),
    [
        ("half_squared_error", (1, 3), (3, 1), r"A2 \(1, 3\) and Y \(3, 1\).*Y.T would fit"),
        ("half_squared_error", (1, 3), (1, 4), r"A2 \(1, 3\) and Y \(1, 4\)"),
        ("half_squared_error", (1, 0), (1, 0), "neither empty"),
        ("half_squared_error", (3,), (3,), "two axes"),
    ],
)
def test_shapes_that_differ(loss, A, Y, message):
    with pytest.raises(ValueError, match=message):
        nn.losses.BY_NAME[loss](ag.Tensor(np.ones(A), name="A2"), np.ones(Y))


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_labels_outside_the_range(loss):
    A = wide(loss, np.full((1, 3), 0.5))
    with pytest.raises(ValueError, match=r"Y\[0, 1\] is nan"):
        loss(A, [[0, np.nan, np.inf]])
    if loss.labels == (0, 1):
        with pytest.raises(ValueError, match=r"from 0 to 1: Y\[0, 2\] is -1"):
            loss(A, [[0, 1, -1]])
        with pytest.raises(ValueError, match=r"from 0 to 1: Y\[0, 1\] is 2"):
            loss(A, ag.Tensor([[1.0, 2.0, 3.0]]))


def test_bad_options():
    A = Y = np.full((1, 3), 0.5)
    with pytest.raises(ValueError, match="reduction='none'"):
        nn.losses.cross_entropy(A, Y, reduction="none")
    with pytest.raises(ValueError, match="batch_axis=2"):
        nn.losses.cross_entropy(A, Y, batch_axis=2)
    with pytest.raises(TypeError, match="Y has dtype"):
        nn.losses.cross_entropy(A, [["a", "b", "c"]])


@pytest.mark.parametrize("name", ["binary_cross_entropy", "cross_entropy"])
def test_outputs_that_are_no_probabilities(name):
    A = ag.Tensor([[0.5, -0.25], [0.5, 1.5]], requires_grad=True, name="A3")
    with pytest.raises(ValueError, match=r"from 0 to 1: A3\[0, 1\] is -0.25. .*_with_logits"):
        nn.losses.BY_NAME[name](A, np.full((2, 2), 0.5))
    with pytest.raises(ValueError, match=r"A3\[0, 1\] is 1.5"):
        nn.losses.BY_NAME[name](ag.Tensor([[1.0, 1.5]], name="A3"), np.ones((1, 2)))
    nn.losses.BY_NAME[name + "_with_logits"](A, np.full((2, 2), 0.5))


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_labels_of_another_dtype_are_cast_and_float32_stays(loss):
    A = np.array([[0.5], [0.25]], np.float32)
    A = ag.Tensor(wide(loss, A), requires_grad=True)
    for Y in ([[1], [0]], ag.Tensor([[1], [0]]), ag.Tensor([[1.0], [0.0]]), [[True], [False]]):
        J = loss(A, Y)
        assert J.dtype == ag.gradients(J, [A])[0].dtype == np.float32
        assert J.item() == loss(A.numpy(), [[1.0], [0.0]]).item()
    soft = [[0.5], [0.5]]
    whole = wide(loss, [[1], [0]])
    assert loss(whole, soft).item() == loss(whole.astype(float), soft).item()
    assert loss(ag.Tensor(whole), soft).dtype == float


def test_labels_found_right_are_checked_again_where_they_can_have_changed():
    loss, Y = nn.losses.binary_cross_entropy, np.zeros((1, 3))
    loss.check_labels(Y)
    Y[0, 1] = 7
    with pytest.raises(ValueError, match=r"Y\[0, 1\] is 7"):
        loss.check_labels(Y)


ONE_OF_MANY = [loss for loss in LOSSES if loss.one_of_many]


@pytest.mark.parametrize("batch_axis", [0, 1])
@pytest.mark.parametrize("loss", ONE_OF_MANY, ids=lambda loss: loss.__name__)
@pytest.mark.parametrize(
    ("wrong", "total", "advice"),
    [
        ([1, 1, 0], "2", "binary_cross_entropy"),
        ([0, 0, 0], "0", "Leave out samples without a label"),
        ([0.3, 0.3, 0.3], "0.9", "Divide them by their sum"),
    ],
)
def test_labels_of_one_sample_sum_to_one(loss, batch_axis, wrong, total, advice):
    right = [0.2, 0.3, 0.5]
    Y = np.array([right, wrong, right])
    A = np.full((3, 3), 1 / 3)
    Y, place = (Y, "row 1") if batch_axis == 0 else (Y.T, "column 1")
    with pytest.raises(ValueError, match=f"{place} of Y sums to {total}. .*{advice}"):
        loss(A, Y, batch_axis=batch_axis)
    Y = ag.Tensor(np.array([right, right, [1, 0, 0]]))  # once found right along one axis
    loss(A, Y, batch_axis=0)
    with pytest.raises(ValueError, match="column 0 of Y sums to 1.4"):
        loss(A, Y, batch_axis=1)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("loss", ONE_OF_MANY, ids=lambda loss: loss.__name__)
def test_soft_labels_may_be_rounded(loss, dtype):
    Y = np.random.default_rng(0).dirichlet(np.ones(50), 20).T.astype(dtype)
    assert np.isfinite(loss(np.full(Y.shape, 0.02, dtype), Y).item())


def test_one_output_is_not_one_of_many():
    with pytest.raises(ValueError, match="column 1 of Y sums to 0. For one output use binary_"):
        nn.losses.cross_entropy([[0.5, 0.5]], [[1, 0]])


def test_fit_reads_the_samples_along_the_networks_axis():
    net = nn.Network([2, 3], ["softmax"], rng=0, batch_axis=0)
    parts = {"loss": nn.losses.cross_entropy, "optimizer": nn.optimizers.GradientDescent(0.1)}
    X, Y = np.ones((4, 2)), np.eye(3)[[0, 0, 1, 2]]
    assert len(nn.fit(net, X, Y, epochs=2, **parts).loss) == 2
    with pytest.raises(ValueError, match="row 3 of Y sums to 2"):
        nn.fit(net, X, Y + [[0], [0], [0], [1]] * np.array([1, 0, 0]), epochs=2, **parts)


inf = np.inf


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("z", "y", "cost", "slope"),
    [
        (inf, 1, 0, 0),
        (-inf, 0, 0, 0),
        (inf, 0, inf, 1),
        (-inf, 1, inf, -1),
        (inf, 0.25, inf, 0.75),
        (-inf, 0.25, inf, -0.25),
        (np.nan, 0, np.nan, np.nan),
        (np.nan, 1, np.nan, np.nan),
        (3.0, 0.25, np.log1p(np.exp(3.0)) - 0.75, 1 / (1 + np.exp(-3.0)) - 0.25),
    ],
)
def test_binary_cross_entropy_of_infinite_logits_is_the_limit(z, y, cost, slope, dtype):
    """PyTorch has nan for the value at (∞, 1), (−∞, 0) and (−∞, 1)."""
    Z = ag.Tensor(np.array([[z]], dtype), requires_grad=True)
    f = lambda Z: nn.losses.binary_cross_entropy_with_logits(Z, np.array([[y]], dtype))
    for function in (f, ag.compile(f)):
        assert function(Z).item() == pytest.approx(cost, rel=1e-6, nan_ok=True)
    (dZ,) = ag.gradients(f(Z), [Z], create_graph=True)
    assert dZ.item() == pytest.approx(slope, rel=1e-6, nan_ok=True)
    if np.isinf(z):
        assert ag.gradients(np.sum(dZ), [Z])[0] == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("z", "y", "cost", "slope"),
    [
        ([-inf, 0], [0, 1], 0, [0, 0]),
        ([-inf, 0], [1, 0], inf, [-1, 1]),
        ([-inf, 0, 0], [0, 0.5, 0.5], np.log(2), [0, 0, 0]),
        ([-inf, 0, 0], [0.5, 0.5, 0], inf, [-0.5, 0, 0.5]),
        ([np.nan, 0], [0, 1], np.nan, [np.nan, np.nan]),
    ],
)
def test_cross_entropy_of_a_class_that_is_ruled_out(z, y, cost, slope, dtype):
    """PyTorch, with labels as probabilities, has nan for the first value and the third."""
    Z = ag.Tensor(np.array([z], dtype), requires_grad=True)
    f = lambda Z: nn.losses.cross_entropy_with_logits(Z, np.array([y], dtype), batch_axis=0)
    for function in (f, ag.compile(f)):
        assert function(Z).item() == pytest.approx(cost, rel=1e-6, nan_ok=True)
    (dZ,) = ag.gradients(f(Z), [Z])
    np.testing.assert_allclose(dZ, [slope], rtol=1e-6, atol=1e-7)


GOOD = [[0.25, 0.5], [0.75, 0.5]]
WRONG_VALUES = [
    (
        "binary_cross_entropy",
        [[0.5, -0.25], [1, 1]],
        GOOD,
        r"outputs from 0 to 1: A\[0, 1\] is -0.2",
    ),
    (
        "binary_cross_entropy",
        [[0.5, 0.5], [1.5, 1]],
        GOOD,
        r"outputs from 0 to 1: A\[1, 0\] is 1.5",
    ),
    ("cross_entropy", [[0.5, -0.25], [1, 1]], GOOD, r"outputs from 0 to 1: A\[0, 1\] is -0.25"),
    ("cross_entropy", [[0.5, 0.5], [1.5, 1]], GOOD, r"outputs from 0 to 1: A\[1, 0\] is 1.5"),
    *[
        (loss.__name__, GOOD, [[0, label], [1, 0]], message)
        for loss in LOSSES
        for label, message in (
            (np.nan, r"Y\[0, 1\] is nan"),
            (np.inf, r"Y\[0, 1\] is inf"),
            (2, r"labels from 0 to 1: Y\[0, 1\] is 2"),
            (-1, r"labels from 0 to 1: Y\[0, 1\] is -1"),
        )
        if not np.isfinite(label) or loss.labels == (0, 1)
    ],
]


@pytest.mark.parametrize("differentiated", [False, True])
@pytest.mark.parametrize(("name", "A", "Y", "message"), WRONG_VALUES)
def test_what_the_tape_refuses_compiled_code_refuses(name, A, Y, message, differentiated):
    loss = nn.losses.BY_NAME[name]
    wrong, good = ((wide(loss, a), np.array(y)) for a, y in ((A, Y), (GOOD, GOOD)))
    with pytest.raises(ValueError, match=message):
        loss(ag.Tensor(wrong[0], requires_grad=True, name="A"), wrong[1])

    def cost(A, Y):
        return loss(A, Y)

    compiled = ag.compile(ag.value_and_grad(cost) if differentiated else cost)
    with pytest.raises(ValueError, match=message):
        compiled(*wrong)  # traced by it
    compiled(*good)
    with pytest.raises(ValueError, match=message):
        compiled(*wrong)
    compiled(*good)
    if Y is GOOD:  # what is computed from arguments is no argument: looked at also on trust
        computed = ag.compile(lambda Z, Y: loss((2 * Z).named("A"), Y))
        run = computed.unchecked(good[0] / 2, good[1])
        run(good[0] / 2, good[1])
        with pytest.raises(ValueError, match=message):
            run(wrong[0] / 2, wrong[1])


@pytest.mark.parametrize("make", [ag.sigmoid, lambda Z: ag.softmax(Z, axis=0)])
def test_what_lies_between_0_and_1_by_itself_is_not_looked_at(make, monkeypatch):
    """With the same results, at infinity and for nan too."""
    Z = np.array([[-np.inf, 0, 1e308, np.nan], [3, -1e308, -700, 1]])
    A = make(ag.Tensor(Z)).numpy()
    assert not (A < 0).any()
    assert not (A > 1).any()
    loss, looked = nn.losses.binary_cross_entropy, []
    monkeypatch.setattr(nn.losses.Loss, "_check_outputs", lambda *_: looked.append(1))
    with np.errstate(all="ignore"):
        J = loss(make(ag.Tensor(Z, requires_grad=True)), np.ones(Z.shape))
        compiled = ag.compile(lambda Z, Y: loss(make(Z), Y))(Z, np.ones(Z.shape))
    assert np.isnan(J.item())
    assert np.isnan(compiled)
    assert not looked
    loss(ag.Tensor(A[:, :3]), np.ones((2, 3)))
    assert looked


def test_no_guard_asks_whether_it_is_traced():
    """`ag.guard` looks at values in both ways; a question of this kind would drop the check."""
    for path in Path(nn.__file__).parent.rglob("*.py"):
        assert "is_tracing" not in path.read_text(encoding="utf-8"), path


def test_labels_that_cannot_have_changed_are_checked_once(monkeypatch):
    loss = nn.losses.cross_entropy
    seen = []
    check_sums = loss._check_sums
    monkeypatch.setattr(loss, "_check_sums", lambda *args: (seen.append(1), check_sums(*args)))
    Y = np.eye(3)
    Y.flags.writeable = False
    for _ in range(3):
        loss.check_labels(Y)
    assert len(seen) == 1
    loss.check_labels(Y, batch_axis=0)
    assert len(seen) == 2


@pytest.mark.parametrize("batch_axis", [0, 1])
@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy_with_logits"])
@pytest.mark.parametrize(
    ("smoothing", "weights", "ignored"),
    [(0.1, None, None), (0.0, [0.5, 2.0, 1.0], None), (0.0, None, 0), (0.2, [3.0, 0.1, 1.0], 2)],
)
def test_options_of_cross_entropy_are_pytorchs(name, smoothing, weights, ignored, batch_axis):
    torch = pytest.importorskip("torch", reason="PyTorch is the judge here: pip install torch")
    rng = np.random.default_rng(0)
    Z, y = rng.normal(size=(8, 3)), np.array([0, 1, 2, 1, 1, 0, 2, 1])
    theirs = torch.tensor(Z, requires_grad=True)
    cost = torch.nn.functional.cross_entropy(
        theirs,
        torch.tensor(y),
        weight=None if weights is None else torch.tensor(weights, dtype=torch.float64),
        ignore_index=-100 if ignored is None else ignored,
        label_smoothing=smoothing,
    )
    cost.backward()
    Y = np.eye(3)[y] * (y != ignored)[:, np.newaxis]
    options = {"label_smoothing": smoothing, "class_weights": weights, "ignored": ignored}
    loss = nn.losses.BY_NAME[name]
    ours = ag.Tensor(Z if batch_axis == 0 else Z.T, requires_grad=True)
    A = ours if loss.takes_logits else ag.softmax(ours, axis=1 - batch_axis)

    def value(A, Y):
        return loss(A, Y, batch_axis=batch_axis, **options)

    Y = Y if batch_axis == 0 else Y.T
    J = value(A, Y)
    assert J.item() == pytest.approx(cost.item(), rel=1e-12)
    (dZ,) = ag.gradients(J, [ours])
    expected = theirs.grad.numpy()
    np.testing.assert_allclose(dZ if batch_axis == 0 else dZ.T, expected, rtol=1e-9, atol=1e-15)
    assert ag.compile(value)(A.numpy(), Y).item() == pytest.approx(J.item(), rel=1e-15)
    summed = loss(A, Y, reduction="sum", batch_axis=batch_axis, **options).item()
    each = 1 if weights is None else np.array(weights)
    assert summed == pytest.approx(J.item() * np.sum((Y if batch_axis == 0 else Y.T) * each))


def test_a_batch_of_ignored_samples_costs_nothing():
    A = ag.Tensor(np.full((2, 3), 0.5), requires_grad=True)
    J = nn.losses.cross_entropy(A, np.zeros((2, 3)), ignored="?")
    assert J.item() == 0
    np.testing.assert_array_equal(ag.gradients(J, [A])[0], 0)
    assert nn.losses.cross_entropy.accuracy(A.numpy(), np.zeros((2, 3))) == 0


def test_smoothed_labels_of_yes_and_no():
    A, Y = np.array([[0.3, 0.9]]), np.array([[0.0, 1.0]])
    smooth = nn.losses.binary_cross_entropy(A, Y, label_smoothing=0.2)
    assert smooth.item() == nn.losses.binary_cross_entropy(A, [[0.1, 0.9]]).item()


@pytest.mark.parametrize("delta", [0.5, 2.0])
def test_huber_of_another_width_is_pytorchs(delta):
    torch = pytest.importorskip("torch", reason="PyTorch is the judge here: pip install torch")
    A, Y = np.random.default_rng(0).normal(0, 2, (2, 1, 9))
    theirs = torch.tensor(A, requires_grad=True)
    cost = torch.nn.functional.huber_loss(theirs, torch.tensor(Y), delta=delta)
    cost.backward()
    ours = ag.Tensor(A, requires_grad=True)
    J = nn.losses.huber(ours, Y, delta=delta)
    assert J.item() == pytest.approx(cost.item(), rel=1e-12)
    np.testing.assert_allclose(ag.gradients(J, [ours])[0], theirs.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("loss", "options", "error", "message"),
    [
        ("huber", {"delta": 0}, ValueError, "delta=0: it must be a positive number"),
        ("huber", {"delta": "1"}, ValueError, "delta='1': it must be a positive number"),
        ("huber", {"delta": True}, ValueError, "delta=True: it must be a positive number"),
        ("huber", {"width": 1}, TypeError, "huber has no option width"),
        ("huber", {"label_smoothing": 0.1}, ValueError, "of labels of classes"),
        ("cross_entropy", {"label_smoothing": 1}, ValueError, "a share from 0 to 1"),
        ("cross_entropy", {"class_weights": [1, 2]}, ValueError, "give 3, one for each class"),
        ("cross_entropy", {"class_weights": [1, 2, -1]}, ValueError, "0 or more"),
        ("binary_cross_entropy", {"class_weights": [1, 2]}, ValueError, "use cross_entropy"),
        ("binary_cross_entropy", {"ignored": 2}, ValueError, "ignores no labels"),
    ],
)
def test_options_that_a_loss_does_not_take(loss, options, error, message):
    A = Y = np.full((3, 3), 1 / 3)
    with pytest.raises(error, match=message):
        nn.losses.BY_NAME[loss](A, Y, **options)


def test_shapes_of_a_loss_of_two_outputs_for_each_label():
    with pytest.raises(ValueError, match="gaussian takes 2 outputs for each label: 3 do not fit"):
        nn.losses.gaussian(np.ones((3, 2)), np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"A \(4, 2\) and Y \(1, 2\) do not fit"):
        nn.losses.gaussian(np.ones((4, 2)), np.ones((1, 2)))
