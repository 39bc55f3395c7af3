"""One or more samples of every operation in the table: a function of Tensors, and where to try it.

A rule without a sample is a failing test.
"""

from __future__ import annotations

import importlib

import numpy as np

import autograd_lite as ag
from autograd_lite import rules
from autograd_lite.functions import FAMILIES


def _drawn_in_order(seed):
    """Two functions of a shape: the next numbers of one generator, normal or positive."""
    rng = np.random.default_rng(seed)
    return (
        lambda *shape: rng.normal(size=shape),
        lambda *shape: rng.uniform(0.5, 2.0, size=shape),
    )


_normal, _positive = _drawn_in_order(7)
_mask = np.array([[True, False, True], [False, False, True]])
A, B = _normal(2, 3), _normal(2, 3)

# operation: [(function of Tensors, arrays), ...]
SAMPLES = {
    np.add: [(lambda a, b: a + b, (A, B)), (np.add, (A, _normal(3))), (lambda a: 1 + a, (A,))],
    np.subtract: [(lambda a, b: a - b, (A, _normal(2, 1))), (lambda a: 1 - a, (A,))],
    np.multiply: [(lambda a, b: a * b, (A, _normal(3))), (lambda a: a * a * a, (A,))],
    np.divide: [(lambda a, b: a / b, (A, _positive(3))), (lambda b: 1 / b, (_positive(3),))],
    np.power: [
        (lambda a, b: a**b, (_positive(2, 3), _normal(3))),
        (lambda a: a**3, (A,)),
        (lambda a: a**-1.5, (_positive(3),)),
        (lambda b: 2**b, (A,)),
    ],
    np.maximum: [(np.maximum, (A, B)), (lambda a: np.maximum(a, 0.1), (A,))],
    np.minimum: [(np.minimum, (A, B)), (lambda a: np.minimum(0.1, a), (A,))],
    np.negative: [(lambda a: -a, (A,))],
    np.exp: [(np.exp, (A,)), (lambda a: a.exp(), (A,))],
    np.expm1: [(np.expm1, (A,))],
    np.log: [(np.log, (_positive(3),)), (lambda a: a.log(), (_positive(3),))],
    np.log1p: [(np.log1p, (_positive(3),))],
    np.sqrt: [(np.sqrt, (_positive(3),)), (lambda a: a.sqrt(), (_positive(3),))],
    np.square: [(np.square, (A,)), (lambda a: a**2, (A,))],
    np.absolute: [(np.abs, (A,)), (abs, (A,))],
    np.tanh: [(np.tanh, (A,)), (lambda a: a.tanh(), (A,))],
    np.sin: [(np.sin, (A,))],
    np.cos: [(np.cos, (A,))],
    np.where: [
        (lambda a, b: np.where(a > b, a * b, b), (A, B)),
        (lambda a: np.where(_mask, a, 0.0), (A,)),
    ],
    np.clip: [
        (lambda a: np.clip(a, -0.5, 0.5), (A,)),
        (lambda a, b, c: np.clip(a, b, c), (A, -_positive(3), _positive(2, 1))),
        (lambda a: a.clip(min=0.1), (A,)),
    ],
    np.dot: [
        (lambda a, b: a @ b, (A, _normal(3, 4))),
        (np.dot, (_normal(3), _normal(3))),
        (np.dot, (A, _normal(3))),
        (np.dot, (_normal(2), A)),
        (np.dot, (_normal(2, 2, 3), _normal(2, 3, 2))),
        (lambda a: np.arange(6.0).reshape(2, 3).T @ a, (A,)),
    ],
    np.matmul: [
        (np.matmul, (_normal(4, 2, 3), _normal(3, 2))),
        (np.matmul, (_normal(4, 1, 2, 3), _normal(5, 3, 2))),
        (lambda a, b: a @ b, (_normal(4, 2, 3), _normal(3))),
        (lambda a, b: a @ b, (_normal(3), _normal(4, 3, 2))),
    ],
    np.sum: [
        (np.sum, (A,)),
        (lambda a: np.sum(a, axis=-1), (A,)),
        (lambda a: a.sum(axis=(0, 2), keepdims=True), (_normal(2, 3, 2),)),
        (lambda a: np.sum(a), (_normal(),)),
    ],
    np.mean: [(np.mean, (A,)), (lambda a: a.mean(0), (A,))],
    np.max: [(np.max, (A,)), (lambda a: a.max(axis=1), (A,))],
    np.min: [(np.min, (A,)), (lambda a: a.min(axis=0, keepdims=True), (A,))],
    np.var: [(np.var, (A,)), (lambda a: np.var(a, axis=1, ddof=1), (A,))],
    np.std: [(np.std, (A,)), (lambda a: a.std(axis=0, ddof=1), (A,))],
    np.reshape: [
        (lambda a: a.reshape(3, -1), (A,)),
        (lambda a: np.ravel(a), (A,)),
        (lambda a: np.squeeze(a), (_normal(1, 3, 1),)),
        (lambda a: np.expand_dims(a, (0, -1)), (A,)),
    ],
    np.transpose: [
        (lambda a: a.T, (A,)),
        (lambda a: a.mT, (_normal(2, 3, 4),)),
        (lambda a: np.transpose(a, (1, 2, 0)), (_normal(2, 3, 4),)),
        (lambda a: np.swapaxes(a, 0, -1), (_normal(2, 3, 4),)),
        (lambda a: np.moveaxis(a, 0, -1), (_normal(2, 3, 4),)),
    ],
    np.broadcast_to: [(lambda a: np.broadcast_to(a, (4, 2, 3)), (A,))],
    rules.identity: [(rules.identity, (A,))],
    rules.astype: [(lambda a: a.astype(np.float64), (A,))],
    rules.relu: [(ag.relu, (A,)), (lambda a: a.relu(), (A,))],
    rules.sigmoid: [(ag.sigmoid, (A,)), (lambda a: a.sigmoid(), (A,))],
    rules.softplus: [(ag.softplus, (A,))],
    rules.logsumexp_: [
        (ag.logsumexp, (A,)),
        (lambda a: ag.logsumexp(a, axis=0, keepdims=True), (A,)),
    ],
    rules.softmax_: [(ag.softmax, (A,)), (lambda a: ag.softmax(a, axis=0), (A,))],
    rules.log_softmax_: [(ag.log_softmax, (A,)), (lambda a: ag.log_softmax(a, axis=0), (A,))],
    rules.concatenate: [
        (lambda a, b: np.concatenate([a, b, a], axis=-1), (A, _normal(2, 1))),
        (lambda a, b: np.concatenate([a, b], axis=None), (A, _normal(3))),
        (lambda a: np.concatenate([a], axis=1), (A,)),
    ],
    rules.stack: [
        (lambda a, b: np.stack([a, b, a], axis=1), (A, B)),
        (lambda a, b: np.stack([a, b], axis=-1), (A, B)),
    ],
    rules.einsum: [
        (lambda a, b: np.einsum("ij,jk->ik", a, b), (A, _normal(3, 4))),
        (lambda a, b, c: np.einsum("ij,kj,k->i", a, b, c), (A, _normal(4, 3), _normal(4))),
        (lambda a: np.einsum("ij->j", a), (A,)),
        (lambda a, b: np.einsum("ij,ij", a, b), (A, B)),
        (lambda a, b: np.einsum("ij,ij->j", a, b), (_normal(1, 3), _normal(2, 3))),
        (lambda a, b: np.einsum("i,i->", a, b), (_normal(3), _normal(1))),
        (lambda a: np.einsum("iij->ji", a), (_normal(2, 2, 3),)),
        (lambda a, b: np.einsum("...ij,...j", a, b), (_normal(4, 2, 3), _normal(4, 3))),
        (
            lambda a, b: np.einsum("ij,jk,kk->i", a, b, b, optimize=True),
            (A, _normal(3, 3)),
        ),
    ],
    rules.getitem: [
        (lambda a: a[1], (A,)),
        (lambda a: a[None, ..., 1:], (A,)),
        (lambda a: a[[0, 1, 0, 0]], (A,)),
        (lambda a: a[_mask], (A,)),
        (lambda a: a[a.argmax(axis=0), [0, 1, 2]], (A,)),
    ],
    rules.scatter_add: [
        (
            lambda a: rules.scatter_add(a, shape=(2, 3), index=(np.array([0, 1, 0]),)),
            (_normal(3, 3),),
        )
    ],
}

COMPOSED = {}  # functions that are compositions of operations, by name: as above
for _family in ("elementwise", *FAMILIES):
    importlib.import_module(f"autograd_lite.functions.{_family}")
    _module = importlib.import_module(f"samples_{_family}")
    SAMPLES |= _module.SAMPLES
    COMPOSED |= getattr(_module, "COMPOSED", {})

CASES = [
    (f"{name}-{k}", f, arrays)
    for name, samples in (*((op.__name__, s) for op, s in SAMPLES.items()), *COMPOSED.items())
    for k, (f, arrays) in enumerate(samples)
]
