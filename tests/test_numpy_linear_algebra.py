"""np.linalg on Tensors: NumPy's values, right gradients, and refusals by name."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from builders import normal

import autograd_lite as ag

L = np.linalg
A, AA, TALL, WIDE = normal(3, 3), normal(2, 3, 3), normal(4, 3), normal(3, 4)
V, ROWS = normal(3), normal(3, 2)
first = lambda f, **options: lambda *x: f(*x, **options)[0]
of_symmetric = lambda f: lambda a: f(a + a.mT)
of_definite = lambda f: lambda a: f(a @ a.mT + np.diag([1.0, 2.0, 3.0]))

ORDERS = [None, 1, -1, 2, -2, np.inf, -np.inf]
NORMS = {
    **{
        f"norm {ord} of {x.shape} along {axis}, {keepdims}": (
            lambda x, o=ord, a=axis, k=keepdims: L.norm(x, o, a, k),
            (x,),
        )
        for x, axes, orders in [
            (V, (None, 0, -1), [*ORDERS, 0, 3, 2.5, 0.5]),
            (A, (None, (0, 1), (-1, 0)), [*ORDERS, "fro", "nuc"]),
            (AA, (1, -1), [*ORDERS, 3]),
            (AA, ((0, 1), (2, 0)), [*ORDERS, "fro", "nuc"]),
            (AA, (None,), [None]),
            (normal(), (None,), [None]),
        ]
        for axis, ord, keepdims in itertools.product(axes, orders, (False, True))
    },
    **{
        f"vector_norm {ord} along {axis}, {keepdims}": (
            lambda x, o=ord, a=axis, k=keepdims: L.vector_norm(x, axis=a, ord=o, keepdims=k),
            (AA,),
        )
        for axis, ord, keepdims in itertools.product(
            (None, 1, -1, (0, 2), (2, 0)), (1, 2, 3, np.inf, 0), (False, True)
        )
    },
    **{
        f"matrix_norm {ord}": (lambda x, o=ord: L.matrix_norm(x, ord=o, keepdims=True), (AA,))
        for ord in ("fro", "nuc", 1, 2, np.inf)
    },
}
SAME = {
    **NORMS,
    "inv": (L.inv, (AA,)),
    "det": (L.det, (AA,)),
    "det of 1": (L.det, (normal(1, 1),)),
    "logabsdet": (lambda a: L.slogdet(a).logabsdet, (AA,)),
    "solve": (L.solve, (AA, ROWS)),
    "solve a vector": (L.solve, (AA, V)),
    "solve one": (L.solve, (A, V)),
    "tensorinv": (L.tensorinv, (normal(2, 3, 6),)),
    "tensorinv of 1": (lambda a: L.tensorinv(a, ind=1), (normal(6, 2, 3),)),
    "tensorsolve": (L.tensorsolve, (normal(2, 3, 6), normal(2, 3))),
    "tensorsolve, axes": (
        lambda a, b: L.tensorsolve(a, b, axes=(0, 2)),
        (normal(2, 3, 3, 2), normal(3, 2)),
    ),
    "pinv": (L.pinv, (TALL,)),
    "pinv of a wide one": (lambda a: L.pinv(a, rcond=1e-10), (WIDE,)),
    "lstsq": (first(L.lstsq), (TALL, normal(4))),
    "lstsq of columns": (first(L.lstsq, rcond=None), (TALL, normal(4, 2))),
    "lstsq, residuals": (lambda a, b: L.lstsq(a, b)[1], (TALL, normal(4))),
    "lstsq, values": (lambda a, b: L.lstsq(a, b)[3] + 0 * b[0], (TALL, normal(4))),
    "cond": (L.cond, (AA,)),
    **{f"cond {p}": (lambda a, p=p: L.cond(a, p), (AA,)) for p in (1, 2, -2, np.inf, "fro")},
    "cholesky": (of_definite(L.cholesky), (AA,)),
    "cholesky, upper": (of_definite(lambda a: L.cholesky(a, upper=True)), (AA,)),
    "eigvalsh": (of_symmetric(L.eigvalsh), (AA,)),
    "eigh, values": (of_symmetric(lambda a: L.eigh(a).eigenvalues), (AA,)),
    "eigh, vectors": (of_symmetric(lambda a: L.eigh(a, "U").eigenvectors), (AA,)),
    "svdvals": (L.svdvals, (WIDE,)),
    "svd, values": (lambda a: L.svd(a, compute_uv=False), (TALL,)),
    "svd of a square": (lambda a: L.svd(a).U, (AA,)),
    **{
        f"svd {k} of {x.shape}": (lambda a, k=k: L.svd(a, full_matrices=False)[k], (x,))
        for k in range(3)
        for x in (AA, TALL, WIDE)
    },
    **{
        f"qr {k} of {x.shape}": (lambda a, k=k: L.qr(a)[k], (x,))
        for k in range(2)
        for x in (AA, TALL, WIDE)
    },
    "qr, r": (lambda a: L.qr(a, mode="r"), (TALL,)),
    "qr, complete": (lambda a: L.qr(a, mode="complete").Q, (A,)),
    **{
        f"matrix_power {n}": (lambda a, n=n: L.matrix_power(a, n) + 0 * a, (AA,))
        for n in (-3, -1, 0, 1, 2, 3, 5, 8)
    },
    "multi_dot of 2": (lambda a, b: L.multi_dot([a, b]), (A, ROWS)),
    "multi_dot": (lambda *x: L.multi_dot(x), (V, A, ROWS, normal(2, 4), normal(4))),
    "multi_dot of 3": (lambda *x: L.multi_dot(x), (ROWS.T, A, TALL.T)),
    "matmul": (L.matmul, (AA, ROWS)),
    "matrix_transpose": (L.matrix_transpose, (AA,)),
    "trace": (lambda a: L.trace(a, offset=1), (AA,)),
    "diagonal": (lambda a: L.diagonal(a, offset=-1), (AA,)),
    "outer": (L.outer, (V, normal(2))),
    "cross": (lambda a, b: L.cross(a, b, axis=0), (A, normal(3, 3, seed=2))),
    "vecdot": (lambda a, b: L.vecdot(a, b, axis=0), (A, normal(3, 3, seed=2))),
    "tensordot": (lambda a, b: L.tensordot(a, b, axes=1), (AA, ROWS)),
}


@pytest.mark.parametrize("name", SAME)
def test_values_are_numpys_and_gradients_right(name):
    f, arrays = SAME[name]
    y, right = f(*[ag.Tensor(x) for x in arrays]), f(*arrays)
    assert type(y) is ag.Tensor
    assert (y.shape, y.dtype) == (np.shape(right), np.result_type(right))
    np.testing.assert_allclose(y.data, right, rtol=1e-13, atol=1e-13)
    assert ag.check_gradients(f, *arrays, order=2).kinks == 0


def test_what_returns_several_returns_numpys_named_tuples():
    a = ag.Tensor(A @ A.T)
    for f in (L.slogdet, L.eigh, L.svd, L.qr):
        one, other = f(a), f(a.data)
        assert type(one) is type(other)
        for x, y in zip(one, other, strict=True):
            np.testing.assert_array_equal(x.data, y)
    full = L.svd(ag.Tensor(TALL))
    assert [x.shape for x in full] == [(4, 4), (3,), (3, 3)]
    x, residuals, rank, s = L.lstsq(ag.Tensor(np.ones((4, 2))), np.ones(4))
    assert (residuals.shape, rank.item(), s.shape) == ((0,), 1, (2,))
    assert L.matrix_rank(ag.Tensor(np.ones((2, 2)), requires_grad=True)).item() == 1
    assert not L.matrix_rank(ag.Tensor(np.ones((2, 2)), requires_grad=True)).requires_grad


@pytest.mark.parametrize("ord", [None, 1, 3, np.inf, "fro", "nuc", 2])
def test_a_norm_has_no_slope_at_zero(ord):
    """PyTorch's values, but for the nuclear and spectral norm, where its own U Vᵀ is one."""
    zeros = np.zeros((2, 2)) if ord in ("fro", "nuc", 2) else np.zeros(2)
    norm = lambda x: L.norm(x, ord)
    if ord not in ("nuc", 2):
        np.testing.assert_array_equal(ag.grad(norm)(zeros), zeros)
    square = lambda x: norm(x) ** 2
    np.testing.assert_array_equal(ag.grad(square)(zeros), zeros)
    if ord is None:
        np.testing.assert_array_equal(ag.hessian(square)(zeros), np.zeros((2, 2)))


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_det_of_a_singular_matrix_has_its_cofactors_for_a_gradient(rank):
    x = np.diag([2.0, 3.0, 5.0][:rank] + [0.0] * (3 - rank))
    x = np.stack([x, np.eye(3)])
    minors = [
        [
            [(-1) ** (i + j) * L.det(np.delete(np.delete(m, i, 0), j, 1)) for j in range(3)]
            for i in range(3)
        ]
        for m in x
    ]
    np.testing.assert_allclose(ag.grad(lambda x: np.sum(L.det(x)))(x), minors, atol=1e-12)
    ag.check_gradients(lambda x: np.sum(L.det(x)), x, order=1)


def test_eigenvalues_that_repeat():
    cost = lambda a: np.sum(L.eigh(a).eigenvalues ** 2) + np.sum(L.eigvalsh(a) ** 3)
    np.testing.assert_allclose(ag.grad(cost)(np.eye(3)), 5 * np.eye(3), atol=1e-14)
    projection = lambda a: L.eigh(a)[1][:, 1:] @ L.eigh(a)[1][:, 1:].T
    turned = L.qr(A)[0]
    a = turned @ np.diag([1.0, 2.0, 2.0]) @ turned.T
    rounded = lambda a: projection((a + a.T) / 2)
    ag.check_gradients(rounded, a, order=1)
    assert np.isfinite(ag.grad(lambda a: np.sum(L.svd(a)[0] ** 3))(np.eye(3))).all()
    assert np.isfinite(ag.grad(lambda a: np.sum(L.svd(a)[0] ** 3))(np.zeros((3, 3)))).all()


SINGULAR = np.ones((2, 2))


@pytest.mark.parametrize(
    ("f", "x", "error", "says"),
    [
        (L.inv, SINGULAR, L.LinAlgError, "Singular matrix"),
        (lambda a: L.solve(a, a[0]), SINGULAR, L.LinAlgError, "Singular matrix"),
        (L.cholesky, -np.eye(2), L.LinAlgError, "positive definite"),
        (L.inv, V, L.LinAlgError, "two-dimensional"),
        (L.qr, V, L.LinAlgError, "two-dimensional"),
        (L.svd, TALL, TypeError, "full_matrices=False"),
        (lambda a: L.svd(a, hermitian=True), A, TypeError, "hermitian=True"),
        (lambda a: L.qr(a, mode="complete"), TALL, TypeError, "mode='complete'"),
        (lambda a: L.pinv(a, rcond=np.ones(3)), TALL, TypeError, "one number"),
        (lambda a: L.multi_dot([a, a], out=np.zeros((3, 3))), A, TypeError, "multi_dot.*out"),
        (lambda a: L.multi_dot([a]), A, ValueError, "two arrays"),
        (lambda a: L.norm(a, "nuc"), V, ValueError, "Invalid norm order"),
        (lambda a: L.norm(a, 7), A, ValueError, "Invalid norm order"),
        (lambda a: L.norm(a, 1), AA, ValueError, "number of dimensions"),
        (lambda a: L.tensorinv(a, 0), A, ValueError, "ind"),
        (L.eig, A, TypeError, r"np\.linalg\.eig .*complex"),
        (L.eigvals, A, TypeError, r"np\.linalg\.eigvals .*complex"),
    ],
)
def test_what_cannot_be_is_refused(f, x, error, says):
    with pytest.raises(error, match=says):
        f(ag.Tensor(x, requires_grad=True))


def test_a_singular_matrix_has_no_slope_of_logabsdet():
    with pytest.raises(L.LinAlgError, match="Singular matrix"):
        ag.grad(lambda a: L.slogdet(a)[1])(SINGULAR)


@pytest.mark.parametrize("p", [None, 2, -2])
def test_the_condition_of_a_zero_matrix_is_infinite_and_has_no_slope(p):
    x = np.stack([np.zeros((2, 2)), np.diag([3.0, 2.0])])
    y = L.cond(ag.Tensor(x), p)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(y.data, L.cond(x, p))
        slope = ag.grad(lambda x: L.cond(x, p)[0])(x)
        assert np.isnan(slope[0]).any()
        ag.check_gradients(lambda x: L.cond(x, p), x[1])
    with pytest.raises(L.LinAlgError, match="Singular matrix"):
        ag.grad(lambda x: L.cond(x, 1))(x[0])


def test_the_gradient_of_one_triangle_is_that_of_a_symmetric_matrix():
    """As PyTorch has it; NumPy reads the lower triangle, and differences of one entry see that."""
    torch = pytest.importorskip("torch")
    a = A + A.T
    for f, right in (
        (lambda x: L.eigvalsh(x) ** 3, lambda x: torch.linalg.eigvalsh(x) ** 3),
        (lambda x: L.eigh(x)[1][0] ** 2, lambda x: torch.linalg.eigh(x)[1][0] ** 2),
    ):
        t = torch.tensor(a, requires_grad=True)
        (right(t) * torch.arange(3.0)).sum().backward()
        g = ag.grad(lambda x, f=f: np.sum(f(x) * np.arange(3.0)))(a)
        np.testing.assert_allclose(g, t.grad, atol=1e-12)
    with pytest.raises(ag.GradientError):
        ag.check_gradients(lambda x: L.eigvalsh(x) ** 3, a, order=1)
    ag.check_gradients(lambda x: L.eigvalsh((x + x.T) / 2) ** 3, a)


def test_empty_and_compiled():
    assert L.norm(ag.Tensor(np.zeros((0, 3))), np.inf, 0).data.tolist() == [0, 0, 0]
    assert L.det(ag.Tensor(np.zeros((2, 0, 0)))).data.tolist() == [1, 1]
    cost = lambda a, b: L.slogdet(a).logabsdet + b @ L.solve(a, b)
    one = ag.compile(ag.value_and_grad(cost, (0, 1)))
    for a in (A @ A.T + np.eye(3), np.eye(3)):
        right = ag.value_and_grad(cost, (0, 1))(a, V)
        found = one(a, V)
        np.testing.assert_allclose(found[0], right[0], rtol=1e-14)
        np.testing.assert_allclose(found[1][0], right[1][0], rtol=1e-13)


@pytest.mark.parametrize(
    ("f", "written", "in_latex"),
    [
        (lambda A, b: L.slogdet(A)[1], "A⁻ᵀ", r"A^{-\top}"),
        (
            lambda A, b: np.sum(L.inv(A) @ b),
            "−A⁻ᵀ 𝟏 1ᵀ bᵀ A⁻ᵀ",
            r"-A^{-\top} \mathbf{1} \mathbf{1}^{\top} b^{\top} A",
        ),
        (lambda A, b: np.sum(L.solve(A, b) ** 2), "−2 A⁻ᵀ A⁻¹ b bᵀ A⁻ᵀ", r"-2 A^{-\top} A^{-1} b"),
        (lambda A, b: L.norm(A), "A / J", r"\frac{A}{J}"),
        (lambda A, b: L.norm(A) ** 2, "2 A", "2 A"),
        (lambda A, b: L.det(A), "det(A) A⁻ᵀ", r"\det\left(A\right) A^{-\top}"),
        (lambda A, b: L.det(A) ** 2, "2 det(A)² A⁻ᵀ", r"\det\left(A\right)"),
        (lambda A, b: np.exp(L.norm(A)), "J A / ‖A‖", r"{\lVert A \rVert}"),
    ],
)
def test_derivations_are_written_as_a_person_writes_them(f, written, in_latex):
    t = ag.Tensor(A, requires_grad=True, name="A")
    derived = ag.derive(f(t, ag.Tensor(ROWS, name="b")).named("J"))
    assert f"∂J/∂A = {written}  " in str(derived)
    assert in_latex in derived.latex()
