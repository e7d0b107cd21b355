"""What every dense layer promises."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests import helpers
from zoo import layers
from zoo.backend import tfb
from zoo.layers.flow_layer import vector_size

CONTEXT = {"context_shape": (2,)}
SMALL = {"hidden_units": (6,), "seed": 0}

LAYERS = {
    "act_norm": lambda **k: layers.ActNorm((4,), **k),
    "autoregressive": lambda **k: layers.Autoregressive((4,), **SMALL, **k),
    "autoregressive_context": lambda **k: layers.Autoregressive((4,), **SMALL, **CONTEXT, **k),
    "coupling": lambda **k: layers.Coupling((4,), mask="first_half", **SMALL, **k),
    "coupling_odd": lambda **k: layers.Coupling((5,), mask="odd", **SMALL, **k),
    "coupling_context": lambda **k: layers.Coupling((4,), **SMALL, **CONTEXT, **k),
    "elementwise": lambda **k: layers.Elementwise((4,), **k),
    "elementwise_image": lambda **k: layers.Elementwise((2, 2, 1), "scale", **k),
    "elementwise_context": lambda **k: layers.Elementwise((4,), **SMALL, **CONTEXT, **k),
    "linear": lambda **k: layers.LULinear((4,), **k),
    "permutation": lambda **k: layers.Permutation((4,), seed=3, **k),
    "reverse": lambda **k: layers.Reverse((4,), **k),
    "logit": lambda **k: layers.Logit((2, 2), levels=4, **k),
    "rescale": lambda **k: layers.Rescale((4,), 1.0, 2.0, **k),
    "reshape": lambda **k: layers.Reshape((2, 2), (4,), **k),
}


def built(name):
    layer = helpers.randomize(LAYERS[name](dtype="float64"))
    generator = np.random.default_rng(0)
    x = generator.uniform(0.1, 3.9, size=(3, *layer.event_shape))
    context = generator.normal(size=(3, 2)) if layer.context_shape else None
    return layer, x, context


@pytest.mark.parametrize("name", LAYERS)
def test_call_is_the_inverse_direction_of_its_bijector(name):
    layer, x, context = built(name)
    z, log_det = layer(x, context)
    assert z.shape == (3, *layer.latent_shape)
    assert log_det.shape == (3,)
    bijector = layer.bijector(context)
    np.testing.assert_allclose(z, bijector.inverse(x))
    expected = bijector.inverse_log_det_jacobian(x, len(layer.event_shape))
    np.testing.assert_allclose(log_det, expected)
    np.testing.assert_allclose(layer.bijector(context).forward(z), x, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", LAYERS)
def test_survives_its_config(name):
    layer, x, context = built(name)
    config = keras.saving.serialize_keras_object(layer)
    copy = keras.saving.deserialize_keras_object(config)
    copy.set_weights(layer.get_weights())
    for a, b in zip(copy(x, context), layer(x, context), strict=True):
        helpers.assert_same(a, b)


@pytest.mark.parametrize("name", LAYERS)
def test_bijector_carries_the_layers_raw_variables(name):
    layer, _, context = built(name)
    found = {id(v) for v in layer.bijector(context).trainable_variables}
    assert found == {id(v.value) for v in layer.trainable_variables}


def test_a_layer_may_return_any_tfp_bijector():
    class Softplus(layers.FlowLayer):
        def bijector(self, context=None, randomness=None):
            return tfb.Softplus()

    x = np.array([[0.5, 2.0]])
    z, log_det = Softplus((2,), dtype="float64")(x)
    np.testing.assert_allclose(z, np.log(np.expm1(x)))
    np.testing.assert_allclose(log_det, -np.log1p(-np.exp(-x)).sum(-1))


@pytest.mark.parametrize("shape", [(2, 2), ()])
def test_vector_size_refuses(shape):
    with helpers.raises_one_line("Coupling", "(d,)", str(shape), "Reshape"):
        vector_size(shape, "Coupling")
    with helpers.raises_one_line("event_shape", "positive integers", "(0,)"):
        vector_size((0,), "Coupling")


def test_networks_compute_in_the_compute_type_and_densities_do_not():
    layer = helpers.randomize(layers.Coupling((4,), **SMALL, dtype="mixed_bfloat16"))
    z, log_det = layer(np.ones((3, 4), "float32"))
    assert layer.network.compute_dtype == "bfloat16"
    assert (z.dtype, log_det.dtype) == (tf.float32, tf.float32)
