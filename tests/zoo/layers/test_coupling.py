import numpy as np
import pytest

from tests import helpers
from zoo import transformers
from zoo.layers import Coupling
from zoo.layers.coupling import Partition, coupling_mask

MASKS = {
    "even": [1, 0, 1, 0, 1],
    "odd": [0, 1, 0, 1, 0],
    "first_half": [1, 1, 1, 0, 0],
    "second_half": [0, 0, 1, 1, 1],
}


@pytest.mark.parametrize("name", MASKS)
def test_named_masks(name):
    np.testing.assert_array_equal(coupling_mask(name, 5), np.array(MASKS[name], bool))


@pytest.mark.parametrize("size", [2, 4, 5])
@pytest.mark.parametrize("name", MASKS)
def test_the_jacobian_is_block_triangular(name, size):
    layer = Coupling((size,), name, hidden_units=(9,), activation="tanh", dtype="float64", seed=0)
    helpers.randomize(layer, scale=1.0)
    x = np.random.default_rng(0).normal(size=(2, size))
    matrices = helpers.jacobian(lambda rows, _: layer(rows)[0], x)
    kept = coupling_mask(name, size)
    expected = np.eye(size, dtype=bool) | (~kept[:, None] & kept[None, :])
    assert np.array_equal(matrices != 0, np.broadcast_to(expected, matrices.shape))
    np.testing.assert_array_equal(np.asarray(layer(x)[0])[:, kept], x[:, kept])


@pytest.mark.parametrize("mask", [[1, 0, 1, 0], [0, 1, 1, 0, 1], [1], [0, 0]])
def test_partition_joins_what_it_splits(mask):
    partition = Partition(np.array(mask, bool))
    x = np.random.default_rng(0).normal(size=(3, len(mask)))
    kept, changed = partition.split(x)
    assert (kept.shape[1], changed.shape[1]) == partition.sizes
    np.testing.assert_array_equal(kept, x[:, np.array(mask, bool)])
    np.testing.assert_array_equal(partition.join(kept, changed), x)


def test_one_dimension_depends_on_the_context_alone():
    layer = Coupling((1,), context_shape=(2,), hidden_units=(4,), dtype="float64", seed=0)
    helpers.randomize(layer, scale=1.0)
    x = np.array([[0.0], [1.0]])
    same, other = layer(x, np.zeros((2, 2))), layer(x, np.ones((2, 2)))
    assert same[1][0] == same[1][1]
    assert np.abs(same[1] - other[1]).min() > 1e-3


def test_a_transformer_instance():
    layer = Coupling((2,), transformer=transformers.Spline(num_bins=5), hidden_units=(4,))
    assert layer.network(np.zeros((1, 1), "float32")).shape == (1, 1, 14)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        ("evn", ["mask", "'evn'", "even", "first_half"]),
        ([True, False], ["mask", "3 booleans", "(2,)"]),
        ([0, 1, 2], ["mask", "3 booleans"]),
        ([True, True, True], ["keeps every entry"]),
    ],
)
def test_refuses_masks(mask, words):
    with helpers.raises_one_line(*words):
        Coupling((3,), mask=mask)


def test_refuses_transformers():
    with helpers.raises_one_line("transformer", "affine", "spline", "'afine'"):
        Coupling((3,), transformer="afine")
