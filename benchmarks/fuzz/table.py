"""Everything that a Tensor takes, in one table: the core, and what each family adds to it."""

from __future__ import annotations

import importlib
from dataclasses import replace

from autograd_lite.functions import FAMILIES
from benchmarks.fuzz import operations
from benchmarks.fuzz.programs import Entry

TABLE: dict[str, Entry] = dict(operations.TABLE)
for _family in ("elementwise", *FAMILIES):
    importlib.import_module(f"autograd_lite.functions.{_family}")  # its handlers are there
    TABLE |= importlib.import_module(f"benchmarks.fuzz.{_family}").TABLE
TABLE = {name: replace(entry, name=name) for name, entry in TABLE.items()}
