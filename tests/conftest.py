"""Settings and fixtures of all tests."""

import gc
import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

LARGE = 4096  # MiB of a process


def pytest_collection_finish():
    """What imports have made stays: no collection of garbage has to look through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def memory_given_back():
    """Gives what tests have freed back to the system where it is much: workers live long."""
    from tests import memory

    yield
    if memory.now_mib() > LARGE:  # Looking for what is free takes a second.
        memory.reset_peak()
