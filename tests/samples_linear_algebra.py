"""Samples of np.linalg: of symmetric matrices where NumPy reads one triangle."""

from __future__ import annotations

import numpy as np

from autograd_lite.functions import linear_algebra as ours

_normal = lambda *shape: _rng.normal(size=shape)
_rng = np.random.default_rng(13)
_diagonal = np.diag([1.0, 2.0, 4.0])
A, AA, TALL, WIDE = (
    _normal(3, 3) / 2 + _diagonal,
    _normal(2, 3, 3) / 2,
    _normal(4, 3),
    _normal(2, 3),
)
AA += _diagonal
_definite = lambda a: a @ a.mT + _diagonal.astype(a.dtype)
_part = lambda f, k: lambda a: f(a)[k]
_svd = lambda a: np.linalg.svd(a, full_matrices=False)

SAMPLES = {
    np.linalg.inv: [(np.linalg.inv, (A,)), (np.linalg.inv, (AA,))],
    np.linalg.det: [(np.linalg.det, (A,)), (np.linalg.det, (AA,))],
    ours.cofactors: [(ours.cofactors, (A,)), (ours.cofactors, (AA,))],
    ours.logabsdet: [(_part(np.linalg.slogdet, 1), (A,)), (_part(np.linalg.slogdet, 1), (AA,))],
    np.linalg.solve: [
        (np.linalg.solve, (A, _normal(3, 2))),
        (np.linalg.solve, (AA, _normal(3))),
        (np.linalg.solve, (A, AA)),
    ],
    np.linalg.pinv: [
        (np.linalg.pinv, (TALL,)),
        (np.linalg.pinv, (WIDE,)),
        (lambda a: np.linalg.pinv(a, rtol=None), (AA,)),
    ],
    ours.lstsq_: [
        (lambda a, b: np.linalg.lstsq(a, b)[0], (TALL, _normal(4))),
        (lambda a, b: np.linalg.lstsq(a, b)[0], (WIDE, _normal(2, 2))),
    ],
    np.linalg.norm: [
        (np.linalg.norm, (A,)),
        (lambda a: np.linalg.norm(a, axis=-1, keepdims=True), (AA,)),
        (lambda a: np.linalg.norm(a, axis=(0, 2)), (AA,)),
        (np.linalg.vector_norm, (AA,)),
    ],
    np.linalg.cholesky: [
        (lambda a: np.linalg.cholesky(_definite(a)), (A,)),
        (lambda a: np.linalg.cholesky(_definite(a), upper=True), (AA,)),
    ],
    np.linalg.eigvalsh: [
        (lambda a: np.linalg.eigvalsh(_definite(a)), (A,)),
        (lambda a: np.linalg.eigvalsh(_definite(a), "U"), (AA,)),
    ],
    ours.eigh_: [
        (lambda a: np.linalg.eigh(_definite(a))[0], (A,)),
        (lambda a: np.linalg.eigh(_definite(a))[1] ** 2, (AA,)),
    ],
    ours.inverse_or_zero: [(lambda d: ours.inverse_or_zero(d, 1.0), (np.exp(A),))],
    np.linalg.svdvals: [(np.linalg.svdvals, (A,)), (np.linalg.svdvals, (WIDE,))],
    ours.svd_: [(_part(_svd, 0), (TALL,)), (_part(_svd, 1), (AA,)), (_part(_svd, 2), (WIDE,))],
    ours.lower: [(lambda a: ours.lower(a, k=-1), (AA,))],
    ours.qr_: [
        (_part(np.linalg.qr, 0), (TALL,)),
        (_part(np.linalg.qr, 1), (AA,)),
        (_part(np.linalg.qr, 1), (WIDE,)),
    ],
}
