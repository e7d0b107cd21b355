"""Autoregressive layers: what sees what, in any order and either direction."""

import numpy as np
import pytest

from tests import helpers
from zoo.layers import Autoregressive
from zoo.layers.autoregressive import autoregressive_order
from zoo.transformers import Affine, Spline

ORDERS = ["sequential", "reversed", "random", [2, 0, 3, 1]]
NETWORKS = {
    "linear": {"hidden_units": ()},
    "narrow": {"hidden_units": (2,)},
    "deep": {"hidden_units": (12, 12, 12)},
    "residual": {"hidden_units": (12,) * 3, "residual": True},
    "context": {"hidden_units": (12,), "context_shape": (2,)},
}


def layer_of(network="deep", **settings):
    settings = {"activation": "tanh", "seed": 4, "dtype": "float64"} | NETWORKS[network] | settings
    return helpers.randomize(Autoregressive((4,), **settings), scale=1.0)


# Every network, and every order: what an order does lies in the bijector, whatever the network.
@pytest.mark.parametrize(
    ("network", "order"),
    [(network, "random") for network in NETWORKS] + [("deep", order) for order in ORDERS],
    ids=str,
)
@pytest.mark.parametrize("fast", ["log_prob", "sample"])
def test_jacobian_of_the_fast_direction_has_exact_zeros(network, order, fast):
    layer = layer_of(network, order=order, fast=fast)
    generator = np.random.default_rng(0)
    x = generator.normal(size=(2, 4))
    context = generator.normal(size=(2, 2)) if layer.context_shape else None
    direction = "inverse" if fast == "log_prob" else "forward"
    matrices = helpers.jacobian(
        lambda rows, copies: getattr(layer.bijector(helpers.repeated(context, copies)), direction)(
            rows
        ),
        x,
    )
    given = autoregressive_order(order, 4, seed=4)
    rank = np.argsort(np.arange(4) if given is None else given)
    allowed = np.broadcast_to(rank[:, None] >= rank[None, :], matrices.shape)
    assert not matrices[~allowed].any()
    if network != "narrow":
        assert (matrices[allowed] != 0).all()


def test_the_first_dimension_depends_on_the_context():
    layer = layer_of("context", order="random")
    first = autoregressive_order("random", 4, seed=4)[0]
    x, context = np.ones((1, 4)), np.ones((1, 2))
    change = np.asarray(layer(x, context)[0] - layer(x, -context)[0])
    assert np.abs(change[0, first]) > 1e-3


@pytest.mark.parametrize("fast", ["log_prob", "sample"])
def test_the_sequential_direction_inverts_the_fast_one(fast):
    layer = layer_of("context", order="random", fast=fast)
    generator = np.random.default_rng(0)
    x, context = generator.normal(size=(2, 3, 4)), generator.normal(size=(3, 2))
    z = layer.bijector(context).inverse(x)
    np.testing.assert_allclose(layer.bijector(context).forward(z), x, rtol=0, atol=1e-10)
    there = layer.bijector(context).inverse_log_det_jacobian(x, 1)
    back = layer.bijector(context).forward_log_det_jacobian(z, 1)
    np.testing.assert_allclose(there, -back, rtol=0, atol=1e-10)


def test_orders():
    assert autoregressive_order("sequential", 3) is None
    np.testing.assert_array_equal(autoregressive_order("reversed", 3), [2, 1, 0])
    np.testing.assert_array_equal(autoregressive_order([1, 0, 2], 3), [1, 0, 2])
    drawn = autoregressive_order("random", 20, seed=1)
    np.testing.assert_array_equal(np.sort(drawn), np.arange(20))
    np.testing.assert_array_equal(drawn, autoregressive_order("random", 20, seed=1))
    assert not np.array_equal(drawn, autoregressive_order("random", 20, seed=2))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"order": "randm"}, ["order", "'sequential'", "'randm'"]),
        ({"order": [0, 1, 1, 2]}, ["order", "permutation of 0..3", "[0, 1, 1, 2]"]),
        ({"order": [0, 1]}, ["order", "permutation of 0..3", "[0, 1]"]),
        ({"fast": "density"}, ["fast", "'log_prob'", "'sample'", "'density'"]),
        ({"transformer": "afine"}, ["transformer", "affine", "'afine'"]),
        ({"activation": "rleu"}, ["activation", "'rleu'"]),
        ({"hidden_units": (0,)}, ["hidden_units", "(0,)"]),
        ({"hidden_units": 0}, ["hidden_units", "0"]),
    ],
)
def test_refuses(settings, words):
    with helpers.raises_one_line(*words):
        Autoregressive((4,), **settings)


def test_layers_of_one_structure_share_a_compiled_sweep():
    """And no others do: these sample as their own bijectors say."""

    def sweep(**settings):
        return layer_of(**settings)._compiled_sweep

    assert sweep(seed=1, order="random") is sweep(seed=2)
    others = {"transformer": Affine(1.5)}, {"fast": "sample"}, {"activation": "elu"}
    others += {"dtype": "float32"}, {"network": "residual"}, {"transformer": Spline()}
    found = {id(sweep(**settings)) for settings in ({}, *others)}
    assert len(found) == 1 + len(others)
