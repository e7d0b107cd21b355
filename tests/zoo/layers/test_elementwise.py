import numpy as np
import pytest

from tests import helpers
from zoo.layers import Elementwise


@pytest.mark.parametrize("shape", [(4,), (2, 3)])
def test_every_entry_has_its_own_parameters(shape):
    layer = helpers.randomize(Elementwise(shape, "affine", dtype="float64"))
    x = np.random.default_rng(0).normal(size=(3, *shape))
    shift, s = np.moveaxis(layer.parameters.numpy(), -1, 0)
    log_scale = 3.0 * np.tanh(s / 3.0)
    z, log_det = layer(x)
    np.testing.assert_allclose(z, (x - shift) * np.exp(-log_scale))
    np.testing.assert_allclose(log_det, np.full(3, -log_scale.sum()))


@pytest.mark.parametrize("lead", [(), (2, 3)])
def test_parameters_read_from_the_context(lead):
    layer = Elementwise((4,), context_shape=(2,), hidden_units=(5,), seed=0, dtype="float64")
    helpers.randomize(layer)
    context = np.random.default_rng(0).normal(size=(*lead, 2))
    z, log_det = layer(np.ones((*lead, 4)), context)
    assert (z.shape, log_det.shape) == ((*lead, 4), lead)
    other = layer(np.ones((*lead, 4)), context + 1)[0]
    assert np.abs(z - other).max() > 1e-3
