"""Transformers: scalar bijections, the identity or close to it at parameters of zero."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import helpers
from zoo import transformers

NAMES = sorted(transformers.TRANSFORMERS)
RNG = np.random.default_rng(0)


def values(n=200):
    return RNG.normal(0, 2, size=n)


@pytest.mark.parametrize("name", NAMES)
def test_round_trip_and_slope_against_autodiff(name):
    transformer = transformers.get(name)
    z = tf.constant(values())
    params = RNG.normal(size=(200, transformer.num_params))
    with tf.GradientTape() as tape:
        tape.watch(z)
        x, log_det = transformer.forward_and_log_det(z, params)
    np.testing.assert_allclose(np.exp(log_det), tape.gradient(x, z), rtol=1e-9)
    back, inverse_log_det = transformer.inverse_and_log_det(x, params)
    np.testing.assert_allclose(back, z, rtol=0, atol=1e-9)
    np.testing.assert_allclose(inverse_log_det, -log_det, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_matters(name):
    transformer = transformers.get(name)
    # Inside the spline's interval, in every one of its bins.
    z = np.linspace(-2.9, 2.9, 50)
    params = np.broadcast_to(RNG.normal(size=transformer.num_params), (50, transformer.num_params))
    iterates = transformer.implicit == ("decode",)
    call = transformer.inverse_and_log_det if iterates else transformer.forward_and_log_det
    x = call(z, params)[0]
    for i in range(transformer.num_params):
        changed = params + 0.1 * np.eye(transformer.num_params)[i]
        assert np.abs(call(z, changed)[0] - x).max() > 1e-4


@pytest.mark.parametrize("name", ["additive", "affine", "scale", "spline"])
def test_parameters_of_zero_are_the_identity(name):
    transformer = transformers.get(name)
    z = values()
    x, log_det = transformer.forward_and_log_det(z, np.zeros((200, transformer.num_params)))
    np.testing.assert_allclose(x, z, atol=1e-9)
    np.testing.assert_allclose(log_det, 0, atol=1e-9)


@pytest.mark.parametrize("name", ["affine", "scale", "gated"])
def test_scales_are_bounded(name):
    transformer = transformers.get(name)
    for huge in (-1e6, 1e6):
        params = np.full((3, transformer.num_params), huge)
        for call in (transformer.forward_and_log_det, transformer.inverse_and_log_det):
            assert np.abs(call(np.zeros(3), params)[1]).max() <= 8.0 + 1e-6


def test_gated_is_the_equation_of_its_paper():
    z, params = values(5), RNG.normal(size=(5, 2))
    gate = 1e-3 + (1 - 1e-3) / (1 + np.exp(-params[:, 1] - 2.0))
    x = transformers.Gated().forward_and_log_det(z, params)[0]
    np.testing.assert_allclose(x, gate * z + (1 - gate) * params[:, 0])


def test_spline_is_the_identity_outside_and_smooth_at_its_ends():
    spline = transformers.Spline(num_bins=5, bound=2.0)
    params = np.broadcast_to(RNG.normal(size=spline.num_params), (6, spline.num_params))
    outside = np.array([-7.0, -3.0, -2.0, 2.0, 2.5, 100.0])
    x, log_det = spline.forward_and_log_det(outside, params)
    np.testing.assert_allclose(x, outside)
    near = np.array([-2.0 + 1e-7, 2.0 - 1e-7, -2 - 1e-7, 2 + 1e-7, 3, 3])
    np.testing.assert_allclose(spline.forward_and_log_det(near, params)[1], 0, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_survives_its_config(name):
    transformer = transformers.get(name)
    config = keras.saving.serialize_keras_object(transformer)
    copy = transformers.get(keras.saving.deserialize_keras_object(config))
    assert type(copy) is type(transformer)
    assert copy.get_config() == transformer.get_config()
    assert type(transformers.get(config)) is type(transformer)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: transformers.get("afine"), ["transformer", "affine", "spline", "'afine'"]),
        (lambda: transformers.get(3), ["transformer", "affine", "3"]),
        (lambda: transformers.Affine(max_log_scale=0), ["max_log_scale", "positive", "0"]),
        (lambda: transformers.Gated(min_gate=1.5), ["min_gate", "between 0 and 1", "1.5"]),
        (lambda: transformers.Spline(num_bins=1), ["num_bins", "at least 2", "1"]),
        (lambda: transformers.Spline(num_bins=2.5), ["num_bins", "at least 2", "2.5"]),
        (lambda: transformers.Spline(num_bins="8"), ["num_bins", "at least 2", "'8'"]),
        (lambda: transformers.Spline(min_slope=1.0), ["min_slope", "between 0 and 1", "1.0"]),
        (lambda: transformers.DeepSigmoidal(tolerance=np.inf), ["tolerance", "positive", "inf"]),
        (lambda: transformers.DeepSigmoidal(tolerance="x"), ["tolerance", "positive", "'x'"]),
        (lambda: transformers.DeepSigmoidal(num_units=None), ["num_units", "at least 2", "None"]),
        (lambda: transformers.Spline(bound=-1.0), ["bound", "positive", "-1.0"]),
        (lambda: transformers.Spline(num_bins=8, min_bin=0.2), ["min_bin", "below 1", "1.6"]),
    ],
)
def test_refuses(make, words):
    with helpers.raises_one_line(*words):
        make()
