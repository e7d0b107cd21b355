"""The spline against TFP's own, which takes two evaluations and no compilation under JAX."""

import numpy as np
import tensorflow as tf

from zoo.backend import tfb
from zoo.bijectors import RationalQuadraticSpline

BOUND, BINS = 2.5, 6


def pieces(lead=(200,)):
    generator = np.random.default_rng(0)

    def shares():
        sizes = np.exp(generator.normal(size=(*lead, BINS)))
        return 2 * BOUND * sizes / sizes.sum(-1, keepdims=True)

    return shares(), shares(), np.exp(generator.normal(size=(*lead, BINS - 1)))


def test_equals_tfps_spline():
    widths, heights, slopes = pieces()
    ours = RationalQuadraticSpline(widths, heights, slopes, BOUND)
    theirs = tfb.RationalQuadraticSpline(widths, heights, slopes, range_min=-BOUND)
    x = np.random.default_rng(1).normal(0, 2, size=200)
    assert 10 < np.sum(np.abs(x) > BOUND) < 100
    for name in ("forward", "inverse"):
        value, log_det = getattr(ours, f"{name}_and_log_det")(x)
        np.testing.assert_allclose(value, getattr(theirs, name)(x), rtol=0, atol=1e-10)
        expected = getattr(theirs, f"{name}_log_det_jacobian")(x)
        np.testing.assert_allclose(log_det, expected, rtol=0, atol=1e-9)


def test_knots_and_ends():
    widths, heights, slopes = pieces((1,))
    ours = RationalQuadraticSpline(widths, heights, slopes, BOUND)
    x = np.cumsum(widths)[:-1] - BOUND
    y, log_det = ours.forward_and_log_det(x)
    np.testing.assert_allclose(y, np.cumsum(heights)[:-1] - BOUND)
    np.testing.assert_allclose(log_det, np.log(slopes[0]))
    far = np.array([-1e6, -BOUND, BOUND, 1e6])
    np.testing.assert_array_equal(ours.forward(far), far)
    np.testing.assert_array_equal(ours.inverse(far), far)


def test_gradients_are_finite_far_outside():
    pieces_of = [tf.constant(v, tf.float32) for v in pieces((4,))]
    x = tf.constant([-1e6, -BOUND, BOUND, 1e6])
    for name in ("forward", "inverse"):
        with tf.GradientTape() as tape:
            tape.watch([x, *pieces_of])
            spline = RationalQuadraticSpline(*pieces_of, BOUND)
            value, log_det = getattr(spline, f"{name}_and_log_det")(x)
            total = tf.reduce_sum(value) + tf.reduce_sum(log_det)
        assert all(np.isfinite(g).all() for g in tape.gradient(total, [x, *pieces_of]))
