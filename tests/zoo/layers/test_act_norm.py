import numpy as np
import pytest
import tensorflow as tf

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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spread", [1e-6, 1e-4, 1e-2, 1.0, 3e3, 3e4, 1e6])
def test_vectors_of_any_spread_come_to_unit_scale(spread, dtype):
    x = spread * np.random.default_rng(0).normal(size=(500, 2)) + [0.0, 2.0 * spread]
    layer = ActNorm((2,), dtype=dtype)
    layer.adapt(x)
    z, log_det = layer(x.astype(dtype))
    np.testing.assert_allclose(np.std(z, axis=0), 1, rtol=1e-3)
    np.testing.assert_allclose(log_det, -np.log(np.std(x, axis=0)).sum(), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("value", [0.0, 7.3, -1e6])
def test_constant_entries_are_divided_by_a_hundredth(value):
    x = np.stack([np.full(50, value), np.random.default_rng(0).normal(size=50)], axis=1)
    layer = ActNorm((2,))
    layer.adapt(x.astype("float32"))
    assert layer.shift.numpy()[0] == np.float32(value)
    np.testing.assert_allclose(layer.shift_and_log_scale()[1][0], np.log(0.01), rtol=1e-6)


def test_pixels_that_hardly_change_are_not_blown_up():
    x = 1e-5 * np.random.default_rng(0).normal(size=(20, 4, 4, 1))
    layer = ActNorm((4, 4, 1), dtype="float64")
    layer.adapt(x)
    assert np.std(layer(x)[0]) < 2e-3


def test_scales_beyond_the_bound_can_be_trained():
    layer = ActNorm((1,), dtype="float64")
    layer.adapt(3e4 * np.random.default_rng(0).normal(size=(500, 1)))
    with tf.GradientTape() as tape:
        log_scale = layer.shift_and_log_scale()[1]
    assert tape.gradient(log_scale, layer.log_scale.value) > 0.5
