"""The functions that are put together of pieces record operations that others have samples of."""

from __future__ import annotations

SAMPLES: dict = {}
