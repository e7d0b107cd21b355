"""Stacks as distributions of TFP: a batch of contexts is sliced and copied as TFP's own batches."""

import math

import numpy as np
import pytest

from tests import helpers
from tests.zoo import images
from zoo import layers
from zoo.backend import tfd

SMALL = {"hidden_units": (5,), "context_shape": (2,), "seed": 0, "dtype": "float64"}
CONV = {"width": 4, "context_shape": (2,), "seed": 0, "dtype": "float64"}


def vectors(recompute=None):
    return layers.Stack(
        [
            layers.Reverse((3,), dtype="float64"),
            layers.Coupling((3,), **SMALL),
            layers.Autoregressive((3,), **SMALL),
            layers.Elementwise((3,), **SMALL),
            layers.Planar((3,), **SMALL),
        ],
        recompute=recompute,
        dtype="float64",
    )


def pictures():
    scan = layers.Scan([layers.ConvCoupling((2, 2, 4), **CONV) for _ in range(2)], dtype="float64")
    squeeze = layers.Squeeze((4, 4, 1), dtype="float64")
    last = layers.ActNorm((2, 2, 2), dtype="float64")
    scales = layers.MultiScale([[squeeze, scan], [last]], dtype="float64")
    return layers.Stack([scales], dtype="float64")


STACKS = {
    "vectors": vectors,
    "recomputed": lambda: vectors("checkpoint"),
    "pictures": pictures,
}


@pytest.mark.parametrize("name", STACKS)
def test_slices_of_a_batch_of_contexts(name):
    stack = helpers.randomize(STACKS[name](), scale=0.5)
    base = tfd.Sample(tfd.Normal(np.float64(0.0), np.float64(1.0)), math.prod(stack.latent_shape))
    flow = tfd.TransformedDistribution(base, stack.bijector(images.normal(5, 2)))
    x = images.normal(*stack.event_shape)
    expected = flow.log_prob(x).numpy()
    assert flow.batch_shape == expected.shape == (5,)
    assert np.ptp(expected) > 1e-3
    for slices in (slice(2, 4), (..., None), 3):
        np.testing.assert_allclose(flow[slices].log_prob(x), expected[slices])
    np.testing.assert_allclose(flow.copy().log_prob(x), expected)
    draws = flow[2:4].sample(3, seed=0)
    assert draws.shape == (3, 2, *stack.event_shape)
