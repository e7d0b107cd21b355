import numpy as np
import pytest
import tensorflow as tf

from zoo.bijectors import Permute
from zoo.bijectors.permute import permute

ORDERS = {"identity": [0, 1, 2, 3], "reversed": [3, 2, 1, 0], "other": [2, 0, 3, 1]}


@pytest.mark.parametrize("name", ORDERS)
def test_value_and_gradient(name):
    order = ORDERS[name]
    x = tf.constant(np.random.default_rng(0).normal(size=(3, 4)))
    weights = np.arange(4.0)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = permute(x, order)
        loss = tf.reduce_sum(y**2 * weights)
    np.testing.assert_array_equal(y, x.numpy()[:, order])
    expected = 2 * x.numpy() * weights[np.argsort(order)]
    np.testing.assert_allclose(tape.gradient(loss, x), expected)


def test_latent_is_the_permuted_data():
    x = np.array([[10.0, 20.0, 30.0, 40.0]])
    np.testing.assert_array_equal(Permute([2, 0, 3, 1]).inverse(x), [[30.0, 10.0, 40.0, 20.0]])
    np.testing.assert_array_equal(Permute([2, 0, 3, 1]).forward([[30.0, 10, 40, 20]]), x)
