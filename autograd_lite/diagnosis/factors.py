"""The numbers that a wrong gradient may be off by, and what each is called."""

from __future__ import annotations

import bisect
import math

from autograd_lite.diagnosis.layout import Layout


class Factors:
    """What a factor may be: sizes on the tape, their products, ratios of small integers."""

    def __init__(self, layout: Layout) -> None:
        self.samples = layout.samples
        sizes = {n for s in layout.paths.steps for n in s.shape if n > 1} | self.samples
        self.known: dict[float, str] = {}
        for n in sorted(sizes, key=lambda n: (n not in self.samples, n)):
            name = f"m = {n}" if n in self.samples else f"n = {n}"
            self._enter(n, name)
            self._enter(1 / n, f"1/{n}" + (" (1/m)" if n in self.samples else ""))
            if n > 2:
                self._enter(n / (n - 1), f"{n}/{n - 1}")
                self._enter((n - 1) / n, f"{n - 1}/{n}")
                self._enter(n - 1, f"{n - 1}")
                self._enter(1 / (n - 1), f"1/{n - 1}")
        for n in sorted(sizes):
            for m in sorted(sizes):
                self._enter(n * m, f"{n}·{m}")
                self._enter(1 / (n * m), f"1/({n}·{m})")
                self._enter(n / m, f"{n}/{m}")
        for p in range(1, 13):
            for q in range(1, 13):
                self._enter(p / q, f"{p}/{q}" if q > 1 and math.gcd(p, q) == 1 else f"{p / q:g}")
        self.values = sorted(self.known)

    def _enter(self, value: float, name: str) -> None:
        self.known.setdefault(float(value), name)
        for m in (0.5, 2):
            if name.startswith(("m", "1/")):
                self.known.setdefault(m * value, f"{m * value:g}")

    def __len__(self) -> int:
        return 2 * len(self.known)

    def nearest(self, slope: float, uncertain: float) -> float | None:
        """The known number that this is, with either sign."""
        size = abs(slope)
        k = bisect.bisect(self.values, size)
        value = min(self.values[max(k - 1, 0) : k + 1], key=lambda v: abs(v - size))
        return math.copysign(value, slope) if abs(value - size) <= uncertain else None

    def is_simple(self, factor: float) -> bool:
        """Whether it is −1, 2, ½, m or 1/m: what is tried first."""
        return factor in (-1.0, 2.0, 0.5) or any(factor in (m, 1 / m) for m in self.samples)

    def is_mean(self, factor: float) -> bool:
        """Whether it is 1/m."""
        return any(factor == 1 / m for m in self.samples)

    def text(self, factor: float) -> str:
        """How it is written, as in `1/400 (1/m)`."""
        name = self.known.get(abs(factor), f"{abs(factor):.6g}")
        return ("−" if factor < 0 else "") + name
