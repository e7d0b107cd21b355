import numpy as np
import tensorflow as tf

from tests import helpers
from zoo.layers import Radial


def softplus(x):
    return np.log1p(np.exp(x))


def test_is_the_equation_of_the_paper():
    layer = helpers.randomize(Radial((5,), seed=0, dtype="float64"), scale=2.0)
    center, alpha, beta = (layer.parameters[n].numpy() for n in ("center", "alpha", "beta"))
    alpha = softplus(alpha) + 1e-3
    beta = alpha * (softplus(beta + np.log(np.expm1(0.999))) + 1e-3 - 1.0)
    assert beta > -alpha
    x = np.random.default_rng(0).normal(size=(4, 5))
    r = np.linalg.norm(x - center, axis=1)
    h = 1.0 / (alpha + r)
    z, log_det = layer(x)
    np.testing.assert_allclose(z, x + beta * h[:, None] * (x - center))
    stretch, along = 1.0 + beta * h, 1.0 + beta * h - beta * r * h**2
    np.testing.assert_allclose(log_det, 4 * np.log(stretch) + np.log(along))


def test_at_the_center_both_directions_have_finite_gradients():
    layer = helpers.randomize(Radial((3,), dtype="float64"), scale=2.0)
    x = tf.constant(layer.parameters["center"].numpy())[None]
    for direction in ("inverse", "forward"):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = getattr(layer.bijector(), direction)(x)
            log_det = getattr(layer.bijector(), f"{direction}_log_det_jacobian")(x, 1)
            total = tf.reduce_sum(y) + tf.reduce_sum(log_det)
        np.testing.assert_allclose(y, x)
        gradients = tape.gradient(total, [x, *(v.value for v in layer.trainable_variables)])
        assert all(np.isfinite(g).all() for g in gradients)
