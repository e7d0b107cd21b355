import numpy as np
import pytest

import zoo
from tests import helpers

SMALL = {"hidden_units": (8,), "seed": 0, "jit_compile": False}


def orders(flow):
    layers = [lay for lay in flow.stack.layers if isinstance(lay, zoo.layers.Autoregressive)]
    return [None if lay.order is None else lay.order.tolist() for lay in layers]


def test_the_order_is_reversed_from_layer_to_layer():
    flow = zoo.MAF((3,), num_layers=4, **SMALL)
    assert orders(flow) == [None, [2, 1, 0], None, [2, 1, 0]]


def test_random_orders_are_drawn_anew_for_each_layer_and_from_the_seed():
    flow, same = (zoo.MAF((9,), num_layers=3, order="random", **SMALL) for _ in range(2))
    assert len({tuple(order) for order in orders(flow)}) == 3
    assert orders(flow) == orders(same)
    other = zoo.MAF((9,), num_layers=3, order="random", **SMALL | {"seed": 1})
    assert orders(other) != orders(flow)


def test_the_seed_decides_the_weights():
    first, same, other = (
        zoo.MAF((3,), num_layers=2, **SMALL | {"seed": s}).get_weights() for s in (0, 0, 1)
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("family", [zoo.MAF, zoo.IAF])
def test_layers_start_from_weights_of_their_own(family):
    kernels = [
        layer.network.dense[0].kernels[-1].numpy()
        for layer in family((3,), num_layers=3, **SMALL).stack.layers
        if hasattr(layer, "network")
    ]
    assert not np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[1], kernels[2])


def test_a_mixture_base_makes_the_papers_maf_mog():
    base = zoo.MADE((3,), components=5, **SMALL)
    flow = helpers.randomize(zoo.MAF((3,), num_layers=1, base=base, **SMALL))
    x = helpers.data(flow, 4)
    z = flow.encode(x)
    log_det = flow.bijector().inverse_log_det_jacobian(x, 1)
    np.testing.assert_allclose(flow.log_prob(x), base.log_prob(z) + log_det, atol=1e-5)
