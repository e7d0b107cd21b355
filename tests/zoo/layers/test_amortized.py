"""What the planar, radial and Sylvester layers have in common."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from zoo import layers
from zoo.layers.amortized import gain

LAYERS = {
    "planar": layers.Planar,
    "radial": layers.Radial,
    "orthogonal": lambda *a, **k: layers.Sylvester(*a, bottleneck=1, **k),
    "householder": lambda *a, **k: layers.Sylvester(*a, variant="householder", **k),
    "triangular": lambda *a, **k: layers.Sylvester(*a, variant="triangular", reverse=True, **k),
}
ITERATES = [name for name in LAYERS if name != "radial"]
SETTINGS = {"seed": 0, "dtype": "float64"}


def build(name, size=3, **settings):
    return LAYERS[name]((size,), **(SETTINGS | settings))


def test_a_gain_is_positive_and_one_at_zero():
    x = tf.constant([-1e4, -30.0, 0.0, 2.0, 1e4], tf.float64)
    np.testing.assert_allclose(gain(x)[2], 1.0, atol=1e-12)
    assert np.all(gain(x) >= 1e-3) and np.all(np.diff(gain(x)) >= 0)


@pytest.mark.parametrize("name", LAYERS)
def test_starts_as_the_identity_with_a_gradient(name):
    layer = build(name, context_shape=(2,))
    x, context = (np.random.default_rng(0).normal(size=(5, n)) for n in (3, 2))
    with tf.GradientTape() as tape:
        z, log_det = layer(x, context)
        loss = tf.reduce_mean(z**2) - tf.reduce_mean(log_det)
    np.testing.assert_allclose(z, x, atol=1e-6)  # Keras rounds constants to float32.
    np.testing.assert_allclose(log_det, np.zeros(5), atol=1e-6)
    gradients = tape.gradient(loss, [v.value for v in layer.trainable_variables])
    assert sum(bool(np.any(g)) for g in gradients) >= 3


@pytest.mark.parametrize("name", LAYERS)
def test_each_context_has_its_own_map(name):
    layer = build(name, context_shape=(2,), hidden_units=(5,), activation="tanh")
    helpers.randomize(layer, scale=1.0)
    x, context = (np.random.default_rng(0).normal(size=(4, n)) for n in (3, 2))
    z, log_det = layer(x, context)
    assert np.abs(layer(x, context[::-1].copy())[0] - z).max() > 1e-2
    for i in (0, 3):  # One event beside one context, without a batch.
        one, its_log_det = layer(x[i], context[i])
        np.testing.assert_allclose(one, z[i], atol=1e-12)
        np.testing.assert_allclose(its_log_det, log_det[i], atol=1e-12)


@pytest.mark.parametrize("name", LAYERS)
def test_samples_broadcast_against_a_batch_of_contexts(name):
    layer = helpers.randomize(build(name, context_shape=(2,)), scale=1.0)
    z, context = (np.random.default_rng(0).normal(size=s) for s in ((5, 4, 3), (4, 2)))
    x = layer.bijector(context).forward(z)
    assert x.shape == (5, 4, 3)
    np.testing.assert_allclose(layer.bijector(context[1]).forward(z[:, 1]), x[:, 1], atol=1e-10)
    one = layer.bijector(context).forward(z[0, 0])
    assert one.shape == (4, 3)
    np.testing.assert_allclose(one[2], layer.bijector(context[2]).forward(z[0, 0]), atol=1e-10)


@pytest.mark.parametrize("name", LAYERS)
def test_the_two_kinds_are_each_other_s_inverse(name):
    density, sampler = (build(name, fast=fast) for fast in ("log_prob", "sample"))
    helpers.randomize(density, scale=1.0)
    sampler.set_weights(density.get_weights())
    x = np.random.default_rng(0).normal(size=(4, 3))
    z, log_det = density(x)
    np.testing.assert_allclose(sampler.bijector().forward(x), z, atol=1e-12)
    back, minus = sampler(z)
    np.testing.assert_allclose(back, x, atol=1e-10)
    np.testing.assert_allclose(minus, -log_det, atol=1e-10)


# Kernels of networks included; beyond, tanh is one to rounding and nothing new happens.
@pytest.mark.parametrize(
    ("dtype", "scale"),
    [
        ("float64", 1e3),
        ("float32", 10.0),
        pytest.param("float64", 10.0, marks=pytest.mark.slow),
        pytest.param("float32", 1e3, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("name", LAYERS)
def test_invertible_at_extreme_weights(name, dtype, scale):
    layer = helpers.randomize(build(name, 4, dtype=dtype), scale=scale, seed=2)
    x = 3.0 * np.random.default_rng(0).normal(size=(200, 4)).astype(dtype)
    z, log_det = layer(x)
    assert np.isfinite(log_det).all()
    back = layer.bijector().forward(z)
    assert np.isfinite(back).all()
    # Slopes go down to 1e-3, and what is computed is as large as the weights.
    lost = 1e3 * scale**2 * np.finfo(dtype).eps
    np.testing.assert_allclose(back, x, rtol=0, atol=lost)


@pytest.mark.parametrize("name", ITERATES)
def test_says_which_direction_iterates_and_gives_up_as_nan(name):
    assert build(name).implicit == ("decode",)
    layer = build(name, fast="sample", max_iterations=1, tolerance=1e-12)
    assert layer.implicit == ("encode",)
    helpers.randomize(layer, scale=2.0)
    x = np.random.default_rng(0).normal(size=(4, 3))
    assert np.isfinite(layer.bijector().forward(x)).all()
    z, log_det = layer(x)
    assert np.isnan(z).all() and np.isnan(log_det).all()


def test_a_radial_layer_does_not_iterate():
    assert build("radial").implicit == ()


@pytest.mark.parametrize("name", LAYERS)
def test_bad_arguments_say_so_in_one_line(name):
    with helpers.raises_one_line("fast", "log_prob", "both"):
        build(name, fast="both")
    with helpers.raises_one_line("vectors", "(2, 2, 1)"):
        LAYERS[name]((2, 2, 1))
    with helpers.raises_one_line("hidden_units", "-3"):
        build(name, context_shape=(2,), hidden_units=(-3,))
    if name in ITERATES:
        for tolerance in (0.0, -1e-3, True, "small", float("nan")):
            with helpers.raises_one_line("tolerance", "positive", repr(tolerance)):
                build(name, tolerance=tolerance)
        for count in (0, 2.5, True):
            with helpers.raises_one_line("max_iterations", "at least 1", repr(count)):
                build(name, max_iterations=count)


def test_the_same_seed_gives_the_same_weights_and_another_one_others():
    for name in LAYERS:
        a, b, c = (build(name, seed=s).get_weights() for s in (0, 0, 1))
        assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
        assert any(np.any(x != y) for x, y in zip(a, c, strict=True))


def test_mixed_precision_keeps_the_arithmetic_in_float32():
    layer = build("planar", context_shape=(2,), dtype=keras.dtype_policies.get("mixed_bfloat16"))
    helpers.randomize(layer, scale=1.0)
    x = np.ones((2, 3), "float32")
    z, log_det = layer(x, np.ones((2, 2), "float32"))
    assert z.dtype == log_det.dtype == "float32"


@pytest.mark.parametrize("family", [zoo.Planar, zoo.Radial, zoo.Sylvester])
def test_stacks_of_thin_layers_run_without_xla_unless_told(family):
    assert not family((2,), num_layers=2).uses_xla
    assert family((2,), num_layers=2, jit_compile=True).uses_xla
