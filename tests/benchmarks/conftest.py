"""Fixtures of the benchmarks' tests."""

import pytest


@pytest.fixture
def eagerly():
    """The same code without compiling it."""
    tf = pytest.importorskip("tensorflow")
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
