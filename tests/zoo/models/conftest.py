"""What the tests of the families share."""

import pytest

from tests import net
from zoo import backend


@pytest.fixture
def eagerly():
    """Compiled functions run op by op; gradients of one's own are then those of the operations."""
    with net.eagerly():
        yield


@pytest.fixture
def without_xla():
    """Sweeps are graphs: what is exact is so without minutes of compiling."""
    with backend.without_xla():
        yield
