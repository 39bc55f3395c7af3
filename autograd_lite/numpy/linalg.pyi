from autograd_lite.numpy._linalg import *
from numpy.linalg import *  # type: ignore[assignment]
from autograd_lite.numpy._linalg import *
