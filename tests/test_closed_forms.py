"""The derivatives of `closed_forms.toml` are claims that hold, and their negatives are not."""

from __future__ import annotations

from typing import Any

import pytest
from closed_forms import ROWS, TABLE

import autograd_lite as ag


def declarations(row: dict[str, Any]) -> list[str]:
    """The letters of a row, and what is assumed of them, as lines of a plain text note."""
    lines = [row["sizes"]] if "sizes" in row else []
    for name, shape in row["shapes"].items():
        assumption = row.get("assumptions", {}).get(name, "")
        entries = "{0,1}" if assumption == "one-hot" else "ℝ"
        space = f"{entries}^{{{'×'.join(shape)}}}" if shape else entries
        if assumption == "positive":
            lines += [f"{name} ∈ {space}", f"{name} > 0"]
        elif assumption == "positive determinant":
            lines += [f"{name} ∈ {space}", f"det({name}) > 0"]
        else:
            lines.append(f"{name} ∈ {space} {assumption}".rstrip())
    return lines


@pytest.mark.parametrize("row", ROWS)
def test_a_closed_form_is_a_claim_that_holds(row):
    wrt = row["wrt"]
    derivative = f"∂²F/∂{wrt}²" if row.get("order") == 2 else f"∂F/∂{wrt}"
    lines = [
        *declarations(row),
        f"F = {row['formula']}",
        f"{derivative} = {row['closed']}",
        f"{derivative} = −({row['closed']})",
    ]
    report = ag.check_derivation("\n".join(lines) + "\n")
    assert [claim.verdict for claim in report.claims] == ["holds", "wrong"], str(report)


def test_the_table_has_what_people_look_up():
    rows = [row for group in TABLE.values() for row in group]
    assert len(rows) >= 80
    asked = [
        (
            row["formula"],
            row["wrt"],
            row.get("order", 1),
            str(row.get("assumptions")),
            str(row["shapes"]),
        )
        for row in rows
    ]
    assert len(set(asked)) == len(asked)
