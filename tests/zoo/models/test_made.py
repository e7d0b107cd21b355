import numpy as np

import zoo
from tests import helpers
from zoo.distributions import MixtureBase

SMALL = {"hidden_units": (8,), "seed": 0, "jit_compile": False}


def test_one_component_is_a_single_autoregressive_layer():
    flow = zoo.MADE((3,), **SMALL)
    assert [type(layer) for layer in flow.stack.layers] == [zoo.layers.Autoregressive]


def test_conditionals_are_gaussians_of_the_dimensions_before():
    flow = helpers.randomize(zoo.MADE((3,), dtype="float64", **SMALL), scale=1.0)
    x = helpers.data(flow, 4)
    mean, s = np.moveaxis(np.asarray(flow.stack.layers[0].network(x)), -1, 0)
    log_scale = 3 * np.tanh(s / 3)
    z = (x - mean) * np.exp(-log_scale)
    expected = (-0.5 * (z**2 + np.log(2 * np.pi)) - log_scale).sum(-1)
    np.testing.assert_allclose(flow.log_prob(x), expected)


def test_more_components_are_a_density_without_a_bijection():
    flow = zoo.MADE((3,), components=4, **SMALL)
    assert flow.stack.layers == []
    assert isinstance(flow.base, MixtureBase)
    assert flow.base.components == 4


def test_mixtures_of_images():
    flow = zoo.MADE((2, 2, 1), levels=4, components=2, **SMALL)
    helpers.randomize(flow)
    x = helpers.data(flow, 3)
    assert np.isfinite(flow.log_prob(x, seed=0)).all()
    assert flow.sample(3, seed=0).shape == (3, 2, 2, 1)
