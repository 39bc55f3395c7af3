"""What of np.fft takes real arrays and gives real ones."""

from __future__ import annotations

from autograd_lite.functions import fourier
from benchmarks.fuzz.operations import moves
from benchmarks.fuzz.programs import Entry

del fourier  # it was loaded, so that its handlers are there
TABLE: dict[str, Entry] = {
    "fftshift": moves("np.fft.fftshift({0})", weight=0.2),
    "ifftshift": moves("np.fft.ifftshift({0})", weight=0.2),
}
