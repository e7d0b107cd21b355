"""Networks of bounded Lipschitz constant, and their derivatives in closed form."""

import numpy as np
import pytest
import tensorflow as tf

from tests import helpers
from zoo.networks import LipschitzConvNet, LipschitzMLP
from zoo.networks.lipschitz import ACTIVATIONS, lipschitz_activation

KIND = {"dtype": "float64", "seed": 0, "coefficient": 0.9}
NETWORKS = {
    "dense": ((5,), None, lambda: LipschitzMLP(5, (7, 6), **KIND)),
    "elu": (
        (5,),
        3,
        lambda: LipschitzMLP(
            5, (7,), activation="elu", preactivation=False, context_size=3, **KIND
        ),
    ),
    "conv": ((4, 4, 2), 3, lambda: LipschitzConvNet((4, 4, 2), (6, 5), context_size=3, **KIND)),
    "plain_conv": (
        (4, 2, 1),
        None,
        lambda: LipschitzConvNet((4, 2, 1), (3,), preactivation=False, activation="elu", **KIND),
    ),
}


def case(name, n=3):
    shape, context_size, make = NETWORKS[name]
    network = helpers.randomize(make(), seed=1, scale=3.0)
    generator = np.random.default_rng(0)
    x = tf.constant(generator.normal(size=(n, *shape)))
    context = tf.constant(generator.normal(size=(n, context_size))) if context_size else None
    return network, x, context


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_are_those_of_the_activation_and_at_most_one(name):
    layer = lipschitz_activation(name, "float64")
    x = tf.constant(np.linspace(-30, 30, 2001))
    for beta in (-3.0, 0.5, 4.0):
        for variable in layer.trainable_variables:
            variable.assign(beta)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y, slope = layer.evaluate(x, layer.weights_now())
        np.testing.assert_allclose(slope, tape.gradient(y, x), atol=1e-12)
        assert np.abs(slope).max() <= 1.0 and np.abs(slope).max() > 0.9


def test_unknown_activations_are_refused():
    with helpers.raises_one_line("activation", "'relu'", "lipswish"):
        LipschitzMLP(2, (3,), activation="relu")
    for kind, shape in ((LipschitzMLP, 2), (LipschitzConvNet, (4, 4, 1))):
        with helpers.raises_one_line("hidden_units"):
            kind(shape, ())


@pytest.mark.parametrize("name", NETWORKS)
def test_products_with_the_jacobian(name):
    network, x, context = case(name)
    value, linear = network.evaluate(x, context, network.weights_now())
    helpers.assert_same(value, network(x, context))
    size = int(np.prod(x.shape[1:]))

    def flat(rows, copies):
        given = None if context is None else tf.repeat(context, copies, axis=0)
        return tf.reshape(network(tf.reshape(rows, (-1, *x.shape[1:])), given), (-1, size))

    true = helpers.jacobian(flat, np.reshape(x, (-1, size)))
    assert np.abs(true).max() > 0.01
    basis = np.eye(size).reshape(size, 1, *x.shape[1:]) + np.zeros_like(x)[None]
    for product, matrices in ((linear.jvp, true), (linear.vjp, true.transpose(0, 2, 1))):
        columns = np.reshape(product(tf.constant(basis)), (size, len(x), size))
        np.testing.assert_allclose(columns.transpose(1, 2, 0), matrices, atol=1e-12)
        one = np.reshape(product(tf.constant(basis[0])), (len(x), size))
        np.testing.assert_allclose(one, matrices[:, :, 0], atol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_products_can_be_differentiated(name):
    network, x, context = case(name)
    v, w = (tf.constant(np.random.default_rng(i).normal(size=x.shape)) for i in (1, 2))

    def product(x):
        linear = network.evaluate(x, context, network.weights_now())[1]
        return tf.reduce_sum(linear.jvp(v) * w)

    with tf.GradientTape() as tape:
        tape.watch(x)
        total = product(x)
    slope = (product(x + 1e-5 * w) - product(x - 1e-5 * w)) / 2e-5
    np.testing.assert_allclose(np.sum(tape.gradient(total, x) * w), slope, rtol=1e-5)
    with tf.GradientTape() as tape:
        total = product(x)
    found = tape.gradient(total, [v.value for v in network.linear[0].trainable_variables])
    assert np.any(found[0])


@pytest.mark.parametrize("name", NETWORKS)
def test_no_two_points_move_apart_faster_than_the_bound(name):
    network, x, context = case(name, n=50)
    y = x + tf.constant(np.random.default_rng(3).normal(size=x.shape))
    apart = [np.linalg.norm(np.reshape(d, (50, -1)), axis=1) for d in (x - y, network(x, context))]
    moved = np.reshape(network(x, context) - network(y, context), (50, -1))
    bound = 0.9 ** len(network.linear)
    assert np.all(np.linalg.norm(moved, axis=1) <= bound * (1 + 1e-4) * apart[0])


def test_a_context_changes_the_value():
    network, x, context = case("conv")
    assert np.abs(network(x, context) - network(x, context + 1.0)).max() > 1e-3
