import numpy as np
import pytest

from tests import helpers
from tests.zoo import images
from zoo import transformers


def test_sigmoid_is_glows_affine_coupling():
    z, params = images.normal(5), images.normal(5, 2, seed=1)
    x, log_det = transformers.Sigmoid().inverse_and_log_det(z, params)
    scale = 1e-3 + (1 - 1e-3) / (1 + np.exp(-params[:, 1] - 2))
    np.testing.assert_allclose(x, (z + params[:, 0]) * scale, rtol=1e-12)
    np.testing.assert_allclose(log_det, np.log(scale), rtol=1e-10)


def test_scaled_tanh_is_real_nvps():
    z, params = images.normal(5), images.normal(5, 3, seed=1)
    x, log_det = transformers.ScaledTanh(0.5).forward_and_log_det(z, params)
    log_scale = (0.5 + params[:, 2]) * np.tanh(params[:, 1])
    np.testing.assert_allclose(x, z * np.exp(log_scale) + params[:, 0], rtol=1e-12)
    np.testing.assert_allclose(log_det, log_scale, rtol=1e-12)


@pytest.mark.parametrize("name", ["sigmoid", "scaled_tanh", "tanh"])
def test_scales_are_bounded(name):
    transformer = transformers.get(name)
    params = np.array([[0.0, s, 0.0][: transformer.num_params] for s in (-1e6, 1e6)])
    log_det = np.asarray(transformer.inverse_and_log_det(np.ones(2), params)[1])
    bound = {"sigmoid": np.log(1e3), "scaled_tanh": 1.0, "tanh": 2.0}[name]
    assert np.abs(log_det).max() <= bound + 1e-9


def test_floor_is_checked():
    with helpers.raises_one_line("min_scale", "between 0 and 1", "0"):
        transformers.Sigmoid(min_scale=0)
