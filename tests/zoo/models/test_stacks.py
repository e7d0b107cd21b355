import numpy as np
import pytest

import zoo
from tests import helpers

FAMILIES = (zoo.Planar, zoo.Radial, zoo.Sylvester)


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_from_data_to_latent(family):
    own = getattr(zoo.layers, family.__name__)
    kinds = [type(layer) for layer in family((3,), num_layers=2).stack.layers]
    assert kinds == [zoo.layers.ActNorm, own] * 2 + [zoo.layers.ActNorm]
    given = family((3,), context_shape=(2,), num_layers=1)
    assert [type(layer) for layer in given.stack.layers][-1] is zoo.layers.Elementwise


@pytest.mark.parametrize("family", FAMILIES)
def test_the_first_gaussian_of_a_posterior_is_amortised(family):
    """At first a sample is the base's, shifted and scaled by what the context says."""
    flow = family((3,), context_shape=(2,), num_layers=2, fast="sample", jit_compile=False)
    helpers.randomize(flow.stack.layers[-1], scale=1.0)
    context, z = np.eye(2, dtype="float32"), np.zeros((2, 3), "float32")
    x = flow.decode(z, context)
    np.testing.assert_allclose(x, flow.stack.layers[-1].bijector(context).forward(z), atol=1e-5)
    assert np.abs(x[0] - x[1]).max() > 0.05


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_differ_and_follow_the_seed(family):
    def weights(seed):
        flow = family((3,), num_layers=3, seed=seed)
        return [layer.get_weights() for layer in flow.stack.layers[1::2]]

    first, second, third = weights(0)
    assert any(np.any(a != b) for a, b in zip(first, second, strict=True))
    assert any(np.any(a != b) for a, b in zip(second, third, strict=True))
    for a, b in zip(first, weights(0)[0], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("family", FAMILIES)
def test_bad_arguments_say_so_in_one_line(family):
    with helpers.raises_one_line("num_layers", "at least 1", "0"):
        family((3,), num_layers=0)
    with helpers.raises_one_line("fast", "log_prob", "'both'"):
        family((3,), fast="both")
