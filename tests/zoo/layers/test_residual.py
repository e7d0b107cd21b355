"""Residual blocks: both directions, their gradients, reports, and what they refuse."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from tests.helpers import raises_one_line
from tests.zoo import images
from zoo.backend import Randomness
from zoo.bijectors import residual

SETTINGS = {"hidden_units": (6, 7), "dtype": "float64", "seed": 0, "log_det": "exact"}
CASES = {
    "one": ((1,), None, {}),
    "two": ((2,), (2,), {"activation": "elu"}),
    "five": ((5,), None, {"preactivation": False, "activation": "elu", "coefficient": 0.9}),
    "image": ((2, 4, 2), (2,), {}),
}


def layer_of(name, scale=2.5, **changes):
    shape, context, settings = CASES[name]
    layer = zoo.layers.Residual(shape, context_shape=context, **SETTINGS | settings | changes)
    return helpers.randomize(layer, seed=1, scale=scale)


def context_of(name, n):
    return images.normal(n, 2, seed=7) if CASES[name][1] else None


@pytest.mark.parametrize("name", CASES)
def test_both_directions_against_autodiff(name):
    images.check(layer_of(name), context_of(name, 3))


@pytest.mark.parametrize("name", ["two", "image"])
def test_leading_shapes(name):
    images.check_leading_shapes(layer_of(name), context_of(name, 3))


def test_the_gradient_of_the_inverse_of_first_and_second_order():
    layer, context = layer_of("two"), tf.constant(context_of("two", 3))
    z, move = tf.constant(images.normal(3, 2)), tf.constant(images.normal(3, 2, seed=5))
    kernel = layer.network.linear[0].kernel.value

    def decoded(z, context):
        return tf.reduce_sum(tf.sin(layer.bijector(context).forward(z)) * move)

    def gradients(z, context):
        with tf.GradientTape() as tape:
            tape.watch([z, context])
            value = decoded(z, context)
        return tape.gradient(value, [z, context, kernel])

    step = 1e-5
    found = gradients(z, context)
    slope = (decoded(z + step * move, context) - decoded(z - step * move, context)) / (2 * step)
    np.testing.assert_allclose(np.sum(found[0] * move), slope, rtol=1e-6)
    slope = (decoded(z, context + step * move) - decoded(z, context - step * move)) / (2 * step)
    np.testing.assert_allclose(np.sum(found[1] * move), slope, rtol=1e-6)
    with tf.GradientTape() as tape:
        tape.watch(z)
        inner = tf.reduce_sum(gradients(z, context)[0] * move)
    second = np.sum(tape.gradient(inner, z) * move)
    ends = [np.sum(gradients(z + sign * step * move, context)[0] * move) for sign in (1, -1)]
    np.testing.assert_allclose(second, (ends[0] - ends[1]) / (2 * step), rtol=1e-5)
    before = kernel.numpy()
    change = np.random.default_rng(0).normal(size=before.shape)
    ends = []
    for sign in (1, -1):
        kernel.assign(before + sign * step * change)
        layer.update_spectral_norms()
        ends.append(decoded(z, context))
    kernel.assign(before)
    slope = (ends[0] - ends[1]) / (2 * step)
    np.testing.assert_allclose(np.sum(found[2] * change), slope, rtol=1e-5)


def test_lipschitz_is_the_norm_of_the_jacobian():
    layer = layer_of("five", scale=4.0)
    x = images.normal(20, 5)
    true = helpers.jacobian(lambda rows, _: layer.bijector().inverse(rows) - rows, x)
    found = layer.lipschitz(x)
    np.testing.assert_allclose(found, np.linalg.norm(true, 2, axis=(1, 2)), rtol=1e-3)
    assert 0.1 < np.max(found) < 0.9**3


def test_a_norm_that_did_not_converge_is_not_a_number():
    layer, x = layer_of("five", scale=4.0), images.normal(20, 5)
    linear = layer.network.evaluate(x, None, layer.network.weights_now())[1]
    found = residual.lipschitz(linear, x, max_iterations=6)
    done = np.isfinite(found)
    assert 0 < np.sum(done) < 20
    np.testing.assert_allclose(found[done], layer.lipschitz(x)[done], rtol=1e-3)


def test_the_branches_of_a_flow_are_measured_where_data_passes():
    flow = zoo.IResNet((3,), num_layers=2, hidden_units=(5,), seed=0, jit_compile=False)
    helpers.randomize(flow, scale=2.0)
    x = helpers.data(flow, 10)
    found = zoo.layers.lipschitz_constants(flow, x)
    blocks = [lay for lay in flow.stack.layers if isinstance(lay, zoo.layers.Residual)]
    assert [name for name, _ in found] == [block.name for block in blocks]
    z = flow.stack.layers[0](x)[0]
    np.testing.assert_allclose(found[0][1], blocks[0].lipschitz(z), rtol=1e-4)
    assert found[1][1].shape == (10,)


def test_an_inverse_that_is_cut_off_is_nan_and_raises():
    layer = layer_of("five", scale=4.0, max_iterations=3)
    z = images.normal(4, 5)
    report = layer.report(z)
    assert int(report.iterations) == 3 and not np.any(report.converged)
    assert np.isnan(layer.bijector().forward(z)).all()
    flow = zoo.Flow([layer], jit_compile=False, dtype="float64")
    for call in (lambda: flow.decode(z), lambda: flow.sample(4, seed=0)):
        with pytest.raises(zoo.NotConverged, match="4 of 4 events.*Residual"):
            call()
    found = flow.inverse_report(z)
    assert found[0][0] == layer.name and float(np.min(found[0][1].residual)) > 1e-12
    assert np.all(layer_of("five", scale=4.0, max_iterations=200).report(z).converged)


@pytest.mark.parametrize("transposed", [False, True])
def test_the_linear_solve_of_a_gradient_is_cut_off_as_the_inverse_is(transposed):
    layer = layer_of("five", scale=4.0)
    x, vector = (tf.constant(images.normal(4, 5, seed=s)) for s in (1, 2))

    def solved(most):
        bijector = layer_of("five", scale=4.0, max_iterations=most).bijector()
        return bijector._linear_solve(transposed, vector, x, [], layer.network.weights_now())

    matrices = helpers.jacobian(lambda rows, _: layer.bijector().inverse(rows), x.numpy())
    matrices = matrices.transpose(0, 2, 1) if transposed else matrices
    expected = np.linalg.solve(matrices, vector.numpy()[..., None])[..., 0]
    np.testing.assert_allclose(solved(1000), expected, rtol=1e-10, atol=1e-10)
    assert np.isnan(solved(3)).all()


def test_small_gradients_are_as_exact_as_large_ones():
    layer = layer_of("five", scale=4.0, dtype="float32")
    z = tf.constant(images.normal(4, 5).astype("float32"))

    def gradient(scale):
        with tf.GradientTape() as tape:
            tape.watch(z)
            x = scale * layer.bijector().forward(z)
        return tape.gradient(x, z).numpy() / scale

    np.testing.assert_allclose(gradient(1e-6), gradient(1.0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["series", "roulette"])
@pytest.mark.parametrize("training", [False, True])
def test_estimates_of_a_network_are_near_the_exact_value(kind, training):
    layer = layer_of("five", log_det=kind, probes=4000, gradient="neumann", terms=4)
    exact = layer_of("five")
    x = images.normal(3, 5)
    assert layer.estimates and not exact.estimates
    found = layer(x, randomness=Randomness((0, 1), training))[1]
    np.testing.assert_allclose(found, exact(x)[1], atol=0.03)
    assert np.abs(exact(x)[1]).max() > 0.05
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(exact(x)[1])
    exact_gradient = tape.gradient(total, exact.network.linear[0].kernel.value)
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer(x, randomness=Randomness((0, 2), training))[1])
    gradient = tape.gradient(total, layer.network.linear[0].kernel.value)
    error = np.linalg.norm(gradient - exact_gradient) / np.linalg.norm(exact_gradient)
    assert error < 0.2


@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_flow_with_estimates(jit_compile, tmp_path):
    flow = zoo.ResidualFlow(
        (3,), num_layers=1, hidden_units=(6,), log_det="roulette", seed=0, jit_compile=jit_compile
    )
    helpers.randomize(flow)
    x = helpers.data(flow, 4)
    helpers.assert_same(flow.log_prob(x, seed=1), flow.log_prob(x, seed=1))
    assert np.abs(flow.log_prob(x, seed=1) - flow.log_prob(x, seed=2)).max() > 1e-4
    np.testing.assert_allclose(flow.decode(flow.encode(x)), x, atol=1e-5)
    flow.compile(keras.optimizers.Adam(1e-3))
    assert np.isfinite(flow.fit(x, batch_size=2, epochs=2, verbose=0).history["loss"]).all()
    if not jit_compile:
        loaded = helpers.saved_and_loaded(flow, tmp_path)
        helpers.assert_same(loaded.log_prob(x, seed=1), flow.log_prob(x, seed=1))
        distribution = flow.distribution()
        helpers.assert_same(distribution.log_prob(x), flow.distribution().log_prob(x))


BAD = [
    ({"coefficient": 1.0}, ["coefficient", "1.0"]),
    ({"coefficient": 0.0}, ["coefficient", "0.0"]),
    ({"tolerance": 0.0}, ["tolerance", "positive", "0.0"]),
    ({"tolerance": -1e-3}, ["tolerance", "-0.001"]),
    ({"terms": 0}, ["terms", "at least 1", "0"]),
    ({"eval_terms": 0}, ["eval_terms", "0"]),
    ({"probes": 0}, ["probes", "0"]),
    ({"power_iterations": 0}, ["power_iterations", "0"]),
    ({"max_iterations": 2.5}, ["max_iterations", "2.5"]),
    ({"rate": 1.0}, ["rate", "1.0"]),
    ({"log_det": "trace"}, ["log_det", "roulette", "'trace'"]),
    ({"log_det": "roulette", "gradient": "series"}, ["gradient", "'series'"]),
    ({"activation": "relu"}, ["activation", "'relu'"]),
    ({"hidden_units": ()}, ["hidden_units"]),
]


@pytest.mark.parametrize(("changes", "words"), BAD)
def test_bad_arguments_are_refused(changes, words):
    with raises_one_line(*words):
        zoo.layers.Residual((3,), **changes)
    with raises_one_line("vectors", "(2, 2)"):
        zoo.layers.Residual((2, 2))
