"""The same cost and gradients by hand, on the tape, compiled, and by other libraries.

Each engine is a function of a Case that returns `step`, which computes the cost and the gradient
of every parameter and returns both. All compute the mean binary cross-entropy of a tanh network
with sigmoid outputs, and each is written in the form that its own documentation recommends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Step = Callable[[], tuple[Any, list[Any]]]


@dataclass(frozen=True)
class Case:
    """A network and a batch: sizes [n0, …, nL], m samples in columns, a dtype."""

    name: str
    sizes: tuple[int, ...]
    m: int
    dtype: str = "float64"

    def arrays(self) -> tuple[list[tuple[np.ndarray, np.ndarray]], np.ndarray, np.ndarray]:
        """The parameters [(W1, b1), …], X and Y."""
        rng = np.random.default_rng(0)
        dtype = np.dtype(self.dtype)
        parameters = [
            (
                (rng.normal(size=(n_out, n_in)) / np.sqrt(n_in)).astype(dtype),
                (rng.normal(size=(n_out, 1)) / 10).astype(dtype),
            )
            for n_in, n_out in zip(self.sizes, self.sizes[1:], strict=False)
        ]
        X = rng.normal(size=(self.sizes[0], self.m)).astype(dtype)
        Y = (rng.random((self.sizes[-1], self.m)) < 0.5).astype(dtype)
        return parameters, X, Y


CASES = [
    Case("4-3-2-1, m=1", (4, 3, 2, 1), 1),
    Case("2-4-1, m=400", (2, 4, 1), 400),
    Case("64-30-10, m=10", (64, 30, 10), 10),
    Case("64-30-10, m=1", (64, 30, 10), 1),
    Case("64-128-128-10, m=128", (64, 128, 128, 10), 128),
    Case("784-512-512-10, m=256", (784, 512, 512, 10), 256),
    Case("64 × 50 layers, m=32", (64,) * 51, 32),
]


def by_hand(case: Case) -> Step:
    """The closed form in plain NumPy, as fast as it gets without buffers from step to step."""
    parameters, X, Y = case.arrays()
    m, L = case.m, len(parameters)
    add, subtract, multiply, divide, tanh = np.add, np.subtract, np.multiply, np.divide, np.tanh
    total = np.add.reduce

    def step() -> tuple[Any, list[Any]]:
        A = [X]
        for W, b in parameters[:-1]:
            Z = W.dot(A[-1])
            A.append(tanh(add(Z, b, Z), Z))
        W, b = parameters[-1]
        Z = W.dot(A[-1])
        add(Z, b, Z)
        E = np.exp(Z)  # σ(Z) = E / (1 + E), and the cost is Σ log(1 + E) − Y Z
        E1 = E + 1.0
        J = (total(np.log(E1), None) - np.vdot(Y, Z)) / m
        dZ = divide(E, E1, E)
        subtract(dZ, Y, dZ)
        divide(dZ, m, dZ)
        gradients = []
        for l in range(L, 0, -1):
            gradients += [total(dZ, 1, keepdims=True), dZ.dot(A[l - 1].T)]
            if l > 1:
                dZ = parameters[l - 1][0].T.dot(dZ)
                D = multiply(A[l - 1], A[l - 1])
                multiply(dZ, subtract(1.0, D, D), dZ)
        return J, gradients[::-1]

    return step


def by_hand_plainly(case: Case) -> Step:
    """The closed form as one writes it down."""
    parameters, X, Y = case.arrays()
    m, L = case.m, len(parameters)

    def step() -> tuple[Any, list[Any]]:
        A = [X]
        for W, b in parameters[:-1]:
            A.append(np.tanh(W @ A[-1] + b))
        W, b = parameters[-1]
        A.append(1 / (1 + np.exp(-(W @ A[-1] + b))))
        J = -np.sum(Y * np.log(A[L]) + (1 - Y) * np.log(1 - A[L])) / m
        gradients = []
        dZ = (A[L] - Y) / m
        for l in range(L, 0, -1):
            gradients += [np.sum(dZ, axis=1, keepdims=True), dZ @ A[l - 1].T]
            if l > 1:
                dZ = parameters[l - 1][0].T @ dZ * (1 - A[l - 1] * A[l - 1])
        return J, gradients[::-1]

    return step


def by_hand_kept(case: Case) -> Step:
    """`by_hand` with every array in a buffer that is kept, the gradients as well."""
    parameters, X, Y = case.arrays()
    m, L = case.m, len(parameters)
    add, subtract, multiply, divide, dot = np.add, np.subtract, np.multiply, np.divide, np.dot
    total = np.add.reduce
    A = [X, *(np.empty((len(W), m), X.dtype) for W, _ in parameters)]
    dA = [np.empty_like(a) for a in A]
    D = [np.empty_like(a) for a in A]
    Z, E, E1 = A[-1], dA[-1], D[-1]
    gradients = [np.empty_like(p) for pair in parameters for p in pair]
    forward = [(W, b, A[l], A[l + 1]) for l, (W, b) in enumerate(parameters)]
    backward = []
    for l in range(L, 0, -1):
        W_T, A_T = parameters[l - 1][0].T, A[l - 1].T
        into = gradients[2 * l - 2 : 2 * l]
        backward.append((dA[l], *into, A_T, W_T, dA[l - 1], A[l - 1], D[l - 1]))

    def step() -> tuple[Any, list[Any]]:
        for W, b, before, after in forward:
            dot(W, before, after)
            add(after, b, after)
            if after is not Z:
                np.tanh(after, after)
        np.exp(Z, E)
        add(E, 1.0, E1)
        divide(E, E1, E)
        subtract(E, Y, E)
        divide(E, m, E)
        J = (total(np.log(E1, E1), None) - np.vdot(Y, Z)) / m
        for dZ, dW, db, A_T, W_T, dZ_before, A_before, d in backward:
            total(dZ, 1, None, db, True)
            dot(dZ, A_T, dW)
            if A_before is not X:
                dot(W_T, dZ, dZ_before)
                multiply(A_before, A_before, d)
                subtract(1.0, d, d)
                multiply(dZ_before, d, dZ_before)
        return J, gradients

    return step


def network(case: Case) -> tuple[Any, dict[str, np.ndarray], np.ndarray, np.ndarray]:
    """The same network as a user has it, its parameters by name, X and Y."""
    import nn

    pairs, X, Y = case.arrays()
    activations = ["tanh"] * (len(pairs) - 1) + ["sigmoid"]
    net = nn.Network(case.sizes, activations, rng=0, dtype=case.dtype)
    values = zip(net.parameters(), (p for pair in pairs for p in pair), strict=True)
    net.set_parameters(dict(values))
    return net, {name: p.data for name, p in net.parameters().items()}, X, Y


def cross_entropy(logits: bool) -> Any:
    """The loss, of the last pre-activation or of sigmoid outputs."""
    from nn import losses

    return losses.binary_cross_entropy_with_logits if logits else losses.binary_cross_entropy


def _tape(case: Case, logits: bool) -> Step:
    net, _, X, Y = network(case)
    loss = cross_entropy(logits)

    def step() -> tuple[Any, list[Any]]:
        J = loss(net.forward(X).logits if logits else net(X), Y)
        parameters = net.parameters().values()
        for p in parameters:
            p.zero_grad()
        J.backward()
        return J, [p.grad for p in parameters]

    return step


def tape(case: Case) -> Step:
    """`loss(net(X), Y).backward()` on arrays: sigmoid outputs, then the cross-entropy."""
    return _tape(case, logits=False)


def tape_logits(case: Case) -> Step:
    """The same from the last pre-activation."""
    return _tape(case, logits=True)


def _compiled(case: Case, logits: bool) -> Step:
    import autograd_lite as ag

    net, parameters, X, Y = network(case)
    loss = cross_entropy(logits)
    step = ag.compile(ag.value_and_grad(lambda p, X, Y: loss(loss.output_of(net.forward(X, p)), Y)))

    def result() -> tuple[Any, list[Any]]:
        J, gradients = step(parameters, X, Y)
        return J, list(gradients.values())

    run = lambda: step(parameters, X, Y)
    run.result = result  # type: ignore[attr-defined]
    return run


def compiled(case: Case) -> Step:
    """`ag.compile` of `loss(net.forward(X, parameters).output, Y)`, sigmoid outputs."""
    return _compiled(case, logits=False)


def compiled_logits(case: Case) -> Step:
    """`ag.compile` of the same, from the last pre-activation."""
    return _compiled(case, logits=True)


def _bare(case: Case, logits: bool) -> Step:
    import autograd_lite as ag

    arrays, X, Y = case.arrays()
    parameters = [ag.Tensor(p, requires_grad=True) for pair in arrays for p in pair]
    pairs = list(zip(parameters[::2], parameters[1::2], strict=True))
    X, Y = ag.Tensor(X, name="X"), ag.Tensor(Y, name="Y")
    loss = cross_entropy(logits)

    def step() -> tuple[Any, list[Any]]:
        A = X
        for W, b in pairs[:-1]:
            A = np.tanh(W @ A + b)
        W, b = pairs[-1]
        Z = W @ A + b
        J = loss(Z if logits else ag.sigmoid(Z), Y)
        for p in parameters:
            p.zero_grad()
        J.backward()
        return J, [p.grad for p in parameters]

    return step


def bare_tape(case: Case) -> Step:
    """Operations of Tensors, without `nn.Network`: sigmoid outputs, then the cross-entropy."""
    return _bare(case, logits=False)


def bare_tape_logits(case: Case) -> Step:
    """The same, and the cross-entropy of the last pre-activation."""
    return _bare(case, logits=True)


def _torch(case: Case, linear: bool) -> Step:
    import torch
    from torch.nn import functional as F

    torch.set_num_threads(1)
    arrays, X, Y = case.arrays()
    shaped = [(W, b.ravel()) if linear else (W.T.copy(), b.T.copy()) for W, b in arrays]
    parameters = [torch.tensor(p, requires_grad=True) for pair in shaped for p in pair]
    pairs = list(zip(parameters[::2], parameters[1::2], strict=True))
    X, Y = torch.tensor(X.T.copy()), torch.tensor(Y.T.copy())

    def step() -> tuple[Any, list[Any]]:
        A = X
        for W, b in pairs[:-1]:
            A = torch.tanh(F.linear(A, W, b) if linear else A @ W + b)
        W, b = pairs[-1]
        if linear:
            J = F.binary_cross_entropy_with_logits(F.linear(A, W, b), Y, reduction="sum") / case.m
        else:
            J = F.binary_cross_entropy(torch.sigmoid(A @ W + b), Y, reduction="sum") / case.m
        return J, list(torch.autograd.grad(J, parameters))

    def in_columns() -> tuple[Any, list[Any]]:
        J, gradients = step()
        arrays = [g.numpy() for g in gradients]
        return J.item(), [
            g.reshape(-1, 1) if k % 2 else g if linear else g.T for k, g in enumerate(arrays)
        ]

    step.result = in_columns  # type: ignore[attr-defined]
    return step


def torch_plain(case: Case) -> Step:
    """PyTorch, `A @ W + b`, sigmoid, binary_cross_entropy; samples in rows."""
    return _torch(case, linear=False)


def torch_linear(case: Case) -> Step:
    """PyTorch, F.linear and binary_cross_entropy_with_logits."""
    return _torch(case, linear=True)


def jax_jit(case: Case) -> Step:
    """jax.jit(jax.value_and_grad(cost)), from logits."""
    import jax

    jax.config.update("jax_enable_x64", case.dtype == "float64")
    jnp = jax.numpy
    arrays, X, Y = case.arrays()
    parameters, X, Y = [jnp.asarray(p) for pair in arrays for p in pair], *map(jnp.asarray, (X, Y))

    def cost(parameters: list[Any], X: Any, Y: Any) -> Any:
        A = X
        pairs = list(zip(parameters[::2], parameters[1::2], strict=True))
        for W, b in pairs[:-1]:
            A = jnp.tanh(W @ A + b)
        W, b = pairs[-1]
        Z = W @ A + b
        return jnp.sum(jax.nn.softplus(Z) - Z * Y) / case.m

    jitted = jax.jit(jax.value_and_grad(cost))
    return lambda: jax.block_until_ready(jitted(parameters, X, Y))


def hips_autograd(case: Case) -> Step:
    """autograd's value_and_grad."""
    import autograd
    import autograd.numpy as anp

    arrays, X, Y = case.arrays()

    def cost(parameters: list[Any]) -> Any:
        A = X
        pairs = list(zip(parameters[::2], parameters[1::2], strict=True))
        for W, b in pairs[:-1]:
            A = anp.tanh(anp.dot(W, A) + b)
        W, b = pairs[-1]
        Z = anp.dot(W, A) + b
        return anp.sum(anp.logaddexp(0, Z) - Z * Y) / case.m

    gradient = autograd.value_and_grad(cost)
    parameters = [p for pair in arrays for p in pair]
    return lambda: gradient(parameters)


def mygrad(case: Case) -> Step:
    """MyGrad, with its memory guard off."""
    import mygrad as mg

    mg.turn_memory_guarding_off()
    arrays, X, Y = case.arrays()
    parameters = [mg.tensor(p) for pair in arrays for p in pair]
    pairs = list(zip(parameters[::2], parameters[1::2], strict=True))

    def step() -> tuple[Any, list[Any]]:
        A = X
        for W, b in pairs[:-1]:
            A = mg.tanh(mg.matmul(W, A) + b)
        W, b = pairs[-1]
        Z = mg.matmul(W, A) + b
        J = mg.sum(mg.logaddexp(0, Z) - Z * Y) / case.m
        for p in parameters:
            p.null_grad()
        J.backward()
        return J.item(), [p.grad for p in parameters]

    return step


ENGINES: dict[str, Callable[[Case], Step]] = {
    "NumPy by hand": by_hand,
    "NumPy with kept buffers": by_hand_kept,
    "NumPy as written down": by_hand_plainly,
    "tape": tape,
    "tape (logits)": tape_logits,
    "bare tape": bare_tape,
    "bare tape (logits)": bare_tape_logits,
    "compiled": compiled,
    "compiled (logits)": compiled_logits,
    "PyTorch (A @ W + b)": torch_plain,
    "PyTorch (F.linear)": torch_linear,
    "jax.jit": jax_jit,
    "autograd": hips_autograd,
    "MyGrad": mygrad,
}
