"""Fixtures of the library's tests."""

import pytest
import tensorflow as tf


@pytest.fixture
def eagerly():
    """Compiled functions run op by op: where compiling is not the point, it takes the time."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
