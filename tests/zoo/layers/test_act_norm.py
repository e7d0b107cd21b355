import numpy as np
import pytest

from tests import helpers
from zoo.layers import ActNorm


@pytest.mark.parametrize("shape", [(3,), (4, 5, 3)])
def test_adapt_standardizes_its_batch(shape):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(200, *shape)) * [0.01, 1.0, 300.0] + [-5.0, 0.0, 1000.0]
    layer = ActNorm(shape, dtype="float64")
    layer.adapt(x)
    z = np.reshape(layer(x)[0], (-1, 3))
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(z.var(axis=0), 1, rtol=1e-9)


def test_a_constant_entry_is_not_blown_up():
    x = np.stack([np.zeros(50), np.random.default_rng(0).normal(size=50)], axis=1)
    layer = ActNorm((2,), min_variance=1e-4, dtype="float64")
    layer.adapt(x)
    z, log_det = layer(x + [0.01, 0.0])
    np.testing.assert_allclose(z.numpy()[:, 0], 1.0)
    assert np.isfinite(log_det).all()


def test_log_det_counts_every_pixel_of_a_channel():
    layer = helpers.randomize(ActNorm((4, 5, 3), dtype="float64"))
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 3))
    log_scale = 8.0 * np.tanh(layer.log_scale.numpy() / 8.0)
    np.testing.assert_allclose(layer(x)[1], np.full(2, -20 * log_scale.sum()))


def test_starts_as_the_identity():
    x = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")
    z, log_det = ActNorm((3,))(x)
    np.testing.assert_array_equal(z, x)
    np.testing.assert_array_equal(log_det, [0, 0])
