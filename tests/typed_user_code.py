"""Code as users write it, with types.

mypy --strict and pyright accept every line of it, except those that end with the errors that each
of them has to find: `# mypy: …, pyright: …`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, assert_type

import numpy
from numpy.typing import NDArray

import autograd_lite as ag
import autograd_lite.numpy as np
import nn
from autograd_lite import Tensor, compare, derive

Array = NDArray[Any]

# What is right


def training_loop(steps: int = 3) -> float:
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 5)), rng.normal(size=(1, 5))
    W = Tensor(rng.normal(size=(1, 2)), requires_grad=True, name="W")
    b = Tensor(np.zeros((1, 1)), requires_grad=True, name="b")
    J = cost(W, b, X, Y)
    for _ in range(steps):
        for x in (W, b):
            x.zero_grad()
        J = cost(W, b, X, Y)
        J.backward()
        assert W.grad is not None
        assert b.grad is not None
        with ag.no_grad():
            W -= 0.1 * W.grad
            b -= 0.1 * b.grad
    return float(J)


def cost(W: Tensor, b: Tensor, X: Array, Y: Array) -> Tensor:
    A = np.tanh((W @ X + b).named("Z")).named("A")
    return (0.5 * np.mean((A - Y) ** 2)).named("J")


def functions_of_numpy(x: Tensor, a: Array) -> None:
    assert_type(np.tanh(x), Tensor)
    assert_type(np.multiply(a, x), Tensor)
    assert_type(np.where(x > 0, x, 0.0), Tensor)
    assert_type(np.sum(x * x, axis=0, keepdims=True), Tensor)
    assert_type(np.concatenate([x, x]), Tensor)
    assert_type(np.reshape(x, (1, -1)).T @ a[:1], Tensor)
    assert_type(np.linalg.norm(x), Tensor)
    assert_type(np.add.reduce(x), Tensor)
    assert_type(np.split(x, 2), list[Tensor])
    assert_type(2 * x, Tensor)
    assert_type(x.sum().named("J"), Tensor)
    assert_type(ag.relu(x), Tensor)
    assert_type(ag.softmax(ag.sigmoid(2 * x) + ag.softplus(x), axis=0), Tensor)
    assert_type(ag.log_softmax(x).named("A"), Tensor)
    assert_type(ag.logsumexp(x, keepdims=True), Tensor)
    assert_type(cube(x), Tensor)
    assert_type([row for row in x], list[Tensor])  # noqa: C416
    numpy.sum(numpy.tanh(x) * x).named("J")  # under its own name NumPy promises less


def arrays_stay_arrays(a: Array) -> Array:
    assert_type(ag.relu(a), Array)
    assert_type(ag.softmax(a, axis=0), Array)
    assert_type(ag.sigmoid(ag.log_softmax(a)), Array)
    assert_type(ag.softplus(ag.logsumexp(a, axis=0)), Array)
    return np.linalg.inv(np.sort(np.tanh(a)) + np.eye(2) * np.pi)


def gradients_of_any_tensor(x: Tensor) -> None:
    J = np.sum(x**3)
    assert_type(ag.gradients(J, [x]), list[numpy.ndarray])
    (slope,) = ag.gradients(J, [x], create_graph=True)
    np.sum(slope).backward()


def what_the_package_is_for(folder: Path) -> None:
    W = Tensor([[1.0, 2.0]], requires_grad=True, name="W")
    J = np.sum(np.tanh(W)).named("J")
    report = compare(J, {"W": 1 - np.tanh(W.data) ** 2})
    assert_type(report.ok, bool)
    print(report["W"].verdict, report)
    print(derive(J, wrt=[W]).latex(), ag.tape(J))
    ag.draw(J, report=report).save(folder / "g.dot")
    ag.check_gradients(np.tanh, W.data, order=2)
    with ag.detect_anomalies():
        J.backward()


def a_compiled_step() -> str:
    step = ag.compile(lambda w, x: w - 0.1 * ag.grad(lambda v: np.sum((v @ x) ** 2))(w))
    arrays = np.ones((1, 2)), np.ones((2, 1))
    step(*arrays)
    return step.source(*arrays)


@ag.differentiable(lambda g, y, x: g * 3 * x * x)
def cube(x: Any) -> Any:
    return x**3


@ag.no_grad()
def doubled(x: Tensor) -> Tensor:
    return 2 * x


def a_network(folder: Path) -> nn.Network:
    X, Y = nn.datasets.planar(20, rng=0)
    net = nn.Network([2, 4, 1], activations=["tanh", "sigmoid"], rng=0)
    loss = nn.losses.binary_cross_entropy
    history = nn.fit(net, X, Y, loss=loss, optimizer=nn.optimizers.Adam(0.1), epochs=2)
    assert_type(history.loss, list[float])
    f = net.forward(X)
    assert_type(f.Z[1], Tensor)
    J = loss(f.output, Y)
    (G,) = ag.gradients(J, [f.Z[2]])
    assert compare(J, {"Z2": G}).ok
    net.save(folder / "net.npz")
    return nn.Network.load(folder / "net.npz")


# What is wrong


def names_that_do_not_exist(x: Tensor) -> None:
    from autograd_lite import comapre  # mypy: attr-defined, pyright: reportAttributeAccessIssue

    comapre(x, {})
    ag.comapre(x, {})  # mypy: attr-defined, pyright: reportAttributeAccessIssue
    nn.Netwrok([2, 1])  # mypy: attr-defined, pyright: reportAttributeAccessIssue
    nn.datasets.plannar(4)  # mypy: attr-defined, pyright: reportAttributeAccessIssue
    nn.losses.cross_entrpy(x, x)  # mypy: attr-defined, pyright: reportAttributeAccessIssue
    np.tahn(x)  # mypy: attr-defined, pyright: reportAttributeAccessIssue
    np.linalg.nrom(x)  # mypy: attr-defined, pyright: reportAttributeAccessIssue
    x.bakward()  # mypy: attr-defined, pyright: reportAttributeAccessIssue
    x.tolist()  # mypy: attr-defined, pyright: reportAttributeAccessIssue
    np.tanh(x).nmaed("A")  # mypy: attr-defined, pyright: reportAttributeAccessIssue
    np.mean(x).bakward()  # mypy: attr-defined, pyright: reportAttributeAccessIssue
    print((x @ x).shap)  # mypy: attr-defined, pyright: reportAttributeAccessIssue
    print(compare(x, {}).okay)  # mypy: attr-defined, pyright: reportAttributeAccessIssue
    ag.compile(cube).sorce(x)  # mypy: attr-defined, pyright: reportAttributeAccessIssue
    ag.gradients(x, [x])[0].backward()  # mypy: attr-defined, pyright: reportAttributeAccessIssue


def wrong_arguments(x: Tensor, net: nn.Network, X: Array) -> None:
    compare(x)  # mypy: call-arg, pyright: reportCallIssue
    compare(x, {}, valeus={})  # mypy: call-arg, pyright: reportCallIssue
    compare("J", {})  # mypy: arg-type, pyright: reportArgumentType
    derive(x, notatoin="000")  # mypy: call-arg, pyright: reportCallIssue
    ag.draw(x, baackward=False)  # mypy: call-arg, pyright: reportCallIssue
    ag.gradients(x, x)  # mypy: call-overload, pyright: reportCallIssue
    doubled(3.0)  # mypy: arg-type, pyright: reportArgumentType
    nn.fit(net, X, X, epochs=3)  # mypy: call-arg, pyright: reportCallIssue
    nn.Network([2, 1], activation=["tanh"])  # mypy: call-arg, pyright: reportCallIssue
    ag.softmax(x, axsi=0)  # mypy: call-overload, pyright: reportCallIssue
    x.named(1)  # mypy: arg-type, pyright: reportArgumentType
    ag.relu(x, 0)  # mypy: call-overload, pyright: reportCallIssue
    x.tanh(2)  # mypy: call-arg, pyright: reportCallIssue
    Tensor([1.0], require_grad=True)  # mypy: call-arg, pyright: reportCallIssue


def under_its_own_name_numpy_promises_arrays(x: Tensor) -> None:
    numpy.tanh(x).named("A")  # mypy: attr-defined, pyright: reportAttributeAccessIssue
    numpy.mean(x).backward()  # mypy: attr-defined, pyright: reportAttributeAccessIssue
    x = numpy.ones(2) @ x  # mypy: assignment, pyright: reportAssignmentType
