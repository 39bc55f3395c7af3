"""Every function of NumPy that could be differentiated, tried: `python -m benchmarks.numpy`.

Each function of numpy, numpy.linalg, numpy.fft and (if it is installed) scipy.special is called
with arrays and with Tensors. NumPy judges the value, central differences (ag.check_gradients) the
derivative. What is in none of the tables below and cannot be guessed is listed as not tried.

  higher order     the derivative, and the derivative of that, are right
  first order      the derivative is right, and does not go on
  plain            no gradient exists (integers, booleans, steps), and none is claimed
  refused          by name: the error says which function has no rule
  unnamed          refused by an error about the Tensor, which does not name the function
  plain, refused   refused, and there would be no gradient
  FAILS            the gradient is lost in silence, something is wrong, or an error does not tell

Exit code 1 if anything fails. `--only PATTERN` tries what matches (`linalg.*`, `nan*`);
`--markdown` also writes the table to .github/NUMPY.md.
"""

from __future__ import annotations

import argparse
import ast
import fnmatch
import importlib
import inspect
import operator
import re
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import autograd_lite as ag
from autograd_lite.transforms import flatten

NAMESPACES = ("numpy", "numpy.linalg", "numpy.fft", "scipy.special")
WORKS = ("higher order", "first order")
STATUSES = (*WORKS, "plain", "refused", "unnamed", "plain, refused", "FAILS", "not tried")
PAGE = Path(__file__).parents[1] / ".github" / "NUMPY.md"

# What functions are called with. Float arrays are differentiated, everything else is constant.
_rng = np.random.default_rng(0)
_square = _rng.normal(size=(3, 3))
SAMPLES: dict[str, Any] = {
    "a": np.array(0.7),
    "c": np.array(1.3),
    "x": np.array([0.31, 0.83, 0.57]),
    "y": np.array([0.72, 0.44, 0.66]),
    "z": np.array([0.53, 0.61, 0.29]),
    "t": np.array([0.41, 0.78, 0.35]),
    "u": np.array([1.4, 2.3, 1.7]),
    "v": np.array([2.6, 1.2, 3.1]),
    "X": _rng.normal(size=(2, 3)),
    "Y": _rng.normal(size=(2, 3)),
    "M": _rng.normal(size=(3, 2)),
    "T": _rng.normal(size=(2, 2, 3)),
    "S": _square + 2 * np.eye(3),
    "W": _rng.normal(size=(4, 4)) + 2 * np.eye(4),
    "V": _rng.normal(size=(2, 2)),
    "P": _square @ _square.T + np.eye(3),
    "i": np.array([2, 0, 1]),
    "J": np.array([[2, 0, 1], [1, 1, 0]]),
    "m": np.array([True, False, True]),
    "H": np.array([[True, False, False], [False, True, False]]),
    "np": np,
    "symmetric": lambda A: (A + np.swapaxes(A, -1, -2)) / 2,
}
for _x in SAMPLES.values():
    if isinstance(_x, np.ndarray):
        _x.flags.writeable = False
# Functions without a line below: these arguments, the first with which NumPy's value is finite.
GUESSES = {
    1: ("X", "x", "u", "-x", "i", "S"),
    2: ("x, y", "u, v", "2, x", "2, u", "x, 2", "u, 2", "i, i"),
    3: ("x, y, z", "u, v, x", "2, u, x", "2, 3, x", "2, x, y"),
    4: ("x, y, z, t", "u, v, x, y", "2, 1, x, y", "2, 3, u, x", "3, 2, u, v"),
}

# names: arguments | other arguments
CALLS = {
    "numpy": """
sum prod mean max min var std nansum nanprod nanmean nanmax nanmin nanvar nanstd median nanmedian \
: X | X, 0 | X, axis=(-1, 0) | X, axis=1, keepdims=True
nansum nanprod nanmean nanmax nanmin nanvar nanstd nanmedian : np.where(H, np.nan, X)
sum prod max min : X, axis=0, initial=0.5 | X, axis=0, where=~H, initial=0.5
var std : X, axis=1, ddof=1
ptp : X | X, axis=0 | X, axis=1, keepdims=True
average : X | X, axis=1, weights=x
quantile nanquantile : X, 0.3 | X, [0.2, 0.6], axis=1 | X, 0.3, axis=0, method='lower'
percentile nanpercentile : X, 30 | X, [20, 60], axis=1
any all count_nonzero argmax argmin nanargmax nanargmin argsort argwhere nonzero flatnonzero \
: X
cumsum cumprod nancumsum nancumprod : X | X, 1
cumulative_sum cumulative_prod : x | X, axis=1
cov corrcoef : X | X, Y
histogram histogram_bin_edges : x | x, [0.0, 0.5, 1.0]
histogram2d : x, y, 2
histogramdd : M, 2
bincount : i, weights=x
dot : X, M | x, y | X, x | T, M | a, X
matmul : X, M | x, y | T, M
inner vdot : x, y | X, Y
inner outer : x, y
kron : x, y | X, M
cross : x, y | X, x | X, Y, axis=1
tensordot : X, M, 1 | X, Y | T, X, axes=([0, 2], [0, 1])
vecdot : X, Y | X, x
matvec : X, x
vecmat : x, M
einsum : 'ij,jk->ik', X, M | 'ij,jk', X, M | '...j,j->...', T, x | 'ii->i', S | 'ii', S \
| X, [0, 1], M, [1, 2], [0, 2] | 'ij,jk,kl->il', X, M, Y | 'ij,jk->', X, M, optimize=True
trace : S | S, 1 | T, 0, 0, 2
diag : S | x | S, 1
diagflat : x
diagonal : S | T, 0, 1, 2
tril triu : S | X, 1
vander : x | x, 2
reshape : X, (3, 2) | X, -1
resize : X, (3, 3)
ravel squeeze flip : X
flip : X, 0 | T, axis=(0, 2)
fliplr flipud rot90 : X
expand_dims : X, 1 | X, (0, -1)
transpose permute_dims : X | T, (2, 0, 1)
matrix_transpose : X
swapaxes : T, 0, 2
moveaxis : T, 0, -1
rollaxis : T, 2 | T, 0, 2
roll : X, 1 | X, 1, axis=1 | X, (1, 2), (0, 1)
broadcast_to : x, (2, 3)
broadcast_arrays : X, x
concatenate concat vstack hstack dstack column_stack : [X, Y]
concatenate concat : (X, Y), 1 | [X, Y], axis=None
hstack vstack column_stack : [x, y]
stack : [x, y] | [X, Y], axis=-1
row_stack : [x, y]
block : [[X, Y], [Y, X]] | [x, y]
append : x, y | X, Y, axis=1
insert : x, 1, a | X, 1, x, axis=0
delete : X, 1, axis=1 | x, 0
split array_split : x, 3 | X, [1], axis=1
hsplit : X, 3
vsplit : X, 2
dsplit : T, 3
unstack : X | X, axis=1
tile : X, 2 | x, (2, 2)
repeat : X, 2 | X, [1, 2], axis=0
pad : X, 1 | X, ((1, 0), (2, 1)), mode='edge' | X, 1, mode='reflect' | X, 1, constant_values=2.0 \
| x, (1, 2), 'wrap'
meshgrid : x, y | x, y, indexing='ij'
atleast_1d atleast_2d atleast_3d : a | x | x, y
take : X, [0, 2], axis=1 | x, i | X, 4
take_along_axis : X, J, axis=1
compress : [True, False, True], X, axis=1
extract : H, X
choose : [1, 0, 1], [x, y]
select : [m, ~m], [x, y] | [m], [x], 3.0
where : m, x, y | H, X, 0.0
piecewise : x, [x < 0.5, x >= 0.5], [np.sin, np.cos]
clip : X, -0.5, 0.5 | X, a, c | X, min=-0.5, max=0.5 | x, None, 0.5 | X, 2.0, 0.0
nan_to_num : X | np.where(H, np.nan, X)
sort : x | X, axis=0 | X, axis=None
partition : x, 1
argpartition : x, 1
sort_complex : x
searchsorted : [0.0, 0.5, 1.0], x | [0.0, 0.5, 1.0], a
digitize : x, [0.0, 0.5, 1.0]
lexsort : (x, y)
interp : x, [0.0, 0.5, 1.0], z | a, [0.0, 0.5, 1.0], [1.0, 3.0, 2.0]
convolve correlate : x, y | x, y, 'same' | x, np.array([0.4, 0.2]), 'valid'
diff : x | X, 2 | X, axis=0
ediff1d : x
gradient : x | X | X, axis=1 | x, 0.5
trapezoid : X | x, dx=0.5 | x, u
unwrap : 4 * u
linspace logspace geomspace : a, c, 4
linspace : x, y, 3
full : 3, a
full_like : X, a
arange : a, 4.0
kaiser : 4, a
round around : X | X, 1
astype : X, np.float32 | X, int
array asarray asanyarray : [a, c] | X
copy require : X
array : [x, y]
isclose allclose array_equal array_equiv : x, y
isin : X, [0.0, 1.0]
isin setdiff1d setxor1d union1d intersect1d : x, y
apply_along_axis : np.sum, 0, X | np.cumsum, 1, X
apply_over_axes : np.sum, X, [0]
polyval : x, y
polyadd polysub polymul polydiv : x, y
polyfit : np.array([0.0, 1.0, 2.0]), x, 1
polyder polyint poly roots : x
polyder polyint : x, 2
ldexp : x, i
copysign : x, Y
logical_and logical_or logical_xor : x, y
add.reduce multiply.reduce maximum.reduce minimum.reduce logaddexp.reduce : X | X, axis=1
add.accumulate multiply.accumulate maximum.accumulate minimum.accumulate : X | X, 1
add.outer multiply.outer subtract.outer : x, y
add.reduceat : x, [0, 2] | X, [2, 0, 1], 1
add : x, y | x, y, out=np.empty(3) | x, y, where=m
exp : x | x, None, where=m
r_.__getitem__ c_.__getitem__ : (x, y)
lib.stride_tricks.sliding_window_view : x, 2 | X, (2, 2)
""",
    "numpy.linalg": """
cholesky : symmetric(P) | symmetric(np.stack([P, S @ S.T]))
det inv slogdet : S | np.stack([S, P])
slogdet : -S
solve : S, x | S, M | np.stack([S, P]), M
lstsq : M, x, None
pinv : X | S
cond : S
cond : S, 1
norm : X | x | X, axis=1 | X, 'nuc' | X, 2 | X, 1 | X, np.inf | x, 3 | x, np.inf | X, axis=(0, 1) \
| X, axis=0, keepdims=True
matrix_norm : X | X, ord='nuc'
vector_norm : X | X, axis=1, ord=3
eigh : symmetric(P)
eigvalsh : symmetric(P) | symmetric(P), 'U'
eig eigvals : symmetric(P)
svd : X, full_matrices=False | S | X, compute_uv=False
svdvals : X
qr : M | S | X, 'r'
matrix_power : S, 3 | S, -2 | S, 0
matrix_rank : S
multi_dot : [X, M, X] | [x, S, y]
tensorinv : np.reshape(W, (4, 2, 2)), ind=1
tensorsolve : np.reshape(W, (2, 2, 4)), V
trace diagonal : S | T, offset=1
matmul : X, M
outer cross : x, y
tensordot : X, M, axes=1
vecdot : X, Y
""",
    "numpy.fft": """
fftfreq rfftfreq : 4, a
fft ifft rfft irfft hfft ihfft : x | X, axis=0
fft2 ifft2 rfft2 irfft2 fftn ifftn rfftn irfftn fftshift ifftshift : X
""",
    "scipy.special": """
jv jn yv iv ive kv kve jve yve : 2, u | 0.5, u | u, x
yn kn : 2, u
jvp yvp ivp kvp : 2, u
polygamma : 1, u
legendre_p : 2, x
assoc_legendre_p sph_legendre_p : 2, 1, x
legendre_p_all : 2, x
multigammaln : 3 * u, 2
comb perm : 3 * u, x
factorial kolmogorov : u
logsumexp : X | X, axis=1, keepdims=True | x, b=y
softmax log_softmax : X | X, axis=1
spherical_jn spherical_yn spherical_in spherical_kn : 2, u
round : u
diric : x, 3
log_ndtr ndtr ndtri_exp : -x
sinc : x
zeta : u | 2.5, v | u, v
expn : 2, x | 0, x
eval_legendre eval_chebyt eval_chebyu eval_chebys eval_chebyc eval_hermite eval_hermitenorm \
eval_laguerre eval_sh_legendre eval_sh_chebyt eval_sh_chebyu : 2, x
eval_gegenbauer eval_genlaguerre : 2, 0.5, x
eval_jacobi eval_sh_jacobi : 2, 0.5, 0.7, x
betainc betaincc betaincinv : 2.0, 3.0, x | u, v, x
gammainc gammaincc : 2.0, x | u, x
hyp0f1 : 2.0, x
hyp1f1 hyperu : 1.0, 2.0, x
hyp2f1 : 0.5, 1.0, 2.0, x
bdtr bdtrc : x, 3, y
bdtri nbdtr nbdtrc nbdtri : 2, 3, x
pdtr pdtrc : 2, u
smirnov : 3, x
smirnovi : 3, x
stdtr chdtr chdtrc : 3.0, x
struve modstruve : 1.0, x
""",
}

# Not tried, and why.
EXCLUDED = {
    "numpy": {
        "writes in place": "copyto fill_diagonal place put put_along_axis putmask",
        "input, output and text": """array2string array_repr array_str base_repr binary_repr
            format_float_positional format_float_scientific fromfile frombuffer from_dlpack
            fromregex fromstring genfromtxt get_include info load loadtxt save savetxt savez
            savez_compressed show_config show_runtime test typename""",
        "settings": """get_printoptions set_printoptions printoptions getbufsize setbufsize geterr
            seterr geterrcall seterrcall""",
        "dates": "busday_count busday_offset datetime_as_string datetime_data is_busday isnat",
        "dtypes": """can_cast common_type isdtype issubdtype min_scalar_type mintypecode
            promote_types result_type""",
        "memory": "may_share_memory shares_memory nested_iters",
        "integers alone": "packbits unpackbits ravel_multi_index unravel_index",
        "takes shapes and integers alone": """bartlett blackman hamming hanning broadcast_shapes
            diag_indices empty eye identity indices ix_ mask_indices ones tri tril_indices
            triu_indices zeros einsum_path""",
        "takes functions or iterators": "fromfunction fromiter frompyfunc",
        "the class np.matrix": "asmatrix bmat",
        "its value is what lay in memory": "empty_like",
    },
    "numpy.linalg": {"runs NumPy's tests": "test"},
    "numpy.fft": {"runs NumPy's tests": "test"},
    "scipy.special": {
        "roots, zeros and sequences by integers": """ai_zeros bei_zeros beip_zeros ber_zeros
            berp_zeros bi_zeros bernoulli c_roots cg_roots euler erf_zeros fresnel_zeros
            fresnelc_zeros fresnels_zeros h_roots he_roots j_roots jn_zeros jnjnp_zeros jnp_zeros
            jnyn_zeros js_roots kei_zeros keip_zeros kelvin_zeros ker_zeros kerp_zeros l_roots
            la_roots lmbda lqmn lqn lpmv mathieu_even_coef mathieu_odd_coef obl_cv_seq p_roots
            pbdn_seq pbdv_seq pbvv_seq pro_cv_seq ps_roots riccati_jn riccati_yn roots_chebyc
            roots_chebys roots_chebyt roots_chebyu roots_gegenbauer roots_genlaguerre roots_hermite
            roots_hermitenorm roots_jacobi roots_laguerre roots_legendre roots_sh_chebyt
            roots_sh_chebyu roots_sh_jacobi roots_sh_legendre s_roots t_roots ts_roots u_roots
            us_roots y0_zeros y1_zeros y1p_zeros yn_zeros ynp_zeros factorial2
            factorialk stirling2""",
        "makes polynomials (classes)": """assoc_laguerre chebyc chebys chebyt chebyu gegenbauer
            genlaguerre hermite hermitenorm jacobi laguerre legendre sh_chebyt sh_chebyu sh_jacobi
            sh_legendre""",
        "all orders at once": "assoc_legendre_p_all sph_legendre_p_all sph_harm_y_all",
        "complex": "h1vp h2vp sph_harm_y",
        "ellipsoidal and spheroidal harmonics": """ellip_harm ellip_harm_2 ellip_normal
            obl_ang1 obl_ang1_cv obl_cv obl_rad1 obl_rad1_cv obl_rad2 obl_rad2_cv pro_ang1
            pro_ang1_cv pro_cv pro_rad1 pro_rad1_cv pro_rad2 pro_rad2_cv""",
        "settings and tests": "geterr seterr test",
    },
}


@dataclass
class Row:
    """One function: its status, and what there is to say about it."""

    namespace: str
    name: str
    status: str
    notes: list[str] = field(default_factory=list)


class Call:
    """A function with its arguments as they are written down: a function of the arrays in them.

    Of the float arrays, that is; of the others where there is none.
    """

    def __init__(self, function: Callable[..., Any], arguments: str) -> None:
        self.text = arguments
        tree = ast.parse(f"_f({arguments})")
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        arrays = {n: a for n, a in SAMPLES.items() if n in used and isinstance(a, np.ndarray)}
        floats = {n: a for n, a in arrays.items() if a.dtype.kind == "f"}
        self.names, self.arrays = list(floats or arrays), list((floats or arrays).values())
        self.smooth = bool(floats)
        source = f"lambda {', '.join(self.names)}: _f({arguments})"
        self._call = eval(source, SAMPLES | {"_f": function})

    def __call__(self, *arrays: Any) -> Any:
        return self._call(*arrays)

    def moved(self, h: float) -> list[np.ndarray]:
        """The arrays, a step h away in a direction that is always the same."""
        rng = np.random.default_rng(1)
        return [x + h * rng.normal(size=x.shape) for x in self.arrays]


def _values(tree: Any) -> list[np.ndarray]:
    """The arrays in what a function returned, with the parts of complex ones apart."""
    arrays = [np.asarray(y.data if isinstance(y, ag.Tensor) else y) for y in flatten(tree)]
    return [part for y in arrays for part in ((y.real, y.imag) if y.dtype.kind == "c" else (y,))]


def dependent(call: Call) -> list[bool]:
    """For each array that NumPy returns: whether it changes with the arguments."""
    if not call.smooth:
        return [False] * len(_values(call(*call.arrays)))
    after, before = (_values(call(*call.moved(h))) for h in (1e-4, -1e-4))
    return [
        p.dtype.kind == "f" and p.shape == q.shape and bool((np.abs(p - q) > 1e-9).any())
        for p, q in zip(after, before, strict=True)
    ]


def _difference(got: Any, expected: Any) -> str | None:
    """How what came of Tensors differs from what NumPy returns; None where it does not."""
    if getattr(expected, "_fields", None) != getattr(got, "_fields", None):
        return f"returns a {type(got).__name__}, not a {type(expected).__name__}"
    values, right = _values(got), _values(expected)
    if len(values) != len(right):
        return f"returns {len(values)} arrays, not {len(right)}"
    for y, z in zip(values, right, strict=True):
        if (y.shape, y.dtype) != (z.shape, z.dtype):
            return f"returns {y.shape} of {y.dtype}, not {z.shape} of {z.dtype}"
        eps = float(np.finfo(z.dtype if z.dtype.kind == "f" else float).eps)
        if not np.allclose(y, z, rtol=500 * eps, atol=50 * eps, equal_nan=True):
            return f"returns {y.ravel()[:3]}, not {z.ravel()[:3]}"
    return None


def _refused(name: str, error: Exception) -> str | None:
    """How an error says that a Tensor cannot pass; None where it is about another thing."""
    if not isinstance(error, TypeError | AttributeError | NotImplementedError):
        return None
    last = name.removesuffix(".__getitem__").split(".")[-1]
    if re.search(rf"\b{last}\b", str(error).split(" of ")[0]):
        return "refused"
    return "unnamed" if re.search("Tensor|has no rule", str(error)) else None


def judge(name: str, call: Call) -> tuple[str, str]:
    """The status of one call, and a note."""
    expected = call(*call.arrays)
    depends = dependent(call)
    try:
        got = call(*[ag.Tensor(x, requires_grad=call.smooth) for x in call.arrays])
    except Exception as error:
        status = _refused(name, error)
        if not status:
            return "FAILS", f"{type(error).__name__}: {_line(error)}"
        return (status if any(depends) else "plain, refused"), "refused"
    if wrong := _difference(got, expected):
        return "FAILS", wrong
    needs = [isinstance(y, ag.Tensor) and y.requires_grad for y in flatten(got)]
    if lost := [k for k, (d, n) in enumerate(zip(depends, needs, strict=False)) if d and not n]:
        return "FAILS", f"the gradient of result {lost[0]} is lost in silence"
    if not any(needs):
        return "plain", ""
    return _derivative(name, call, [k for k, n in enumerate(needs) if n])


def _derivative(name: str, call: Call, chosen: list[int]) -> tuple[str, str]:
    """Whether the derivatives of these results are right, by central differences."""

    def combined(*arrays: Any) -> Any:
        results = flatten(call(*arrays))
        rng = np.random.default_rng(2)
        return sum(np.sum(results[k] * rng.normal(size=results[k].shape)) for k in chosen)

    notes = []
    for order, status in ((2, "higher order"), (1, "first order")):
        try:
            ag.check_gradients(combined, *call.arrays, order=order)
            return status, " ".join(notes)
        except ag.GradientError as error:
            wrong_at, argument, index, slope = error.report.worst
            entry = f"{call.names[int(argument.split()[-1])]}{list(index)}"
            told = "lost in silence" if slope.tape == 0 else f"{slope.tape:.6g}"
            return "FAILS", (
                f"the derivative of order {wrong_at} to {entry} is {told}; "
                f"differences say {slope.numeric:.6g}"
            )
        except Exception as error:
            notes.append(f"order {order}: {type(error).__name__}: {_line(error)}")
            refused = _refused(name, error)
    return refused or "FAILS", notes[-1]


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:160]


def calls_of(namespace: str) -> dict[str, list[str]]:
    """What stands in CALLS: the arguments of each name."""
    found: dict[str, list[str]] = {}
    for line in CALLS.get(namespace, "").strip().splitlines():
        names, arguments = line.split(" : ", 1)
        for name in names.split():
            found.setdefault(name, []).extend(part.strip() for part in arguments.split(" | "))
    return found


def guesses(function: Callable[..., Any]) -> list[str]:
    """Arguments with which a function of one array, or a ufunc, may be called."""
    if isinstance(function, np.ufunc):
        return list(GUESSES.get(function.nin, ()))
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return list(GUESSES[1])
    required = [p for p in parameters if p.default is p.empty and p.kind < p.VAR_POSITIONAL]
    return list(GUESSES[1]) if len(required) == 1 else []


def guessed(function: Callable[..., Any]) -> Call | None:
    """The first guess that NumPy takes, and for which it returns finite numbers."""
    for arguments in guesses(function):
        call = Call(function, arguments)
        try:
            values = _values(call(*call.arrays))
        except Exception:
            continue
        if all(y.dtype.kind in "fiubc" and np.isfinite(y).all() for y in values):
            return call
    return None


def functions_of(namespace: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every function of a namespace once, and what else has a line in CALLS."""
    module = importlib.import_module(namespace)
    excluded = {n for names in EXCLUDED.get(namespace, {}).values() for n in names.split()}
    listed = calls_of(namespace)
    names: dict[str, Any] = {}
    for name in dir(module):
        value = getattr(module, name, None)
        if not name.startswith("_") and callable(value) and not isinstance(value, type):
            names[name] = value
    for name in listed:
        try:
            names[name] = operator.attrgetter(name)(module)
        except AttributeError:  # another version of NumPy
            continue
    seen: dict[int, str] = {}
    for name in sorted(names, key=lambda n: (n != getattr(names[n], "__name__", n), n)):
        if name not in excluded and seen.setdefault(id(names[name]), name) == name:
            yield name, names[name]


def tried(namespace: str, name: str, function: Callable[..., Any]) -> Row:
    """One function, called in every way that is known for it."""
    row = Row(namespace, name, "not tried")
    short = name if namespace == "numpy" else f"{namespace}.{name}"
    calls = [Call(function, arguments) for arguments in calls_of(namespace).get(name, ())]
    if not calls and (call := guessed(function)):
        calls = [call]
    found = []
    for call in calls:
        try:
            status, note = judge(short, call)
        except Exception as error:  # NumPy's own
            status, note = "not tried", f"{type(error).__name__}: {_line(error)}"
        found.append(status)
        if note:
            row.notes.append(f"({call.text}) {note}")
    if "FAILS" in found or "not tried" in found:
        row.status = "FAILS" if "FAILS" in found else "not tried"
    elif found:
        row.status = min(found, key=STATUSES.index)
    return row


def table(namespaces: tuple[str, ...] = NAMESPACES, only: str = "*") -> list[Row]:
    """Every function whose name (`sum`, `linalg.inv`, `special.erf`) fits the pattern, tried."""
    rows = []
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for namespace in namespaces:
            try:
                importlib.import_module(namespace)
            except ImportError:
                continue
            for name, function in functions_of(namespace):
                path = f"{namespace}.{name}".split(".", 1)[1]
                if any(fnmatch.fnmatch(n, only) for n in (name, path)):
                    rows.append(tried(namespace, name, function))
    return rows


def summary(rows: list[Row]) -> str:
    """How many of the functions that have a gradient work."""
    count = {s: sum(row.status == s for row in rows) for s in STATUSES}
    work, refused = (count[p] + count[q] for p, q in (WORKS, ("refused", "unnamed")))
    plain = count["plain"] + count["plain, refused"]
    return (
        f"{work} of {work + refused + count['FAILS']} functions that have a gradient work, "
        f"{refused} are refused, {count['FAILS']} FAIL; of {plain} that have none "
        f"{count['plain']} work; {count['not tried']} not tried"
    )


def text(rows: list[Row]) -> Iterator[str]:
    """The table: for each namespace the names of each status, and why a row stands there."""
    for namespace in dict.fromkeys(row.namespace for row in rows):
        own = [row for row in rows if row.namespace == namespace]
        yield f"{namespace}: {summary(own)}"
        for status in STATUSES:
            chosen = [row for row in own if row.status == status]
            names = " ".join(sorted(_shown(row) for row in chosen))
            if chosen:
                yield from textwrap.wrap(
                    f"{status:15}{len(chosen):4}  {names}", 100, subsequent_indent=" " * 21
                )
        for row in own:
            if row.status in (*WORKS, "FAILS", "not tried"):
                yield from (f"  {row.name}{note}" for note in row.notes)
        yield ""


def _shown(row: Row) -> str:
    """The name, with an asterisk where some of the ways to call it are refused."""
    return row.name + "*" * (row.status in WORKS and bool(row.notes))


def markdown(rows: list[Row]) -> str:
    """The page .github/NUMPY.md."""
    lines = [
        "# NumPy's functions on Tensors",
        "",
        "Written by `python -m benchmarks.numpy --markdown`, which calls each function: NumPy",
        "judges its value, central differences its derivative.",
        "",
        summary(rows) + ".",
        "",
        "| | |",
        "|---|---|",
    ]
    meanings = {
        "higher order": "the derivative, and the derivative of that, are right",
        "first order": "the derivative is right, and does not go on",
        "plain": "there is no gradient (integers, booleans, steps)",
        "refused": "an error names the function and says that it has no rule",
        "unnamed": "refused by an error that does not name the function",
        "plain, refused": "refused, and there would be no gradient",
        "FAILS": "wrong",
        "not tried": "nobody has said how to call it",
        "*": "some ways to call it are refused",
    }
    lines += [f"| {status} | {meaning} |" for status, meaning in meanings.items()]
    for namespace in dict.fromkeys(row.namespace for row in rows):
        own = [row for row in rows if row.namespace == namespace]
        lines += ["", f"## {namespace}", "", summary(own) + ".", "", "| | | |", "|---|---|---|"]
        for status in STATUSES:
            chosen = [row for row in own if row.status == status]
            names = " ".join(f"`{_shown(row)}`" for row in sorted(chosen, key=lambda r: r.name))
            if chosen:
                lines.append(f"| {status} | {len(chosen)} | {names} |")
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Try the functions, print the table, return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="*", metavar="PATTERN", help="as linalg.* or nan*")
    parser.add_argument("--markdown", action="store_true", help=f"also write {PAGE.name}")
    options = parser.parse_args(arguments)
    if options.markdown and options.only != "*":
        parser.error("the page has all functions: --markdown goes without --only")
    rows = table(only=options.only)
    print("\n".join([*text(rows), summary(rows)]))
    if options.markdown:
        PAGE.write_text(markdown(rows), encoding="utf-8")
    return int(any(row.status == "FAILS" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
