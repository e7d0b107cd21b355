"""Settings and fixtures of all tests."""

import gc
import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


@pytest.fixture(autouse=True, scope="module")
def memory_given_back():
    """Gives what a module's tests have freed back to the system: workers live long."""
    from tests import memory

    yield
    gc.collect()
    memory.reset_peak()
