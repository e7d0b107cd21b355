"""Points of a toy drawn anew at each pass: training data without an end."""

import numpy as np
import tensorflow as tf


def passes(toy, count, seed=None):
    """A `tf.data.Dataset` of single points, other ones at each pass.

    Args:
        toy: Of `trainers.datasets.toy_densities`.
        count: Points a pass.
        seed: With the same seed two datasets give the same sequence of passes, whose points are in
            no split; None for others at each call.

    Returns:
        A dataset of float32 [2].
    """

    def draw(number):
        rng = np.random.default_rng([int(number), 1])
        return toy.sample(count, rng).astype(np.float32)

    def points(number):
        x = tf.numpy_function(draw, [number], tf.float32)
        return tf.data.Dataset.from_tensor_slices(tf.ensure_shape(x, [count, 2]))

    numbers = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).take(1)
    return numbers.flat_map(points).apply(tf.data.experimental.assert_cardinality(count))
