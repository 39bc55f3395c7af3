"""What of np.fft takes real arrays and gives real ones."""

from __future__ import annotations

from benchmarks.fuzz.operations import moves
from benchmarks.fuzz.programs import Entry

TABLE: dict[str, Entry] = {
    "fftshift": moves("np.fft.fftshift({0})", weight=0.2),
    "ifftshift": moves("np.fft.ifftshift({0})", weight=0.2),
}
