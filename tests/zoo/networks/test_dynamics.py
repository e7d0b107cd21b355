"""Dynamics: the divergence pushed forward is the trace of the Jacobian."""

import numpy as np
import pytest
import tensorflow as tf

from tests import helpers
from zoo.networks import Dynamics
from zoo.networks.dynamics import KINDS

CASES = {kind: {"kind": kind} for kind in KINDS} | {
    "residual": {"hidden_units": (8, 8, 8), "residual": True},
    "linear": {"hidden_units": ()},
    "one_layer": {"hidden_units": (8,), "time_features": 2},
    "features": {"state_features": 2},
    "linear_features": {"hidden_units": (), "state_features": 1},
    "context": {"context_size": 2},
    "softplus": {"activation": "softplus"},
    "silu": {"activation": "silu"},
    "sigmoid": {"activation": "sigmoid"},
    "gelu": {"activation": "gelu"},  # A slope without a formula of its own.
}


def network(size=4, **settings):
    settings = {"hidden_units": (8, 7), "dtype": "float64", "seed": 0} | settings
    return helpers.randomize(Dynamics(size, **settings), seed=1, scale=1.0)


def given(settings, n=3, size=4):
    generator = np.random.default_rng(0)
    context = generator.normal(size=(n, 2)) if settings.get("context_size") else None
    return generator.uniform(size=n), generator.normal(size=(n, size)), context


@pytest.mark.parametrize("case", CASES)
def test_the_divergence_is_the_trace_of_the_jacobian(case):
    net = network(**CASES[case])
    t, x, context = given(CASES[case])

    def velocity(rows, copies):
        return net(tf.repeat(t, copies), rows, helpers.repeated(context, copies))

    matrices = helpers.jacobian(velocity, x)
    value, divergence = net.apply(net.values(), t, tf.constant(x), context, "basis")
    np.testing.assert_allclose(value, net(t, x, context), atol=1e-12)
    true = np.trace(matrices, axis1=1, axis2=2)
    assert np.abs(true).max() > 1e-3
    np.testing.assert_allclose(divergence, true, atol=1e-12)
    probes = np.random.default_rng(1).normal(size=(3, 5, 4))
    divergence = net.apply(net.values(), t, tf.constant(x), context, tf.constant(probes))[1]
    estimate = np.einsum("nki,nij,nkj->n", probes, matrices, probes) / 5
    np.testing.assert_allclose(divergence, estimate, atol=1e-12)


def test_time_and_context_matter():
    net = network(context_size=2)
    t, x, context = given({"context_size": 2})
    value = net(t, x, context).numpy()
    assert np.abs(net(t + 0.1, x, context) - value).max() > 1e-3
    assert np.abs(net(t, x, context + 0.1) - value).max() > 1e-3


def test_a_fresh_one_stands_still_at_every_time():
    net = Dynamics(3, hidden_units=(8,), seed=0)
    assert not net(np.linspace(0, 1, 4, dtype="float32"), np.ones((4, 3), "float32")).numpy().any()


def test_every_weight_has_a_gradient():
    net = network(context_size=2, time_features=1)
    t, x, context = given({"context_size": 2})
    with tf.GradientTape() as tape:
        value, divergence = net.apply(net.values(), t, tf.constant(x), context, "basis")
        loss = tf.reduce_sum(tf.sin(value)) + tf.reduce_sum(divergence)
    found = tape.gradient(loss, [v.value for v in net.trainable_variables])
    assert all(np.abs(g).max() > 0 for g in found)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"kind": "hyper"}, ("dynamics", "hyper", "concatsquash")),
        ({"time_features": -1}, ("time_features", "-1")),
        ({"activation": "softmax"}, ("activation", "softmax")),
        ({"hidden_units": (0,)}, ("hidden_units", "0")),
    ],
)
def test_arguments_are_checked(wrong, words):
    with helpers.raises_one_line(*words):
        Dynamics(3, **wrong)
