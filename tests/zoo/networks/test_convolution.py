import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from tests.zoo import images


def by_definition(layer, x):
    """What a `NormConv` gives, step by step."""
    kernel = layer.kernel.numpy()
    if layer.weight_norm:
        kernel = kernel / np.sqrt((kernel**2).sum(axis=(0, 1, 2)))
    y = tf.nn.conv2d(x, kernel, 1, "SAME").numpy()
    log_scale = 8.0 * np.tanh(layer.log_scale.numpy() / 8.0)
    return (y - layer.shift.numpy()) * np.exp(-log_scale)


@pytest.mark.parametrize("weight_norm", [False, True])
@pytest.mark.parametrize("size", [1, 3])
def test_norm_conv_is_convolution_then_normalisation(weight_norm, size):
    layer = zoo.networks.NormConv(3, 4, size, weight_norm, dtype="float64")
    helpers.randomize(layer, seed=1, scale=1.0)
    x = images.normal(2, 5, 4, 3)
    np.testing.assert_allclose(layer(x), by_definition(layer, x), rtol=0, atol=1e-10)


@pytest.mark.parametrize("size", [1, 3])
def test_an_activation_acts_on_what_comes_out(size):
    layer = zoo.networks.NormConv(3, 4, size, dtype="float64")
    helpers.randomize(layer, seed=1, scale=1.0)
    x, relu = images.normal(2, 5, 4, 3), tf.nn.relu
    np.testing.assert_allclose(layer(x, activation=relu), relu(layer(x)), rtol=0, atol=1e-12)
    helpers.assert_same(layer.adapt(x, relu), layer(x, activation=relu))


@pytest.mark.parametrize("weight_norm", [False, True])
def test_adapt_standardizes_the_output(weight_norm):
    layer = zoo.networks.NormConv(3, 4, 3, weight_norm, seed=0)
    x = 2.0 + 3.0 * images.normal(20, 5, 4, 3).astype("float32")
    returned = layer.adapt(x)
    y = layer(x).numpy()
    helpers.assert_same(returned, y)
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(y.var(axis=(0, 1, 2)), 1, atol=1e-4)


def test_adapt_does_not_blow_up_what_hardly_changes():
    layer = zoo.networks.NormConv(1, 2, 1, min_variance=0.04, seed=0)
    y = layer.adapt(np.full((4, 3, 3, 1), 5.0, "float32") + 1e-6 * images.normal(4, 3, 3, 1))
    assert np.abs(y).max() < 1e-4


def test_gain_scales_a_fresh_layer():
    x = images.normal(2, 3, 3, 2).astype("float32")
    one, tenth = (zoo.networks.NormConv(2, 3, gain=g, seed=0)(x) for g in (1.0, 0.1))
    np.testing.assert_allclose(tenth, 0.1 * one, rtol=1e-4, atol=1e-7)


def test_zero_conv_starts_at_zero_and_scales_exponentially():
    layer = zoo.networks.ZeroConv(2, 3, dtype="float64")
    x = images.normal(2, 4, 4, 2)
    np.testing.assert_array_equal(layer(x), 0)
    helpers.randomize(layer, seed=1)
    expected = tf.nn.conv2d(x, layer.kernel.numpy(), 1, "SAME") + layer.bias.numpy()
    expected = expected * np.exp(3 * layer.gain.numpy())
    np.testing.assert_allclose(layer(x), expected, rtol=0, atol=1e-12)


def test_bfloat16_computes_the_kernel_in_float32():
    layer = zoo.networks.NormConv(2, 3, 3, dtype="mixed_bfloat16", seed=0)
    assert all(w.dtype == tf.float32 for w in layer.kernel_and_bias())
    assert layer(images.normal(1, 3, 3, 2).astype("float32")).dtype == tf.bfloat16
