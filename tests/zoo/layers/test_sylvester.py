import numpy as np
import pytest

from tests import helpers
from zoo.bijectors.householder import orthonormal
from zoo.layers import Sylvester

VARIANTS = {
    "orthogonal": {"bottleneck": 2},
    "householder": {"variant": "householder", "num_reflections": 3},
    "triangular": {"variant": "triangular"},
    "reversed": {"variant": "triangular", "reverse": True},
}


def columns(name, layer):
    """`Q [d, m]` in plain numbers."""
    if name == "triangular":
        return np.eye(5)
    if name == "reversed":
        return np.eye(5)[::-1]
    return orthonormal(layer.parameters["vectors"].value, layer.columns).numpy()


@pytest.mark.parametrize("name", VARIANTS)
def test_is_the_equation_of_the_paper(name):
    layer = Sylvester((5,), seed=0, dtype="float64", **VARIANTS[name])
    helpers.randomize(layer, scale=2.0)
    q = columns(name, layer)
    np.testing.assert_allclose(q.T @ q, np.eye(q.shape[1]), atol=1e-12)
    assert q.shape == (5, 2 if name == "orthogonal" else 5)
    values = {key: value.numpy() for key, value in layer.parameters.items()}
    limit = np.sqrt(1.0 - 1e-3)
    matrix = values["matrix"]
    left = np.triu(matrix, 1) + np.diag(limit * np.tanh(np.diag(matrix)))
    right = np.triu(matrix.T, 1) + np.diag(limit * np.tanh(values["diagonal"]))
    x = np.random.default_rng(0).normal(size=(4, 5))
    a = x @ q @ right.T + values["b"]
    z, log_det = layer(x)
    np.testing.assert_allclose(z, x + np.tanh(a) @ left.T @ q.T)
    matrices = helpers.jacobian(lambda rows, _: layer(rows)[0], x)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(matrices)[1], atol=1e-12)


def test_by_default_it_has_32_columns_at_most():
    assert [Sylvester((d,)).columns for d in (1, 5, 40)] == [1, 5, 32]
    assert Sylvester((40,), variant="householder").columns == 40


def test_bad_arguments_say_so_in_one_line():
    with helpers.raises_one_line("variant", "triangular", "'cayley'"):
        Sylvester((3,), variant="cayley")
    with helpers.raises_one_line("bottleneck", "1 to 3", "4"):
        Sylvester((3,), bottleneck=4)
    with helpers.raises_one_line("bottleneck", "orthogonal", "2"):
        Sylvester((3,), variant="householder", bottleneck=2)
    with helpers.raises_one_line("num_reflections", "at least 1", "0"):
        Sylvester((3,), variant="householder", num_reflections=0)
