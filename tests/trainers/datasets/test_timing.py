"""What a pipeline takes for a batch."""

import time

import pytest
import tensorflow as tf

from trainers.datasets import timing


def slow_batches(count, first=0.0, others=0.0):
    drawn = []

    def generate():
        for row in range(count):
            time.sleep(others if row else first)
            drawn.append(row)
            yield row

    return tf.data.Dataset.from_generator(generate, output_signature=tf.TensorSpec([])), drawn


def test_the_mean_without_the_first():
    batches, drawn = slow_batches(9, first=0.5, others=0.02)
    assert 20 <= timing.milliseconds_a_batch(batches) < 200
    assert len(drawn) == 9


def test_one_batch():
    assert 100 <= timing.milliseconds_a_batch(slow_batches(1, first=0.1)[0]) < 1000


@pytest.mark.parametrize(("limit", "seconds", "most"), [(5, 60.0, 6), (1000, 0.05, 8)])
def test_it_ends(limit, seconds, most):
    batches, drawn = slow_batches(1000, others=0.02)
    timing.milliseconds_a_batch(batches, limit, seconds)
    assert 1 < len(drawn) <= most
