"""Samples of the elementwise functions beyond the first few."""

from __future__ import annotations

import numpy as np

from autograd_lite.functions import elementwise

_rng = np.random.default_rng(11)
A, B = _rng.normal(size=(2, 3)), _rng.normal(size=(2, 3))
POSITIVE, ROW = _rng.uniform(0.5, 2.0, size=(2, 3)), _rng.uniform(0.5, 2.0, size=3)
_everywhere = (np.tan, np.sinh, np.cosh, np.arctan, np.arcsinh, np.exp2, np.sinc, np.i0, np.fabs)
_everywhere += (np.degrees, np.rad2deg, np.radians, np.deg2rad, np.positive, np.conjugate, np.cbrt)

SAMPLES = {
    **{f: [(f, (A,))] for f in _everywhere},
    **{f: [(f, (POSITIVE,))] for f in (np.log2, np.log10, np.reciprocal)},
    **{f: [(lambda a, f=f: f(0.9 * np.sin(a)), (A,))] for f in (np.arcsin, np.arccos, np.arctanh)},
    np.arccosh: [(lambda a: np.arccosh(a + 1), (POSITIVE,))],
    np.arctan2: [(np.arctan2, (A, ROW)), (lambda a: np.arctan2(a, -2), (A,))],
    np.hypot: [(np.hypot, (A, ROW)), (lambda a: np.hypot(a, 1.5), (A,))],
    np.logaddexp: [(np.logaddexp, (A, ROW)), (lambda a: np.logaddexp(0, a), (A,))],
    np.logaddexp2: [(np.logaddexp2, (A, ROW)), (lambda a: np.logaddexp2(a, 0.5), (A,))],
    np.remainder: [
        (lambda a, b: a % b, (A, ROW)),
        (lambda a: divmod(a, -0.7)[1], (A,)),
        (lambda a: 5 % a, (A,)),
    ],
    np.fmod: [(np.fmod, (A, ROW)), (lambda a: np.fmod(-5, a), (A,))],
    np.fmax: [(np.fmax, (A, B)), (lambda a: np.fmax(a, 0.1), (A,))],
    np.fmin: [(np.fmin, (A, B)), (lambda a: np.fmin(0.1, a), (A,))],
    np.copysign: [
        (lambda a, b: b + np.copysign(a, b), (A, B)),
        (lambda a: np.copysign(a, -1.0), (A,)),
    ],
    np.heaviside: [(lambda a, b: a + np.heaviside(np.where(a > 0, a, 0.0), b), (A, B))],
    np.nextafter: [(lambda a: np.nextafter(a, 2.0), (A,))],
    np.ldexp: [(lambda a: np.ldexp(a, 2), (A,)), (lambda a: a * np.frexp(a)[0], (A,))],
    np.float_power: [(np.float_power, (POSITIVE, ROW)), (lambda a: np.float_power(a, 3), (A,))],
    np.nan_to_num: [(lambda a: np.nan_to_num(a, nan=2.0), (A,))],
    np.unwrap: [(lambda a: np.unwrap(a, axis=0, period=1.0), (A,))],
    elementwise.fraction: [(lambda a: np.modf(a)[0], (A,))],
    elementwise.sinc_slope: [(lambda a: elementwise.sinc_slope(a, order=2), (A,))],
    elementwise.i0_slope: [(lambda a: elementwise.i0_slope(a, order=2), (A,))],
}
