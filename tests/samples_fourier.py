"""np.fft has no rules of its own: what a Tensor takes of it is made of other operations."""

SAMPLES: dict = {}
