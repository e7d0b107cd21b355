import numpy as np
import pytest

from tests import helpers
from zoo.layers import LULinear


@pytest.mark.parametrize("permute", [True, False])
def test_is_the_matrix_of_its_factors(permute):
    layer = helpers.randomize(LULinear((5,), permute=permute, seed=3, dtype="float64"), scale=2.0)
    x = np.random.default_rng(0).normal(size=(3, 5))
    matrix = helpers.jacobian(lambda rows, _: layer(rows)[0], x)[0]
    z, log_det = layer(x)
    np.testing.assert_allclose(z, x @ matrix.T + layer.bias.numpy())
    np.testing.assert_allclose(log_det, np.full(3, np.linalg.slogdet(matrix)[1]))
    lower, upper, _, _ = (v.numpy() for v in layer._factors())
    np.testing.assert_allclose(matrix[np.argsort(layer.permutation)], lower @ upper)


def test_starts_as_a_permutation():
    layer = LULinear((5,), seed=3, dtype="float64")
    z, log_det = layer(np.arange(5.0)[None])
    np.testing.assert_allclose(z[0], layer.permutation)
    np.testing.assert_allclose(log_det, [0.0], atol=1e-6)  # Keras rounds constants to float32.
    np.testing.assert_array_equal(LULinear((5,), permute=False).permutation, np.arange(5))


def test_of_one_dimension_only_scale_and_bias_are_left():
    layer = helpers.randomize(LULinear((1,), dtype="float64"), scale=2.0)
    assert sorted(v.name for v in layer.trainable_variables) == ["bias", "diagonal"]
    x = np.array([[0.0], [1.0], [3.0]])
    z, log_det = layer(x)
    slopes = np.diff(np.asarray(z)[:, 0]) / np.diff(x[:, 0])
    np.testing.assert_allclose(slopes, np.exp(log_det[1:]))
    np.testing.assert_allclose(layer.bijector().forward(z), x, atol=1e-12)
