"""The continuous layer: estimates of its log-determinant, its reports, and its failures."""

import numpy as np
import pytest
import tensorflow as tf

from tests import helpers
from zoo.backend import Randomness
from zoo.layers import Continuous


def layer(size=4, **settings):
    settings = {"hidden_units": (8,), "dtype": "float64", "seed": 0} | settings
    return helpers.randomize(Continuous((size,), **settings), seed=2, scale=1.5)


def event(size=4, n=1):
    return tf.constant(np.random.default_rng(0).normal(size=(n, size)))


@pytest.mark.parametrize("probe", ["rademacher", "gaussian"])
def test_hutchinsons_estimate_is_unbiased(probe, record_property):
    settings = {"solver": "rk4", "num_steps": 4, "probe": probe}
    x, draws = event(), 10_000
    exact = layer(trace="exact", **settings)(x)[1].numpy()
    assert abs(exact[0]) > 0.05
    estimating, rows = layer(trace="hutchinson", **settings), tf.repeat(x, draws, axis=0)
    found = estimating(rows, randomness=Randomness((0, 1)))[1].numpy()
    variance = found.var(ddof=1)
    record_property("variance", float(variance))
    assert variance > 1e-4
    assert abs(found.mean() - exact[0]) / np.sqrt(variance / draws) < 4


def test_more_probes_vary_less():
    settings = {"solver": "rk4", "num_steps": 4, "trace": "hutchinson"}
    x = tf.repeat(event(), 2000, axis=0)
    one, four = (layer(probes=k, **settings)(x)[1].numpy().var() for k in (1, 4))
    assert 3 < one / four < 5.3


def test_wide_events_are_estimated_in_training_alone():
    wide = layer(17, solver="rk4", num_steps=2)
    exact = layer(17, solver="rk4", num_steps=2, trace="exact")
    assert [one.draws for one in (wide, exact, layer(16))] == [1, 0, 0]
    assert not wide.estimates
    x, seeds = event(17, 2), [(0, i) for i in (1, 1, 2)]
    helpers.assert_same(wide(x)[1], exact(x)[1])
    found = []
    for seed in seeds:
        found.append(wide(x, randomness=Randomness(seed, training=True))[1].numpy())
    helpers.assert_same(found[0], found[1])
    assert np.abs(found[0] - found[2]).max() > 1e-3
    assert np.abs(found[0] - exact(x)[1]).max() > 1e-3


def test_gradients_in_training_are_those_without():
    """Steps kept on the way give the gradient that solving again does."""
    found = []
    for training in (False, True):
        one = layer(learn_end_time=True)
        with tf.GradientTape() as tape:
            z, log_det = one(event(n=2), randomness=Randomness(training=training))
            loss = tf.reduce_sum(tf.sin(z)) + tf.reduce_sum(log_det)
        found.append(tape.gradient(loss, [v.value for v in one.trainable_variables]))
    assert len(found[0]) == len(layer().trainable_variables) + 1
    for a, b in zip(*found, strict=True):
        assert np.abs(a).max() > 0
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def test_a_longer_time_moves_further():
    x = event(n=3)
    short, long = (np.abs(layer(end_time=t)(x)[0] - x).max() for t in (0.01, 1.0))
    assert 20 < long / short < 500


def test_reports_evaluations_and_steps():
    one = layer(rtol=1e-4, atol=1e-4)
    for direction in ("encode", "decode"):
        report = one.report(event(n=3), direction=direction)
        assert report.converged.numpy().all()
        assert (report.evaluations.numpy() >= 2 + 6 * report.iterations.numpy()).all()
    # Where training estimates the divergence, it is still solved with it otherwise.
    settings = {"hidden_units": (16,), "rtol": 1e-6, "atol": 1e-6, "seed": 0}
    found = []
    for trace in ("auto", "exact"):
        wide = helpers.randomize(Continuous((20,), trace=trace, **settings), seed=1)
        found.append(wide.report(np.ones((3, 20), "float32")).evaluations.numpy().tolist())
    assert found[0] == found[1]
    tight = layer(rtol=1e-9, atol=1e-9).report(event(n=3), direction="decode")
    assert (tight.evaluations.numpy() > report.evaluations.numpy()).all()
    assert not layer(max_steps=1).report(event(n=3)).converged.numpy().any()
    with helpers.raises_one_line("direction", "sideways"):
        one.report(event(), direction="sideways")


def test_failures_are_nan():
    z, log_det = layer(max_steps=1)(event(n=2))
    assert np.isnan(z).all() and np.isnan(log_det).all()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"trace": "exactly"}, ("trace", "exactly", "hutchinson")),
        ({"probe": "cauchy"}, ("probe", "cauchy", "gaussian")),
        ({"probes": 0}, ("probes", "0")),
        ({"end_time": 0.0}, ("end_time", "positive", "0.0")),
        ({"rtol": 0.0}, ("rtol", "positive", "0.0")),
        ({"atol": -1.0}, ("atol", "positive", "-1.0")),
        ({"solver": "euler"}, ("solver", "euler")),
        ({"max_steps": 0}, ("max_steps", "0")),
        ({"dynamics": "hyper"}, ("dynamics", "hyper")),
    ],
)
def test_arguments_are_checked(wrong, words):
    with helpers.raises_one_line(*words):
        Continuous((2,), **wrong)
