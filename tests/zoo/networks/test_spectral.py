"""Linear maps of bounded norm: the norm is that of the operator, and the map is scaled by it."""

import numpy as np
import pytest
import tensorflow as tf

from tests import helpers
from zoo.networks.lipschitz_conv import SpectralConv
from zoo.networks.spectral import SpectralDense

LAYERS = {
    "dense": lambda **k: SpectralDense(5, 7, 0.9, dtype="float64", seed=0, **k),
    "wide": lambda **k: SpectralDense(7, 2, 0.9, dtype="float64", seed=0, **k),
    "conv": lambda **k: SpectralConv((4, 3, 2), 3, 3, 0.9, dtype="float64", seed=0, **k),
    "conv5": lambda **k: SpectralConv((4, 4, 1), 2, 5, 0.9, dtype="float64", seed=0, **k),
}


def matrix(layer, kernel):
    """The operator as a matrix `[inputs, outputs]`."""
    shape = tuple(layer.vector.shape)
    basis = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    return np.reshape(layer.apply(kernel, tf.constant(basis)), (len(basis), -1))


def random(name, scale=3.0, **kwargs):
    layer = LAYERS[name](**kwargs)
    return helpers.randomize(layer, seed=1, scale=scale)


@pytest.mark.parametrize("name", LAYERS)
def test_the_norm_is_that_of_the_operator(name):
    layer = random(name)
    true = np.linalg.norm(matrix(layer, layer.kernel.value), 2)
    assert true > 1.5
    np.testing.assert_allclose(layer.norm(), true, rtol=1e-4)
    scaled = matrix(layer, layer.weights_now()[0])
    np.testing.assert_allclose(np.linalg.norm(scaled, 2), 0.9, rtol=1e-4)


def test_the_norm_of_a_convolution_is_not_that_of_its_kernel():
    layer = random("conv")
    as_matrix = np.linalg.norm(np.reshape(layer.kernel, (-1, 3)), 2)
    assert abs(float(layer.norm()) / as_matrix - 1) > 0.1


def test_what_is_kept_may_belong_to_another_norm():
    layer = SpectralConv((4, 4, 2), 2, 3, 0.9, dtype="float64", seed=0)
    for norms in ([2.0, 1.0], [1.0, 2.0]):
        kernel = np.zeros((3, 3, 2, 2))
        kernel[1, 1] = np.diag(norms)
        layer.kernel.assign(kernel)
        layer.update_spectral_norm()
        np.testing.assert_allclose(layer.norm(), 2.0, rtol=1e-6)


@pytest.mark.parametrize("name", LAYERS)
def test_a_map_below_the_coefficient_is_left_alone(name):
    layer = random(name, scale=0.1)
    np.testing.assert_array_equal(layer.weights_now()[0], layer.kernel.value)


@pytest.mark.parametrize("name", LAYERS)
def test_the_transpose(name):
    layer = random(name)
    generator = np.random.default_rng(0)
    x = generator.normal(size=(2, 3, *layer.vector.shape))
    kernel = layer.kernel.value
    image = layer.apply(kernel, tf.constant(x))
    y = generator.normal(size=image.shape)
    np.testing.assert_allclose(np.sum(image * y), np.sum(x * layer.adjoint(kernel, y)), rtol=1e-10)


@pytest.mark.parametrize("name", ["dense", "conv"])
def test_training_steps_move_the_vector_and_others_do_not(name):
    layer = random(name, iterations=2)
    layer.vector.assign(np.random.default_rng(5).normal(size=layer.vector.shape))
    before = layer.vector.numpy()
    layer.weights_now()
    np.testing.assert_array_equal(layer.vector, before)
    true = np.linalg.norm(matrix(layer, layer.kernel.value), 2)
    norms = [float(layer.norm())]
    for _ in range(60):
        layer.weights_now(training=True)
        norms.append(float(layer.norm()))
    assert norms[0] < 0.9 * true
    assert np.all(np.diff(norms) > -1e-9)
    np.testing.assert_allclose(norms[-1], true, rtol=1e-3)


def test_the_gradient_goes_through_the_norm():
    layer = random("dense")
    kernel = layer.kernel.numpy()
    weight = np.random.default_rng(0).normal(size=kernel.shape)

    def value(k):
        layer.kernel.assign(k)
        layer.update_spectral_norm()
        return float(tf.reduce_sum(layer.weights_now()[0] * weight))

    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer.weights_now()[0] * weight)
    gradient = tape.gradient(total, layer.kernel.value).numpy()
    # Not the kernel's own direction, along which nothing changes.
    move = np.random.default_rng(2).normal(size=kernel.shape)
    slope = (value(kernel + 1e-5 * move) - value(kernel - 1e-5 * move)) / 2e-5
    np.testing.assert_allclose(np.sum(gradient * move), slope, rtol=1e-5)


def test_a_kernel_of_zeros_has_finite_gradients():
    layer = LAYERS["dense"]()
    layer.kernel.assign(np.zeros((5, 7)))
    layer.update_spectral_norm()
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(layer.weights_now()[0])
    assert np.isfinite(tape.gradient(total, layer.kernel.value)).all()


@pytest.mark.parametrize("value", [1.0, 1.5, 0, -0.5, "0.9", True, float("nan")])
def test_bad_coefficients_are_refused(value):
    with helpers.raises_one_line("coefficient", repr(value)):
        SpectralDense(2, 2, value)
    with helpers.raises_one_line("odd", "2"):
        SpectralConv((4, 4, 1), 1, 2, 0.9)


def test_a_convolution_recovers_from_what_is_not_a_number():
    layer = SpectralConv((4, 4, 1), 2, 3, 0.9, seed=0)
    kept = layer.vector.numpy()
    layer.vector.assign(np.full_like(kept, np.nan))
    layer.update_spectral_norm()
    assert abs(np.sum(kept * layer.vector.numpy())) > 0.999 * np.sum(kept**2)
    kernel = layer.kernel.numpy()
    layer.kernel.assign(np.full_like(kernel, np.nan))
    layer.update_spectral_norm()
    assert np.isfinite(layer.vector.numpy()).all()
