"""The block-stored layer against the masked dense product that it stands for."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import helpers
from tests.zoo import images
from zoo import layers
from zoo.networks import MaskedDense

DEGREES = {
    "square": (range(1, 9), range(8)),
    "wide": (range(1, 6), sorted(list(range(5)) * 4)),
    "narrow": (sorted(list(range(4)) * 5), range(4)),
    "one_output": ([1, 2, 3], [2]),
    "sees_nothing": ([1, 2], [0, 0, 0]),
    "sees_everything": ([0, 0, 1], [1, 1, 2, 3]),
}


def layer_of(case, **kwargs):
    degrees = [list(d) for d in DEGREES[case]]
    layer = MaskedDense(*degrees, dtype="float64", **kwargs)
    return helpers.randomize(layer), np.less_equal.outer(*degrees)


@pytest.mark.parametrize("case", DEGREES)
@pytest.mark.parametrize("blocks", [1, 3, 4])
def test_equals_the_masked_dense_product(case, blocks):
    layer, mask = layer_of(case, blocks=blocks)
    kernel = layer.dense_kernel().numpy()
    assert np.array_equal(kernel != 0, mask)
    x = np.random.default_rng(0).normal(size=(7, mask.shape[0]))
    expected = x @ kernel + layer.bias.numpy()
    np.testing.assert_allclose(layer(x), expected, rtol=0, atol=1e-12)


def test_the_zero_half_is_not_stored():
    dense = 64 * 64
    stored = sum(v.numpy().size for v in layer_of_size(64).trainable_variables) - 64
    assert stored < 0.65 * dense


def layer_of_size(size):
    return MaskedDense(list(range(1, size + 1)), list(range(size)), blocks=4)


def test_starts_as_the_initializer_says():
    layer = MaskedDense([1, 2, 3], [1, 2, 3], keras.initializers.Constant(2.0))
    assert np.array_equal(layer.dense_kernel(), 2.0 * np.triu(np.ones((3, 3))))


def test_gradient_of_masked_entries_is_zero():
    layer, mask = layer_of("square", blocks=1)
    x = np.random.default_rng(0).normal(size=(7, 8))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) ** 3)
    gradient = tape.gradient(loss, layer.kernels[0].value)
    mask = mask[: len(gradient)]
    assert np.array_equal(gradient.numpy() != 0, mask)
    assert (layer.kernels[0].numpy()[~mask] != 0).all()


@pytest.mark.parametrize("fast", ["log_prob", "sample"])
def test_any_weights_are_valid(fast):
    """Noise on every variable, as of Langevin dynamics: nothing is put right behind it."""
    layer = layers.Autoregressive(
        (6,), hidden_units=(12, 12), activation="tanh", fast=fast, context_shape=(2,), seed=0,
        dtype="float64",
    )  # fmt: skip
    generator = np.random.default_rng(0)
    for variable in layer.trainable_variables:
        variable.assign_add(generator.normal(0.0, 0.1, variable.shape))
    images.check(layer, images.normal(2, 2))
