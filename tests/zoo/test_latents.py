"""Attribute directions, and priors over the latent of an image flow."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers


def image_flow(dtype="float64", **settings):
    settings = {"levels": 9, "scales": 1, "steps": 1, "width": 4, "seed": 0} | settings
    flow = zoo.Glow((4, 4, 1), jit_compile=False, dtype=dtype, **settings)
    return helpers.randomize(flow, seed=1)


@pytest.mark.parametrize("batch_size", [256, 2])
def test_direction_is_the_difference_of_mean_latents(batch_size):
    flow = image_flow()
    positive, negative = helpers.data(flow, 5, seed=1), helpers.data(flow, 3, seed=2)
    direction = flow.attribute_direction(positive, negative, batch_size=batch_size)
    expected = np.mean(flow.encode(positive), axis=0) - np.mean(flow.encode(negative), axis=0)
    np.testing.assert_allclose(direction, expected, rtol=0, atol=1e-12)


def test_classes_go_with_the_events():
    flow = image_flow(num_classes=3)
    positive, negative = helpers.data(flow, 2, seed=1), helpers.data(flow, 3, seed=2)
    labels = np.array([0, 2])
    direction = flow.attribute_direction(positive, negative, contexts=(labels, 1), batch_size=2)
    one, two = flow.encode(positive, labels), flow.encode(negative, 1)
    expected = np.mean(one, axis=0) - np.mean(two, axis=0)
    np.testing.assert_allclose(direction, expected, rtol=0, atol=1e-12)
    moved = flow.manipulate(positive, direction, [0.5], labels)[0]
    np.testing.assert_allclose(moved, flow.decode(one + 0.5 * direction, labels), atol=1e-8)


def test_manipulate_moves_along_the_direction():
    flow = image_flow()
    x, direction = helpers.floats(flow, 3), np.linspace(-1.0, 1.0, 16)
    moved = flow.manipulate(x, direction, [-2.0, 0.0, 1.0])
    assert tuple(moved.shape) == (3, 3, 4, 4, 1)
    np.testing.assert_allclose(moved[1], x, rtol=0, atol=1e-8)
    z = flow.encode(x)
    for strength, y in ((-2.0, moved[0]), (1.0, moved[2])):
        expected = flow.decode(z + strength * direction)
        np.testing.assert_allclose(y, expected, rtol=0, atol=1e-10)
    single = flow.manipulate(x[0], direction, [-2.0, 0.0, 1.0])
    np.testing.assert_allclose(single, moved[:, 0], rtol=0, atol=1e-8)


def test_bad_arguments_are_refused():
    flow = image_flow()
    x = helpers.floats(flow, 2)
    with helpers.raises_one_line("negative", "at least one"):
        flow.attribute_direction(x, x[:0])
    with helpers.raises_one_line("direction", "(16,)", "(4, 4, 1)"):
        flow.manipulate(x, x[0])
    with helpers.raises_one_line("strengths", "finite"):
        flow.manipulate(x, np.zeros(16), [0.0, np.nan])


def with_prior(frozen, dtype="float32"):
    """An image flow with an autoregressive prior over its latent in the place of its base."""
    images = image_flow(dtype)
    prior = zoo.MAF((16,), num_layers=1, hidden_units=(20,), seed=0, dtype=dtype)
    for layer in images.stack.layers:
        layer.trainable = not frozen
    return zoo.Flow(images.stack.layers, base=prior, levels=9, dtype=dtype), images, prior


def test_autoregressive_prior_is_the_density_of_the_latent():
    flow, images, prior = with_prior(frozen=True, dtype="float64")
    helpers.randomize(prior, seed=3)
    x = helpers.floats(flow, 3)
    z = images.encode(x)
    volume = images.bijector().inverse_log_det_jacobian(x, 3)
    expected = prior.log_prob(z) + volume
    np.testing.assert_allclose(flow.log_prob(x), expected, rtol=0, atol=1e-8)
    np.testing.assert_allclose(flow.decode(flow.encode(x)), x, rtol=0, atol=1e-8)
    assert tuple(flow.sample(2, seed=0, temperature=0.5).shape) == (2, 4, 4, 1)


@pytest.mark.parametrize("frozen", [True, False])
def test_autoregressive_prior_trains_alone_or_jointly(frozen, tmp_path):
    flow, images, prior = with_prior(frozen)
    x = helpers.data(flow, 32)
    before = [v.numpy() for layer in images.stack.layers for v in layer.weights]
    flow.base.adapt(images.encode(x))
    flow.compile(keras.optimizers.Adam(1e-2))
    logs = flow.fit(tf.data.Dataset.from_tensor_slices(x).batch(16), epochs=5, verbose=0)
    assert logs.history["loss"][-1] < logs.history["loss"][0]
    after = [v.numpy() for layer in images.stack.layers for v in layer.weights]
    moved = max(np.abs(a - b).max() for a, b in zip(before, after, strict=True))
    assert moved == 0 if frozen else moved > 1e-3
    loaded = helpers.saved_and_loaded(flow, tmp_path)
    helpers.assert_same(loaded.log_prob(x, seed=0), flow.log_prob(x, seed=0))
    assert len(loaded.trainable_variables) == len(flow.trainable_variables)


def test_prior_can_be_the_base_of_the_family():
    prior = zoo.MAF((16,), num_layers=1, hidden_units=(20,), seed=0)
    flow = zoo.Glow((4, 4, 1), scales=1, steps=1, width=4, levels=9, base=prior)
    assert np.isfinite(flow.log_prob(helpers.data(flow, 2), seed=0)).all()
