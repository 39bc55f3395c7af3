"""NumPy for code that mypy or pyright checks: `import autograd_lite.numpy as np`.

The functions are NumPy's own, and do what they do under its name. Type checkers see them as they
are on Tensors, where NumPy's stubs promise an array for whatever is passed: here `np.tanh(x)` is a
Tensor for a Tensor, an array for an array.

>>> import numpy
>>> from autograd_lite import numpy as np
>>> np.tanh is numpy.tanh
True
"""

import sys
from typing import Any

import numpy

globals().update({name: value for name, value in vars(numpy).items() if name[0] != "_"})
for _name in ("linalg", "fft"):  # which NumPy has loaded anyway, for `import ….numpy.linalg`
    sys.modules[f"{__name__}.{_name}"] = getattr(numpy, _name)


def __getattr__(name: str) -> Any:
    """What NumPy loads only when it is asked for."""
    return getattr(numpy, name)


def __dir__() -> list[str]:
    return dir(numpy)
