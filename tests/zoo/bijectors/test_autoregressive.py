"""The bijector's Jacobian, in the order of the dimensions."""

import numpy as np
import pytest

from tests import helpers
from tests.zoo.bijectors.test_all import AFFINE, _autoregressive, _sweep
from zoo import bijectors

ORDERS = {"none": None, "reversed": [3, 2, 1, 0], "other": [1, 3, 0, 2]}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("direction", ["forward", "inverse"])
def test_jacobian_is_triangular_in_the_order(order, direction):
    given = None if ORDERS[order] is None else np.array(ORDERS[order])
    bijector = bijectors.Autoregressive(_autoregressive, _sweep, AFFINE, order=given)
    x = np.random.default_rng(0).normal(size=(2, 4))
    matrices = helpers.jacobian(lambda rows, _: getattr(bijector, direction)(rows), x)
    rank = np.argsort(np.arange(4) if given is None else given)
    sees = rank[:, None] >= rank[None, :]
    assert np.array_equal(matrices != 0, np.broadcast_to(sees, (2, 4, 4)))


def test_fast_sample_exchanges_the_roles():
    x = np.random.default_rng(0).normal(size=(2, 4))
    maf = bijectors.Autoregressive(_autoregressive, _sweep, AFFINE)
    iaf = bijectors.Autoregressive(_autoregressive, None, AFFINE, fast="sample")
    expected, _ = AFFINE.inverse_and_log_det(x, _autoregressive(x))
    np.testing.assert_allclose(maf.inverse(x), expected)
    expected, _ = AFFINE.forward_and_log_det(x, _autoregressive(x))
    np.testing.assert_allclose(iaf.forward(x), expected)
