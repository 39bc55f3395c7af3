"""Optional libraries: loaded on use, with one error for a missing and another for a broken one."""

from __future__ import annotations

import importlib
import warnings
from types import ModuleType

from autograd_lite.files import excerpt


def needed(module: str, purpose: str, extra: str) -> ModuleType:
    """A module of an optional library, which `extra` installs.

    Raises ImportError, in one line. If the library is not installed, the line is `purpose` and the
    command to type, and the error has no cause; if it is installed but fails, the line has its own
    error, which is the cause.

    >>> needed("math", "angles need math", "angle").pi
    3.141592653589793
    >>> needed("nowhere.inside", "maps need nowhere", "map")
    Traceback (most recent call last):
    ImportError: maps need nowhere: pip install "autograd-lite[map]"
    """
    library = module.partition(".")[0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the warnings of a library that loads are not ours
            importlib.import_module(library)
            return importlib.import_module(module)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == library:
            raise ImportError(f"{purpose}: {install_command(extra)}") from None
        said = f"{type(error).__name__}: {excerpt(' '.join(str(error).split()))}"
        raise ImportError(
            f"{library} is installed, but fails to import ({said}). Repair it with "
            f'pip install --force-reinstall "autograd-lite[{extra}]"'
        ) from error


def install_command(extra: str) -> str:
    """The command that installs an extra."""
    return f'pip install "autograd-lite[{extra}]"'
