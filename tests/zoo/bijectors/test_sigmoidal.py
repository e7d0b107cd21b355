"""Deep sigmoidal maps against their equations, and the iterated direction against the explicit."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import special

from tests import helpers
from zoo import transformers
from zoo.numerics import recording

RNG = np.random.default_rng(0)
KINDS = {
    "dsf": {"num_units": 5},
    "stacked": {"num_units": 4, "num_layers": 2},
    "ddsf": {"num_units": 3, "num_layers": 3, "dense": True},
}


def params_of(transformer, lead, scale=1.0):
    return tf.constant(scale * RNG.normal(size=(*lead, transformer.num_params)))


def by_the_equation(x, layers):
    """`h' = logit(w sigmoid(a (u h) + b))`, in numpy and without logarithms of sums."""
    h = np.asarray(x)[..., None]
    for log_mix, log_scale, bias, log_weights in layers:
        mixed = h if log_mix is None else np.einsum("...ji,...i->...j", np.exp(log_mix), h)
        units = special.expit(np.exp(log_scale) * mixed + bias)
        h = special.logit(np.einsum("...kj,...j->...k", np.exp(log_weights), units))
    return h[..., 0]


@pytest.mark.parametrize("kind", KINDS)
def test_is_the_equation_of_the_paper(kind):
    transformer = transformers.DeepSigmoidal(**KINDS[kind])
    params, x = params_of(transformer, (50,)), RNG.normal(size=50)
    layers = transformer._layers(params)
    for log_mix, _, _, log_weights in layers:
        np.testing.assert_allclose(np.exp(log_weights).sum(-1), 1.0)
        assert log_mix is None or np.allclose(np.exp(log_mix).sum(-1), 1.0)
    found = transformer.inverse_and_log_det(x, params)[0]
    np.testing.assert_allclose(found, by_the_equation(x, layers), rtol=0, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_increases_over_the_whole_line_and_finds_its_slope(kind, dtype):
    transformer = transformers.DeepSigmoidal(**KINDS[kind])
    params = tf.cast(params_of(transformer, (1,), 2.0), dtype)
    far = np.concatenate([-np.logspace(4, -2, 60), np.logspace(-2, 4, 60)])
    x = tf.constant(far.astype(dtype))
    with tf.GradientTape() as tape:
        tape.watch(x)
        y, log_slope = transformer.inverse_and_log_det(x, params)
    slope = tape.gradient(y, x)
    assert np.isfinite(y).all() and np.isfinite(log_slope).all()
    assert (np.diff(y) > 0).all()
    assert y[0] < -1e3 and y[-1] > 1e3
    tolerance = 1e-9 if dtype == "float64" else 2e-3
    np.testing.assert_allclose(log_slope, np.log(slope), rtol=0, atol=tolerance)


@pytest.mark.parametrize("kind", KINDS)
def test_the_root_is_within_the_tolerance_that_the_report_tells(kind):
    transformer = transformers.DeepSigmoidal(tolerance=1e-7, **KINDS[kind])
    params, x = params_of(transformer, (6, 20)), 3.0 * RNG.normal(size=(6, 20))
    y = transformer.inverse_and_log_det(x, params)[0]
    with recording() as found:
        back, log_det = transformer.forward_and_log_det(y, params)
    ((name, report),) = found
    scale = np.maximum(1.0, np.abs(x).max())
    assert name == "deep_sigmoidal" and report.converged.shape == (6,)
    assert np.all(report.converged) and 5 < report.iterations < 60
    assert 1e-9 < np.max(report.residual) <= 1e-7 * scale
    error = np.abs(back - x)
    assert 1e-10 < error.max() <= 1.001e-7 * scale
    np.testing.assert_allclose(log_det, -transformer.inverse_and_log_det(back, params)[1])


def test_an_entry_that_does_not_converge_is_nan_and_the_others_are_right():
    transformer = transformers.DeepSigmoidal(num_units=4, tolerance=1e-6)
    params = params_of(transformer, (3,))
    y = np.array([0.3, np.inf, -0.7])
    x, log_det = transformer.forward_and_log_det(y, params)
    assert np.isnan(x[1]) and np.isnan(log_det[1])
    good = [0, 2]
    back = transformer.inverse_and_log_det(x, params)[0]
    np.testing.assert_allclose(np.asarray(back)[good], y[good], atol=1e-5)
    few = transformers.DeepSigmoidal(num_units=4, max_iterations=2)
    assert np.isnan(few.forward_and_log_det(y, params)[0]).all()


def gradients(call, *args):
    """Gradients of a function of value and log-determinant, which `call` gives together."""
    with tf.GradientTape() as tape:
        tape.watch(args)
        value, log_det = call(*args)
        total = tf.reduce_sum(tf.sin(value)) + tf.reduce_sum(tf.cos(log_det))
    return tape.gradient(total, args)


@pytest.mark.parametrize("jit", [False, True])
def test_gradients_of_the_root_are_those_of_the_implicit_function(jit):
    """`x(f(x, p), p) = x`, so `dx/dy = 1 / (df/dx)` and `dx/dp = -(df/dp) / (df/dx)`."""
    transformer = transformers.DeepSigmoidal(num_units=3)
    params, x = params_of(transformer, (4,)), tf.constant(RNG.normal(size=4))
    with tf.GradientTape() as tape:
        tape.watch([x, params])
        y = transformer.inverse_and_log_det(x, params)[0]
    of_x, of_params = tape.gradient(y, [x, params])

    @tf.function(jit_compile=jit)
    def of_the_root(y, params):
        with tf.GradientTape() as tape:
            tape.watch([y, params])
            value = transformer.forward_and_log_det(y, params)[0]
        return tape.gradient(value, [y, params])

    found = of_the_root(y, params)
    np.testing.assert_allclose(found[0], 1 / of_x, rtol=1e-8)
    np.testing.assert_allclose(found[1], -of_params / of_x[:, None], rtol=1e-7, atol=1e-9)


def test_second_gradients_of_the_root():
    transformer = transformers.DeepSigmoidal(num_units=2, num_layers=2, dense=True)
    params, y = params_of(transformer, (2,)), tf.constant(RNG.normal(size=2))
    call = tf.function(lambda *args: gradients(transformer.forward_and_log_det, *args))
    directions = [tf.constant(RNG.normal(size=v.shape)) for v in (y, params)]
    with tf.GradientTape() as tape:
        tape.watch([y, params])
        first = call(y, params)
        along = sum(tf.reduce_sum(g * d) for g, d in zip(first, directions, strict=True))
    second = tape.gradient(along, [y, params])
    ends = [
        call(*(v + s * d for v, d in zip((y, params), directions, strict=True)))
        for s in (1e-5, -1e-5)
    ]
    for found, high, low in zip(second, *ends, strict=True):
        np.testing.assert_allclose(found, (high - low) / 2e-5, rtol=1e-4, atol=1e-6)


def test_a_batch_of_parameters_and_one_of_values():
    transformer = transformers.DeepSigmoidal(num_units=3)
    params = params_of(transformer, (5,))
    one = transformer.forward_and_log_det(tf.constant(0.3, tf.float64), params)[0]
    many = transformer.forward_and_log_det(tf.constant([[0.3]] * 7, tf.float64), params)[0]
    assert one.shape == (5,) and many.shape == (7, 5)
    np.testing.assert_allclose(many, np.broadcast_to(one, (7, 5)))


def test_fast_says_which_direction_is_explicit():
    params = params_of(transformers.DeepSigmoidal(num_units=3), (8,))
    x = RNG.normal(size=8)
    density, sampler = (
        transformers.DeepSigmoidal(num_units=3, fast=fast) for fast in ("log_prob", "sample")
    )
    assert (density.implicit, sampler.implicit) == (("decode",), ("encode",))
    one, other = density.inverse_and_log_det(x, params), sampler.forward_and_log_det(x, params)
    helpers.assert_same(one[0], other[0])
    helpers.assert_same(one[1], other[1])
    np.testing.assert_allclose(sampler.inverse_and_log_det(other[0], params)[0], x, atol=1e-9)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"num_units": 1}, ["num_units", "at least 2", "1"]),
        ({"num_layers": 0}, ["num_layers", "at least 1", "0"]),
        ({"fast": "both"}, ["fast", "'log_prob'", "'both'"]),
        ({"tolerance": 0.0}, ["tolerance", "positive", "0.0"]),
        ({"tolerance": -1e-3}, ["tolerance", "positive", "-0.001"]),
        ({"max_iterations": 0}, ["max_iterations", "at least 1", "0"]),
        ({"min_slope": 3.0}, ["min_slope", "below 2", "3.0"]),
    ],
)
def test_refuses(settings, words):
    with helpers.raises_one_line(*words):
        transformers.DeepSigmoidal(**settings)
