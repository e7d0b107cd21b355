"""The block-stored layer against the masked dense product that it stands for."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from zoo.networks import MaskedDense

DEGREES = {
    "square": (range(1, 9), range(8)),
    "wide": (range(1, 6), sorted(list(range(5)) * 4)),
    "narrow": (sorted(list(range(4)) * 5), range(4)),
    "one_output": ([1, 2, 3], [2]),
    "sees_nothing": ([1, 2], [0, 0, 0]),
    "sees_everything": ([0, 0, 1], [1, 1, 2, 3]),
}


def layer_of(case, **kwargs):
    degrees = [list(d) for d in DEGREES[case]]
    layer = MaskedDense(*degrees, dtype="float64", **kwargs)
    return helpers.randomize(layer), np.less_equal.outer(*degrees)


def masked_entries(model):
    """The values of all entries that a mask holds at zero, in one array."""
    found = []
    for variable in model.trainable_variables:
        if variable.constraint is not None:
            mask = np.asarray(variable.constraint(tf.ones(variable.shape)))
            found.append(np.asarray(variable)[mask == 0])
    return np.concatenate(found)


@pytest.mark.parametrize("case", DEGREES)
@pytest.mark.parametrize("blocks", [1, 3, 4])
def test_equals_the_masked_dense_product(case, blocks):
    layer, mask = layer_of(case, blocks=blocks)
    kernel = layer.dense_kernel().numpy()
    assert np.array_equal(kernel != 0, mask)
    x = np.random.default_rng(0).normal(size=(7, mask.shape[0]))
    expected = x @ kernel + layer.bias.numpy()
    np.testing.assert_allclose(layer(x), expected, rtol=0, atol=1e-12)


def test_the_zero_half_is_not_stored():
    dense = 64 * 64
    stored = sum(v.numpy().size for v in layer_of_size(64).trainable_variables) - 64
    assert stored < 0.65 * dense


def layer_of_size(size):
    return MaskedDense(list(range(1, size + 1)), list(range(size)), blocks=4)


def test_starts_as_the_initializer_says():
    layer = MaskedDense([1, 2, 3], [1, 2, 3], keras.initializers.Constant(2.0))
    assert np.array_equal(layer.dense_kernel(), 2.0 * np.triu(np.ones((3, 3))))


def test_gradient_of_masked_entries_is_zero():
    layer, mask = layer_of("square")
    x = np.random.default_rng(0).normal(size=(7, 8))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) ** 3)
    variables = [v for v in layer.trainable_variables if v.constraint is not None]
    assert variables
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        allowed = np.asarray(variable.constraint(tf.ones(variable.shape))) != 0
        assert np.array_equal(gradient.numpy() != 0, allowed)


OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.05),
    "momentum": lambda: keras.optimizers.SGD(1e-3, momentum=0.9, nesterov=True),
    "weight_decay": lambda: keras.optimizers.AdamW(0.05, weight_decay=0.1),
    "muon": lambda: keras.optimizers.Muon(0.05),
}


def small_maf():
    flow = zoo.MAF((6,), num_layers=1, hidden_units=(12, 12), seed=0, jit_compile=False)
    return helpers.randomize(flow)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_masked_entries_stay_zero_in_fit(name):
    flow = small_maf()
    before = np.concatenate([v.ravel() for v in flow.get_weights()])
    flow.compile(OPTIMIZERS[name]())
    flow.fit(helpers.data(flow, 64), batch_size=16, epochs=2, verbose=0)
    after = np.concatenate([v.ravel() for v in flow.get_weights()])
    assert np.abs(after - before).max() > 1e-3
    assert masked_entries(flow).size > 20
    assert not masked_entries(flow).any()


# Keras' Muon takes no raw variables; the test after this one stands for optimizers of its kind.
@pytest.mark.parametrize("name", [n for n in OPTIMIZERS if n != "muon"])
def test_masked_entries_stay_zero_when_the_raw_variables_are_trained(name):
    flow, optimizer = small_maf(), OPTIMIZERS[name]()
    x = helpers.data(flow, 64)
    before = np.concatenate([v.ravel() for v in flow.get_weights()])

    @tf.function
    def step(variables):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(flow.distribution().log_prob(x))
        optimizer.apply(tape.gradient(loss, variables), variables)

    variables = list(flow.distribution().trainable_variables)
    optimizer.build(variables)
    for _ in range(8):
        step(variables)
    after = np.concatenate([v.ravel() for v in flow.get_weights()])
    assert np.abs(after - before).max() > 1e-3
    assert not masked_entries(flow).any()


def test_masked_entries_stay_zero_under_updates_that_mix_entries():
    flow, optimizer = small_maf(), keras.optimizers.SGD(0.1)
    variables = list(flow.distribution().trainable_variables)
    optimizer.build(variables)
    optimizer.apply([tf.ones_like(v) for v in variables], variables)
    assert not masked_entries(flow).any()
