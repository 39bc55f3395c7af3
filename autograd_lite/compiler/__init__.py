"""From recorded steps to straight-line NumPy: tracing, lowering, emitting."""
