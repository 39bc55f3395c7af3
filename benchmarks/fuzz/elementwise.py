"""Elementwise functions beyond the first few."""

from __future__ import annotations

import numpy as np

from benchmarks.fuzz.operations import function
from benchmarks.fuzz.programs import SLOPE, Entry

TABLE: dict[str, Entry] = {
    "tan": function("tan", rounds=SLOPE, domain=lambda x: (np.all(np.abs(np.cos(x)) > 0.05),)),
}
