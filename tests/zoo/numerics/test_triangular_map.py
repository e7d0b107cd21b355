import numpy as np
import tensorflow as tf

from tests.zoo import images
from zoo.numerics import TriangularInverse

SIZE = 4


def evaluate(x, weights):
    """`sinh` of each entry, times and plus functions of the entries before it."""
    before = tf.linalg.matvec(
        tf.linalg.band_part(weights, -1, 0) - tf.linalg.band_part(weights, 0, 0), x
    )
    log_scale = tf.sin(before)
    z = tf.sinh(x) * tf.exp(log_scale) + before
    return z, tf.math.log(tf.cosh(x)) + log_scale


def find(z, weights):
    """Entry after entry, each from all of those before."""
    x = tf.zeros_like(z)
    lower = tf.linalg.band_part(weights, -1, 0) - tf.linalg.band_part(weights, 0, 0)
    for _ in range(SIZE):
        before = tf.linalg.matvec(lower, x)
        x = tf.asinh((z - before) * tf.exp(-tf.sin(before)))
    return x


def test_gradients_of_first_and_second_order_are_those_of_the_steps():
    inverse = TriangularInverse(find, evaluate)
    z, weights = (tf.constant(images.normal(*s, seed=len(s))) for s in ((3, SIZE), (SIZE, SIZE, 1)))
    weights, found = weights[..., 0], []
    np.testing.assert_allclose(evaluate(inverse(z, weights), weights)[0], z, rtol=0, atol=1e-10)
    for function in (inverse, find):
        with tf.GradientTape(persistent=True) as outer:
            outer.watch((z, weights))
            with tf.GradientTape() as tape:
                tape.watch((z, weights))
                y = tf.reduce_sum(tf.cos(function(z, weights)))
            first = tape.gradient(y, (z, weights))
            both = tf.reduce_sum(tf.sin(first[0])) + tf.reduce_sum(tf.sin(first[1]))
        found.append((*first, *outer.gradient(both, (z, weights))))
    for own, plain in zip(*found, strict=True):
        np.testing.assert_allclose(own, plain, rtol=0, atol=1e-8)
