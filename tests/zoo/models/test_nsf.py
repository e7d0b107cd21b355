import numpy as np
import pytest

import zoo
from tests import helpers
from zoo.layers import ActNorm, Autoregressive, Coupling, LULinear

SMALL = {"num_layers": 2, "hidden_units": (8, 8, 8), "seed": 0, "jit_compile": False}


@pytest.mark.parametrize(
    ("kind", "layer"), [("coupling", Coupling), ("autoregressive", Autoregressive)]
)
def test_linear_maps_stand_between_the_splines_and_at_the_end(kind, layer):
    flow = zoo.NSF((4,), kind=kind, num_bins=5, bound=2.5, **SMALL)
    kinds = [type(part) for part in flow.stack.layers]
    assert kinds == [ActNorm, LULinear, layer, LULinear, layer, LULinear]
    for spline in flow.stack.layers[2::2]:
        assert (spline.transformer.num_bins, spline.transformer.bound) == (5, 2.5)
        assert spline.network.residual


def test_permutations_and_weights_are_drawn_from_the_seed():
    def permutations(seed):
        flow = zoo.NSF((9,), **SMALL | {"seed": seed})
        return [part.permutation.tolist() for part in flow.stack.layers[1::2]]

    assert permutations(1) == permutations(1) != permutations(2)
    assert len({tuple(p) for p in permutations(1)}) == 3
    first, other = (zoo.NSF((4,), **SMALL | {"seed": s}).get_weights() for s in (1, 2))
    assert any(np.any(a != b) for a, b in zip(first, other, strict=True))
    kernels = [
        part.network.dense[0].kernel.numpy() for part in zoo.NSF((4,), **SMALL).stack.layers[2::2]
    ]
    assert not np.array_equal(*kernels)


@pytest.mark.parametrize("kind", ["coupling", "autoregressive"])
def test_tails_are_linear(kind, eagerly):
    flow = helpers.randomize(zoo.NSF((3,), kind=kind, dtype="float64", **SMALL))
    direction = np.array([[1.0, -2.0, 1.5]])
    z = np.concatenate([np.asarray(flow.encode(s * direction)) for s in (1e4, 2e4, 3e4)])
    np.testing.assert_allclose(z[2] - z[1], z[1] - z[0], rtol=1e-3)
    near = np.concatenate([np.asarray(flow.encode(s * direction)) for s in (0.0, 0.5, 1.0)])
    assert np.abs((near[2] - near[1]) / (near[1] - near[0]) - 1).max() > 1e-2


@pytest.mark.parametrize(
    ("units", "residual"), [((8,) * 5, True), ((8, 8), False), ((8, 9, 8), False), ((), False)]
)
def test_networks_are_residual_where_the_widths_allow(units, residual):
    flow = zoo.NSF((3,), **SMALL | {"hidden_units": units})
    assert [part.network.residual for part in flow.stack.layers[2::2]] == [residual] * 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "spline"}, ["kind", "'coupling'", "'autoregressive'", "'spline'"]),
        ({"num_layers": 0}, ["num_layers", "at least 1", "0"]),
        ({"num_bins": 1}, ["num_bins", "at least 2", "1"]),
        ({"bound": 0.0}, ["bound", "positive", "0.0"]),
        ({"residual": True, "hidden_units": (8, 8)}, ["residual", "odd number", "(8, 8)"]),
    ],
)
def test_refuses(settings, words):
    with helpers.raises_one_line(*words):
        zoo.NSF((3,), **SMALL | settings)
