import numpy as np
import pytest

from tests import helpers
from zoo.networks import MLP


def test_shapes_and_context():
    network = helpers.randomize(MLP(3, (2, 5), (8,), context_size=4, seed=0))
    x, context = np.ones((6, 3), "float32"), np.zeros((6, 4), "float32")
    assert network(x, context).shape == (6, 2, 5)
    assert np.abs(network(x, context) - network(x, context + 1)).max() > 1e-3


def test_starts_at_zero():
    assert not MLP(3, (2,), (8,), seed=0)(np.ones((4, 3), "float32")).numpy().any()


def test_sees_nothing_but_is_trained_all_the_same():
    network = helpers.randomize(MLP(0, (2,), (8, 8), activation="tanh", seed=0))
    out = network(np.zeros((5, 0), "float32")).numpy()
    assert out.shape == (5, 2)
    assert out.any()
    helpers.assert_same(out, np.repeat(out[:1], 5, axis=0))


def test_residual_blocks_add_their_input():
    network = helpers.randomize(MLP(3, (2,), (6,) * 5, activation="tanh", residual=True, seed=0))
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    weights = [(layer.kernel.numpy(), layer.bias.numpy()) for layer in network.dense]
    (first, a, b, c, d, last) = [lambda h, w=w: h @ w[0] + w[1] for w in weights]
    h = first(x)
    for one, other in ((a, b), (c, d)):
        h = h + other(np.tanh(one(np.tanh(h))))
    np.testing.assert_allclose(network(x), last(np.tanh(h)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("units", [(), (8, 8), (8, 9, 8)])
def test_refuses_widths_of_no_residual_network(units):
    with helpers.raises_one_line("residual", "odd number", str(units)):
        MLP(3, (2,), units, residual=True)


def test_no_hidden_layer_is_linear():
    network = helpers.randomize(MLP(2, (1,), ()))
    zero, a, b = (network(np.array([v], "float32")).numpy() for v in ([0, 0], [1, 2], [2, 4]))
    np.testing.assert_allclose(b - zero, 2 * (a - zero), rtol=1e-5)


@pytest.mark.parametrize("units", [(0,), (8, -1), (2.5,), ("8",)])
def test_refuses_hidden_units(units):
    with helpers.raises_one_line("hidden_units", "positive integers", repr(units[-1])):
        MLP(2, (1,), units)
