"""The derivatives of `closed_forms.toml`, and the options of `derive` for each."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

with open(Path(__file__).parent / "closed_forms.toml", "rb") as file:
    TABLE: dict[str, list[dict[str, Any]]] = tomllib.load(file)
# In a note, the derivative by a matrix takes all of its entries as variables of their own.
ROWS = [
    pytest.param(row, id=f"{group}: {row['formula']} by {row['wrt']}, {row.get('order', 1)}")
    for group, rows in TABLE.items()
    for row in rows
    if not row.get("tied")
]
_ASSUMED = {
    "symmetric positive definite": "positive definite",
    "positive determinant": "positive definite",
}


def options(row: dict[str, Any]) -> dict[str, Any]:
    """What `derive` is told of the letters of a row."""
    return {
        "order": row.get("order", 1),
        "shapes": {name: tuple(shape) for name, shape in row["shapes"].items()},
        "assume": {k: _ASSUMED.get(x, x) for k, x in row.get("assumptions", {}).items()},
    }
