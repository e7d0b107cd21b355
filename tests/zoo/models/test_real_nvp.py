"""Of vectors; `test_image_families.py` has the architecture for images."""

import numpy as np

import zoo
from tests import helpers

SMALL = {"hidden_units": (8,), "seed": 0, "jit_compile": False}


def test_couplings_keep_even_and_odd_dimensions_in_turn():
    flow = zoo.RealNVP((4,), num_layers=3, **SMALL)
    kept = [np.flatnonzero(lay.partition.mask).tolist() for lay in flow.stack.layers[1::2]]
    assert kept == [[0, 2], [1, 3], [0, 2]]


def test_layers_start_from_weights_of_their_own():
    flow = zoo.RealNVP((4,), num_layers=3, **SMALL)
    kernels = [layer.network.dense[0].kernel.numpy() for layer in flow.stack.layers[1::2]]
    assert not np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[1], kernels[2])


def test_starts_as_a_standard_normal():
    flow = zoo.RealNVP((4,), num_layers=3, **SMALL)
    x = helpers.data(flow, 5)
    expected = (-0.5 * (x**2 + np.log(2 * np.pi))).sum(-1)
    np.testing.assert_allclose(flow.log_prob(x), expected, rtol=1e-5)
