"""What every test may ask for."""

import numpy as np
import pytest


@pytest.fixture
def rng():
    """A generator of the test's own, so that no test depends on which others ran."""
    return np.random.default_rng(0)
