"""Repeated layers as one `Scan`: which are taken together, and that values stay."""

import keras
import numpy as np
import pytest

import zoo
from tests import helpers
from zoo import layers
from zoo.layers import compacted


def randomized(flow_layers):
    """The layers with random weights: fresh ones are identities."""
    for seed, layer in enumerate(flow_layers):
        helpers.randomize(layer, seed)
    return flow_layers


def pattern(found):
    return [(type(x).__name__, getattr(x, "count", 1)) for x in found]


def test_one_layer_again_and_again():
    found = compacted([layers.Planar((3,), seed=i) for i in range(5)])
    assert pattern(found) == [("Scan", 5)]


def test_what_stands_before_and_after_is_left():
    given = [layers.Reverse((3,))]
    for i in range(4):
        given += [layers.ActNorm((3,)), layers.Autoregressive((3,), hidden_units=(4,), seed=i)]
    given.append(layers.LULinear((3,)))
    found = compacted(given)
    assert pattern(found) == [("Reverse", 1), ("Scan", 4), ("LULinear", 1)]
    assert found[0] is given[0] and found[2] is given[-1]


def test_orders_in_turn_are_a_pattern_of_two():
    found = compacted(zoo.MAF((3,), num_layers=4, hidden_units=(4,)).stack.layers)
    assert pattern(found) == [("Scan", 2)]


def test_what_differs_or_draws_is_not_taken_together():
    one, other = (layers.Autoregressive((3,), hidden_units=(n,)) for n in (4, 5))
    assert compacted([one, other]) == [one, other] and compacted([]) == []
    residual = [layers.Residual((3,), hidden_units=(4,), log_det="roulette") for _ in range(2)]
    assert compacted(residual) == residual


@pytest.mark.parametrize("make", [zoo.MAF, zoo.Planar, zoo.RealNVP, zoo.Sylvester])
def test_values_are_those_of_the_layers(make, x):
    flow = make((3,), num_layers=4, dtype="float64")
    stack = layers.Stack(randomized(flow.stack.layers), dtype="float64")
    small = layers.Stack(compacted(stack.layers), dtype="float64")
    assert len(small.layers) < len(stack.layers)
    z, log_det = stack(x)
    ours, our_log_det = small(x)
    np.testing.assert_allclose(ours, z, rtol=1e-9)
    np.testing.assert_allclose(our_log_det, log_det, rtol=1e-9)
    back = keras.ops.convert_to_numpy(small.bijector().forward(z))
    np.testing.assert_allclose(back, x, rtol=1e-6, atol=1e-6)


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(size=(4, 3))
