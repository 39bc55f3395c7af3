"""What NumPy's functions give for Tensors: a test compares these tables with what they do."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar, overload

from numpy.typing import NDArray

from autograd_lite.numpy import fft as fft, linalg as linalg
from autograd_lite.tensor import Tensor

_OnTensors = TypeVar("_OnTensors", covariant=True)
_OnArrays = TypeVar("_OnArrays", covariant=True)

class _Function(Protocol[_OnTensors, _OnArrays]):
    """A function of Tensors and of arrays."""

    @overload
    def __call__(self, x: Tensor, /, *args: Any, **kwargs: Any) -> _OnTensors: ...
    @overload
    def __call__(self, x: Any, y: Tensor, /, *args: Any, **kwargs: Any) -> _OnTensors: ...
    @overload
    def __call__(self, x: Any, y: Any, z: Tensor, /, *args: Any, **kwargs: Any) -> _OnTensors: ...
    @overload
    def __call__(self, x: Sequence[Tensor], /, *args: Any, **kwargs: Any) -> _OnTensors: ...
    @overload
    def __call__(self, *args: Any, **kwargs: Any) -> _OnArrays: ...

class Pointwise(Protocol):
    """A function of one argument, element by element."""

    @overload
    def __call__(self, x: Tensor, /) -> Tensor: ...
    @overload
    def __call__(self, x: Any, /) -> NDArray[Any]: ...

class _Ufunc(_Function[Tensor, NDArray[Any] | Any], Protocol):
    reduce: _Function[Tensor, Any]
    accumulate: _Function[Tensor, NDArray[Any]]
    reduceat: _Function[Tensor, NDArray[Any]]
    outer: _Function[Tensor, NDArray[Any]]
    at: Any
    nin: int
    nout: int
    __name__: str

OwnOperation = _Function[Tensor, Any]  # what users make of functions of arrays

_ufunc: _Ufunc
_array: _Function[Tensor, NDArray[Any]]
_value: _Function[Tensor, Any]  # of arrays: a scalar, or an array
_list: _Function[list[Tensor], list[NDArray[Any]]]
_tuple: _Function[tuple[Tensor, ...], tuple[NDArray[Any], ...]]
_several: _Function[Any, Any]  # one or more of them, or a named tuple

abs = absolute = acos = acosh = add = arccos = arccosh = arcsin = arcsinh = arctan = _ufunc
arctan2 = arctanh = asin = asinh = atan = atan2 = atanh = bitwise_and = bitwise_invert = _ufunc
bitwise_not = bitwise_or = bitwise_xor = cbrt = ceil = conj = conjugate = copysign = cos = _ufunc
cosh = deg2rad = degrees = divide = equal = exp = exp2 = expm1 = fabs = float_power = _ufunc
floor = floor_divide = fmax = fmin = fmod = greater = greater_equal = heaviside = hypot = _ufunc
invert = isfinite = isinf = isnan = ldexp = less = less_equal = log = log10 = log1p = log2 = _ufunc
logaddexp = logaddexp2 = logical_and = logical_not = logical_or = logical_xor = matmul = _ufunc
matvec = maximum = minimum = mod = multiply = negative = nextafter = not_equal = positive = _ufunc
pow = power = rad2deg = radians = reciprocal = remainder = rint = sign = signbit = sin = _ufunc
sinh = spacing = sqrt = square = subtract = tan = tanh = true_divide = trunc = vecdot = _ufunc
vecmat = _ufunc
angle = apply_along_axis = apply_over_axes = argpartition = argsort = argwhere = around = _array
astype = bincount = broadcast_to = clip = compress = convolve = copy = corrcoef = _array
correlate = cov = cross = cumprod = cumsum = cumulative_prod = cumulative_sum = delete = _array
diag = diagflat = diagonal = diff = digitize = ediff1d = expand_dims = extract = fix = _array
flatnonzero = flip = fliplr = flipud = full_like = geomspace = i0 = imag = insert = _array
isclose = iscomplex = isin = isneginf = isposinf = isreal = kron = lexsort = linspace = _array
logspace = matrix_transpose = moveaxis = nan_to_num = nancumprod = nancumsum = ones_like = _array
outer = pad = partition = permute_dims = polyadd = polyder = polyint = polysub = polyval = _array
ravel = real = real_if_close = repeat = reshape = resize = roll = rollaxis = rot90 = round = _array
sinc = sort = squeeze = swapaxes = take_along_axis = tensordot = tile = transpose = tril = _array
triu = unwrap = vander = where = zeros_like = _array
all = amax = amin = any = append = argmax = argmin = average = block = choose = _value
column_stack = concat = concatenate = count_nonzero = dot = dstack = einsum = hstack = _value
inner = interp = max = mean = median = min = nanargmax = nanargmin = nanmax = nanmean = _value
nanmedian = nanmin = nanpercentile = nanprod = nanquantile = nanstd = nansum = nanvar = _value
percentile = piecewise = prod = ptp = quantile = row_stack = searchsorted = select = stack = _value
std = sum = take = trace = trapezoid = var = vdot = vstack = _value
array_split = dsplit = hsplit = split = vsplit = _list
broadcast_arrays = divmod = frexp = meshgrid = modf = nonzero = unstack = _tuple
atleast_1d = atleast_2d = atleast_3d = gradient = _several
