"""Mixtures of logistics against their equation, at any distance, and their iterated direction."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import special

from tests import helpers
from zoo import backend, transformers
from zoo.numerics import recording

RNG = np.random.default_rng(0)


def params_of(transformer, lead, scale=1.0, dtype="float64"):
    return tf.constant(scale * RNG.normal(size=(*lead, transformer.num_params)), dtype)


def by_the_equation(x, transformer, params):
    """Value and log-slope, data to latent, in numpy's float64 and logarithms of everything."""
    parts = transformer._parts(tf.cast(params, "float64"))
    shift, log_scale, log_weights, means, log_slopes = map(np.asarray, parts)
    log_weights = special.log_softmax(log_weights, axis=-1)
    units = (np.asarray(x, float)[..., None] - means) * np.exp(log_slopes)
    below, above = special.log_expit(units), special.log_expit(-units)
    log_cdf, log_rest, log_density = (
        special.logsumexp(log_weights + part, axis=-1)
        for part in (below, above, below + above + log_slopes)
    )
    value = (log_cdf - log_rest) * np.exp(log_scale) + shift
    return value, log_density - log_cdf - log_rest + log_scale


@pytest.mark.parametrize("own", [True, False])
def test_is_the_equation_at_any_distance_and_any_parameters(own, monkeypatch):
    monkeypatch.setattr(backend, "faster_gradients", lambda: own)
    transformer = transformers.LogisticMixture(4)
    x = np.concatenate([RNG.normal(size=60), np.logspace(-2, 3, 30), -np.logspace(-2, 3, 30)])
    for scale in (1.0, 10.0, 1e3):
        params = params_of(transformer, (120,), scale)
        for found, true in zip(
            transformer.inverse_and_log_det(x, params),
            by_the_equation(x, transformer, params),
            strict=True,
        ):
            np.testing.assert_allclose(found, true, rtol=1e-10, atol=1e-10)


def test_float32_loses_nothing_in_the_tails_or_between_components():
    transformer = transformers.LogisticMixture(4)
    x = np.concatenate([np.linspace(-30, 30, 241), [-1e3, 1e3]]).astype("float32")
    params = params_of(transformer, (1,), 1.0, "float32").numpy()
    # Steep components far apart: hundreds of their widths lie between them.
    params[:, 6:10], params[:, 10:14] = (-20, -4, 4, 20), 2.5
    z, log_slope = transformer.inverse_and_log_det(x, params)
    assert z.dtype == log_slope.dtype == tf.float32
    expected, slope = by_the_equation(x, transformer, params)
    np.testing.assert_allclose(z, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(log_slope, slope, rtol=1e-4, atol=1e-3)
    assert slope.min() < -50 and slope.max() > 1


@pytest.mark.parametrize("scale", [0.5, 3.0, 1e6])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_increases_over_the_whole_line_and_comes_back(dtype, scale):
    transformer = transformers.LogisticMixture(4)
    x = tf.constant(np.concatenate([-np.logspace(3, -2, 60), np.logspace(-2, 3, 60)]), dtype)
    params = params_of(transformer, (5, 1), scale, dtype)
    z, log_slope = transformer.inverse_and_log_det(x, params)
    assert np.isfinite(z).all() and np.isfinite(log_slope).all()
    assert (np.diff(z) >= 0).all()
    back, log_det = transformer.forward_and_log_det(z, params)
    assert np.isfinite(back).all() and np.isfinite(log_det).all()
    # To the tolerance, and to what an error of rounding in z is worth.
    tolerance, eps = (1e-6, 2e-6) if dtype == "float32" else (1e-12, 1e-14)
    size = np.maximum(np.abs(z), np.abs(params).max())
    with np.errstate(over="ignore"):
        worth = tolerance * np.maximum(1, np.abs(x)) + eps * size * np.exp(-log_slope)
    assert (np.abs(back - x) <= 2 * worth).all()


def test_round_trip_in_both_types():
    transformer = transformers.LogisticMixture(8)
    for dtype, tolerance in (("float32", 1e-6), ("float64", 1e-12)):
        params = params_of(transformer, (500,), 0.3, dtype)
        x = tf.constant(RNG.normal(size=500), dtype)
        z, log_slope = transformer.inverse_and_log_det(x, params)
        back, log_det = transformer.forward_and_log_det(z, params)
        np.testing.assert_allclose(back, x, rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(log_det, -log_slope, rtol=0, atol=10 * tolerance)


def test_parameters_of_zero_are_near_the_identity_and_components_differ():
    for count in (4, 8, 32):
        transformer = transformers.LogisticMixture(count)
        x = np.linspace(-3, 3, 25)
        z, log_slope = transformer.inverse_and_log_det(x, np.zeros((25, transformer.num_params)))
        np.testing.assert_allclose(z, x, rtol=0.2)
        assert np.abs(log_slope).max() < 0.3 and np.abs(z + z[::-1]).max() < 1e-9
        means = transformer._parts(tf.zeros(transformer.num_params))[3].numpy()
        assert (np.diff(means) > 0.02).all()
    # Of many components it is the logistic's own distribution function, but for its tails.
    z = transformers.LogisticMixture(2000).inverse_and_log_det(x, np.zeros((25, 6002)))[0]
    np.testing.assert_allclose(z, x, rtol=0, atol=5e-3)


def derivatives(call, *args):
    """First and second derivatives of a function of value and log-determinant."""
    along = [tf.constant(np.random.default_rng(7).normal(size=v.shape)) for v in args]
    with tf.GradientTape() as second:
        second.watch(args)
        with tf.GradientTape() as tape:
            tape.watch(args)
            value, log_det = call(*args)
            total = tf.reduce_sum(tf.sin(value)) + tf.reduce_sum(tf.cos(log_det))
        first = tape.gradient(total, args)
        total = sum(tf.reduce_sum(g * a) for g, a in zip(first, along, strict=True))
    return *first, *second.gradient(total, args)


@pytest.mark.parametrize("graph", [False, True])
def test_its_own_gradient_is_that_of_autodiff(graph, monkeypatch):
    """Of both orders; at points in the tails, and at the centre of a component."""
    transformer = transformers.LogisticMixture(5)
    params = params_of(transformer, (12,)).numpy()
    x = np.concatenate([RNG.normal(size=7), [5.0, -50.0, 500.0, -1e3, 0.0]])
    params[-1, 2 + 5 : 2 + 10] = 0.0  # The third of five components is at zero then.
    call = lambda *args: derivatives(transformer.inverse_and_log_det, *args)  # noqa: E731
    args = tf.constant(x), tf.constant(params)
    found = (tf.function(call) if graph else call)(*args)
    monkeypatch.setattr(backend, "faster_gradients", lambda: False)
    for one, other in zip(found, call(*args), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


def test_gradients_against_finite_differences():
    transformer = transformers.LogisticMixture(3)
    params, x = params_of(transformer, (4,)), tf.constant([-2.0, 0.0, 0.4, 3.0], tf.float64)
    for call in (transformer.inverse_and_log_det, transformer.forward_and_log_det):
        first = derivatives(call, x, params)[:2]
        for which, argument in enumerate((x, params)):
            step, ends = tf.constant(RNG.normal(size=argument.shape)), []
            for size in (1e-5, -1e-5):
                moved = [x, params]
                moved[which] = argument + size * step
                value, log_det = call(*moved)
                ends.append(np.sum(np.sin(value)) + np.sum(np.cos(log_det)))
            found = np.sum(first[which] * step)
            np.testing.assert_allclose(found, (ends[0] - ends[1]) / 2e-5, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("jit", [False, True])
def test_gradients_of_the_root_are_those_of_the_implicit_function(jit):
    transformer = transformers.LogisticMixture(3)
    params, x = params_of(transformer, (4,)), tf.constant(RNG.normal(size=4))
    with tf.GradientTape() as tape:
        tape.watch([x, params])
        z = transformer.inverse_and_log_det(x, params)[0]
    of_x, of_params = tape.gradient(z, [x, params])

    @tf.function(jit_compile=jit)
    def of_the_root(z, params):
        with tf.GradientTape() as tape:
            tape.watch([z, params])
            value = transformer.forward_and_log_det(z, params)[0]
        return tape.gradient(value, [z, params])

    found = of_the_root(z, params)
    np.testing.assert_allclose(found[0], 1 / of_x, rtol=1e-8)
    np.testing.assert_allclose(found[1], -of_params / of_x[:, None], rtol=1e-7, atol=1e-9)


def test_the_report_tells_and_an_entry_that_fails_is_nan_alone():
    transformer = transformers.LogisticMixture(4)
    params = params_of(transformer, (3,))
    with recording() as found:
        x = transformer.forward_and_log_det(tf.constant([0.3, np.inf, -0.7], tf.float64), params)[0]
    ((name, report),) = found
    assert name == "mixture" and list(report.converged) == [True, False, True]
    assert list(np.isnan(x)) == [False, True, False]
    few = transformers.LogisticMixture(4, max_iterations=2)
    assert np.isnan(few.forward_and_log_det(tf.constant([0.3] * 3, tf.float64), params)[0]).all()


def test_a_batch_of_parameters_and_one_of_values():
    transformer = transformers.LogisticMixture(3)
    params = params_of(transformer, (5,))
    for call in (transformer.inverse_and_log_det, transformer.forward_and_log_det):
        one = call(tf.constant(0.3, tf.float64), params)[0]
        many = call(tf.constant([[0.3]] * 7, tf.float64), params)[0]
        assert one.shape == (5,) and many.shape == (7, 5)
        np.testing.assert_allclose(many, np.broadcast_to(one, (7, 5)))


def test_fast_says_which_direction_is_explicit():
    density, sampler = (
        transformers.LogisticMixture(3, fast=fast) for fast in ("log_prob", "sample")
    )
    params, x = params_of(density, (8,)), RNG.normal(size=8)
    assert (density.implicit, sampler.implicit) == (("decode",), ("encode",))
    one, other = density.inverse_and_log_det(x, params), sampler.forward_and_log_det(x, params)
    helpers.assert_same(one[0], other[0])
    helpers.assert_same(one[1], other[1])
    np.testing.assert_allclose(sampler.inverse_and_log_det(other[0], params)[0], x, atol=1e-9)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"num_components": 1}, ["num_components", "at least 2", "1"]),
        ({"start": 1.0}, ["start", "between 0 and 1", "1.0"]),
        ({"fast": "both"}, ["fast", "'log_prob'", "'both'"]),
        ({"max_log_slope": 0}, ["max_log_slope", "positive", "0"]),
        ({"max_log_scale": -1}, ["max_log_scale", "positive", "-1"]),
    ],
)
def test_refuses(settings, words):
    with helpers.raises_one_line(*words):
        transformers.LogisticMixture(**settings)
