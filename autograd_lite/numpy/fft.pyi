from autograd_lite.numpy._fft import *
from numpy.fft import *  # type: ignore[assignment]
from autograd_lite.numpy._fft import *
