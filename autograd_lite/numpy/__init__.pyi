# Ours stand before NumPy's and after: of two, mypy takes the first, pyright the last.
from autograd_lite.numpy._functions import *
from numpy import *  # type: ignore[assignment, no-redef]
from autograd_lite.numpy._functions import *
