import gc

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.ops import gradient_registry

import zoo
from tests.zoo import images
from zoo.backend import gradients as gradients_module
from zoo.networks import convolve as module
from zoo.networks.convolve import convolve

# Height and width of the kernel; 8 maps to 1 are few filters for all, 2 to 3 for none.
SIZES = [(3, 3), (2, 4), (1, 3), (5, 1)]


def reference(x, kernel):
    return tf.nn.conv2d(x, kernel, 1, "SAME")


def gradients(function, x, kernel, weights):
    """First derivatives of a weighted sum of what `function` gives, and those of their squares."""
    with tf.GradientTape() as outer:
        outer.watch([x, kernel])
        with tf.GradientTape() as inner:
            inner.watch([x, kernel])
            value = tf.reduce_sum(weights * function(x, kernel) ** 2)
        first = inner.gradient(value, [x, kernel])
        total = tf.add_n([tf.reduce_sum(g**2) for g in first])
    return [value, *first, *outer.gradient(total, [x, kernel])]


def case(size, channels, filters):
    x = tf.constant(images.normal(2, 6, 5, channels))
    kernel = tf.constant(images.normal(*size, channels, filters))
    return x, kernel, tf.constant(images.normal(2, 6, 5, filters))


@pytest.fixture(autouse=True)
def on_a_cpu(monkeypatch):
    monkeypatch.setattr(gradients_module, "_on_cpu", lambda: True)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_gradients_of_few_filters_are_those_of_the_convolution(size, jit):
    arguments = case(size, 8, 1)
    assert module._thins(arguments[1].shape)
    call = tf.function(gradients, jit_compile=jit)
    for found, expected in zip(
        call(convolve, *arguments), gradients(reference, *arguments), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", SIZES)
def test_gradients_of_many_filters_are_those_of_the_convolution(size):
    arguments = case(size, 2, 3)
    assert not module._thins(arguments[1].shape)
    for found, expected in zip(
        gradients(convolve, *arguments), gradients(reference, *arguments), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def operations(x, kernel):
    """Kinds of the operations in the gradient of a convolution."""

    @tf.function
    def run(x, kernel):
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            value = convolve(x, kernel)
        return tape.gradient(value, [x, kernel])

    return {o.type for o in run.get_concrete_function(x, kernel).graph.get_operations()}


def test_few_filters_take_two_products_on_a_cpu_alone(monkeypatch):
    few, many = case((3, 3), 16, 2)[:2], case((3, 3), 16, 4)[:2]
    theirs = {"Conv2DBackpropFilter", "Conv2DBackpropInput"}
    assert not theirs & operations(*few)
    assert theirs <= operations(*many)
    monkeypatch.setattr(gradients_module, "_on_cpu", lambda: False)
    assert theirs <= operations(*few)


def test_a_gradient_that_is_being_stored_has_plain_ones():
    token = gradients_module._first_order.set(True)
    try:
        found = operations(*case((3, 3), 16, 2)[:2])
    finally:
        gradients_module._first_order.reset(token)
    assert "Conv2DBackpropFilter" in found


@pytest.mark.parametrize("recompute", [pytest.param(None, marks=pytest.mark.slow), "inverse"])
def test_flows_leave_no_gradients_behind(recompute):
    x = images.normal(4, 4, 4, 1).astype("float32")

    def use():
        settings = {"scales": 1, "steps": 2, "width": 32, "seed": 0, "jit_compile": False}
        flow = zoo.Glow((4, 4, 1), recompute=recompute, **settings)
        flow.compile(keras.optimizers.Adam(1e-3))
        flow.fit(x, batch_size=2, epochs=1, verbose=0)
        flow.log_prob(x)

    def registered():
        gc.collect()
        return {n for n in gradient_registry.list() if n.startswith(("Custom", "FlowZoo"))}

    use()
    before = registered()
    use()
    # The last flow's step may be kept by Keras until the next is built, and no more than that.
    assert len(registered()) <= len(before)


def test_a_convolution_of_half_precision_has_gradients_of_its_type():
    x, kernel, _ = (tf.cast(a, "bfloat16") for a in case((3, 3), 16, 1))
    with tf.GradientTape() as tape:
        tape.watch([x, kernel])
        value = convolve(x, kernel)
    of_x, of_kernel = tape.gradient(value, [x, kernel])
    assert value.dtype == of_x.dtype == of_kernel.dtype == "bfloat16"
    assert of_x.shape == x.shape and of_kernel.shape == kernel.shape
