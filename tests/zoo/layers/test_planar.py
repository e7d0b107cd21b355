import numpy as np

from tests import helpers
from zoo.layers import Planar


def test_is_the_equation_of_the_paper():
    layer = helpers.randomize(Planar((5,), seed=0, dtype="float64"), scale=2.0)
    w, u, b = (layer.parameters[name].numpy() for name in ("w", "u", "b"))
    start = np.log(np.expm1(0.999))
    product = np.log1p(np.exp(w @ u + start)) + 1e-3 - 1.0
    u = u + (product - w @ u) * w / (w @ w)
    assert w @ u > -1.0
    x = np.random.default_rng(0).normal(size=(4, 5))
    a = x @ w + b
    z, log_det = layer(x)
    np.testing.assert_allclose(z, x + u * np.tanh(a)[:, None])
    np.testing.assert_allclose(log_det, np.log(1.0 + (w @ u) / np.cosh(a) ** 2))


def test_without_a_direction_it_is_a_shift():
    layer = helpers.randomize(Planar((3,), dtype="float64"), scale=2.0)
    layer.parameters["w"].assign([0.0, 0.0, 0.0])
    u, b = layer.parameters["u"].numpy(), layer.parameters["b"].numpy()
    x = np.random.default_rng(0).normal(size=(4, 3))
    z, log_det = layer(x)
    np.testing.assert_allclose(z, x + u * np.tanh(b))
    np.testing.assert_allclose(log_det, np.zeros(4), atol=1e-7)
    np.testing.assert_allclose(layer.bijector().forward(z), x)
