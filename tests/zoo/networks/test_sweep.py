"""The incremental sweep against the plain network, run once a dimension."""

import numpy as np
import pytest
import tensorflow as tf

from tests import helpers
from tests.zoo.networks.test_made import CASES, inputs, made_of
from zoo import transformers

AFFINE = transformers.Affine()
# Gradients are compared where layers differ in kind; values at every depth.
DIFFERENTIATED = ["no_hidden", "two_hidden", "narrow_context", "residual_context"]


def by_passes(network, step, noise, context):
    """The reference: `d` passes of the whole network, each sure of one dimension more."""
    x, log_det = tf.zeros_like(noise), 0.0
    for i in range(network.size):
        value, log_dets = step(noise, network(x, context))
        x = tf.concat([x[:, :i], value[:, i : i + 1], x[:, i + 1 :]], axis=1)
        log_det = log_det + log_dets[:, i]
    return x, log_det


def swept(network, step, noise, context):
    return network.sweep(step, noise, network.sweep_weights(context), "float64")


def results(way, network, noise, context):
    """Value, log-determinant, and gradients of a function of both, by one way or the other."""
    noise = tf.convert_to_tensor(noise)
    context = None if context is None else tf.convert_to_tensor(context)
    sources = [noise, *network.trainable_variables] + ([] if context is None else [context])

    @tf.function
    def run():
        with tf.GradientTape() as tape:
            tape.watch([noise] if context is None else [noise, context])
            x, log_det = way(network, AFFINE.forward_and_log_det, noise, context)
            loss = tf.reduce_sum(tf.sin(x)) + tf.reduce_sum(log_det**2)
        return x, log_det, tape.gradient(loss, sources)

    return run()


@pytest.mark.parametrize("size", [1, pytest.param(2, marks=pytest.mark.slow), 6])
@pytest.mark.parametrize("case", CASES)
def test_equals_one_pass_a_dimension(case, size):
    network = made_of(case, size, AFFINE.num_params)
    noise, context = inputs(network, 3, size)
    expected = by_passes(network, AFFINE.forward_and_log_det, noise, context)
    # Without XLA: what is tested is the arithmetic, and XLA's compilation takes most of the time.
    sweep = tf.function(lambda: swept(network, AFFINE.forward_and_log_det, noise, context))
    for a, b in zip(sweep(), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("case", DIFFERENTIATED)
def test_gradient_equals_that_of_the_passes(case):
    network = made_of(case, 5, AFFINE.num_params)
    noise, context = inputs(network, 3, 5)
    expected = results(by_passes, network, noise, context)
    for a, b in zip(
        tf.nest.flatten(results(swept, network, noise, context)),
        tf.nest.flatten(expected),
        strict=True,
    ):
        assert np.abs(b).max() > 1e-6
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)


def test_spends_about_one_pass_of_arithmetic():
    """Counted, not timed: rows of matrix products in the loop, times dimensions."""
    network = made_of("two_hidden", 6)
    rows = sum(width for _, width in network.sweeper._groups) + network.num_params
    units = sum(layer.bias.shape[0] for layer in network.dense)
    assert rows * network.size <= 2 * units


def test_takes_noise_with_an_event_of_its_own():
    network = made_of("one_hidden", 4, 1)
    noise = np.random.default_rng(0).normal(size=(3, 4, 2))

    def step(noise, params):
        value = noise[..., 0] + params[..., 0] * noise[..., 1]
        return value, tf.zeros_like(value)

    x, _ = tf.function(lambda: swept(network, step, noise, None))()
    params = network(x)[..., 0]
    np.testing.assert_allclose(x, noise[..., 0] + params * noise[..., 1], atol=1e-12)


def test_helpers_reference_is_autoregressive():
    network = made_of("one_hidden", 4, 2)
    noise = np.random.default_rng(0).normal(size=(2, 4))
    matrices = helpers.jacobian(
        lambda rows, copies: by_passes(network, AFFINE.forward_and_log_det, rows, None)[0], noise
    )
    assert not matrices[(slice(None), *np.triu_indices(4, 1))].any()


def test_second_derivatives_equal_those_of_the_passes():
    network = made_of("narrow_context", 3, AFFINE.num_params)
    noise, context = (tf.convert_to_tensor(v) for v in inputs(network, 2, 3))

    @tf.function
    def second(way):
        sources = [noise, context, network.dense[-1].kernels[-1].value]
        with tf.GradientTape(persistent=True) as outer:
            outer.watch(sources[:2])
            with tf.GradientTape() as inner:
                inner.watch(noise)
                x, log_det = way(network, AFFINE.forward_and_log_det, noise, context)
                loss = tf.reduce_sum(x**3) + tf.reduce_sum(log_det**2)
            slope = tf.reduce_sum(tf.sin(inner.gradient(loss, noise)))
        return outer.gradient(slope, sources)

    for a, b in zip(second(swept), second(by_passes), strict=True):
        assert np.abs(b).max() > 1e-6
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-10)
