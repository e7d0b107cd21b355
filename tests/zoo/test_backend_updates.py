"""Adam in one operation a weight, beside Keras' own."""

import contextlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo import backend

SHAPES = (4, 3), (5,), ()


class OwnUpdate(keras.optimizers.Adam):
    """Adam's formula, but perhaps not only."""

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient, variable, learning_rate)


def weights(dtype="float32"):
    generator = np.random.default_rng(0)
    return [
        keras.Variable(generator.normal(size=shape).astype(dtype), dtype=dtype) for shape in SHAPES
    ]


def trained(make, fused, dtype="float32", compiled=True, steps=5):
    """Weights and the optimizer's variables after steps with the same random gradients."""
    variables, optimizer = weights(dtype), make()
    optimizer.build(variables)

    def step(gradients):
        with backend.fused_updates(optimizer) if fused else contextlib.nullcontext():
            optimizer.apply(gradients, variables)

    step, generator = tf.function(step) if compiled else step, np.random.default_rng(1)
    for _ in range(steps):
        step([tf.constant(3.0 * generator.normal(size=v.shape), dtype) for v in variables])
    return [np.asarray(v) for v in variables + optimizer.variables]


def _schedule():
    return keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)


SAME = {
    "adam": lambda: keras.optimizers.Adam(0.1),
    "others": lambda: keras.optimizers.Adam(0.1, beta_1=0.5, beta_2=0.7, epsilon=0.1),
    "decayed": lambda: keras.optimizers.AdamW(0.1, weight_decay=0.1),
    "clipped": lambda: keras.optimizers.Adam(0.1, global_clipnorm=1.0),
    "averaged": lambda: keras.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.5),
    "accumulated": lambda: keras.optimizers.Adam(0.1, gradient_accumulation_steps=2),
    "scheduled": lambda: keras.optimizers.Adam(_schedule()),
}


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("case", SAME)
def test_is_the_update_of_keras(case, compiled):
    found = trained(SAME[case], True, compiled=compiled)
    for x, at_first in zip(found, weights(), strict=False):
        assert np.all(x != np.asarray(at_first))
    for x, y in zip(found, trained(SAME[case], False), strict=True):
        np.testing.assert_allclose(x, y, rtol=2e-5, atol=1e-6)


def test_in_double_precision():
    found, expected = (trained(SAME["adam"], fused, "float64") for fused in (True, False))
    for x, y in zip(found, expected, strict=True):
        # Keras takes the constants in float32 there too.
        np.testing.assert_allclose(x, y, rtol=2e-5)


def test_half_precision_is_left_to_keras():
    found, expected = (trained(SAME["adam"], fused, "float16") for fused in (True, False))
    for x, y in zip(found, expected, strict=True):
        np.testing.assert_array_equal(x, y)


def test_sparse_gradients_are_left_to_keras():
    found = []
    for fused in (True, False):
        variables, optimizer = weights()[:1], keras.optimizers.Adam(0.1)
        optimizer.build(variables)
        gradient = tf.IndexedSlices(tf.ones([1, 3]), tf.constant([2]), tf.constant([4, 3]))
        with backend.fused_updates(optimizer) if fused else contextlib.nullcontext():
            optimizer.apply([gradient], variables)
        found.append(np.asarray(variables[0]))
    np.testing.assert_array_equal(*found)


LEFT = {
    "amsgrad": lambda: keras.optimizers.Adam(amsgrad=True),
    "of_its_own": OwnUpdate,
    "sgd": keras.optimizers.SGD,
    "nadam": keras.optimizers.Nadam,
    "scaled": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()),
}


@pytest.mark.parametrize("case", LEFT)
def test_other_optimizers_are_left_alone(case):
    optimizer = LEFT[case]()
    with backend.fused_updates(optimizer):
        assert "update_step" not in vars(optimizer)


def test_so_they_are_under_a_strategy():
    optimizer = keras.optimizers.Adam()
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope(), backend.fused_updates(optimizer):
        assert "update_step" not in vars(optimizer)


def test_the_optimizer_is_as_it_was_also_after_an_error():
    optimizer = keras.optimizers.Adam()
    before = set(vars(optimizer))
    with pytest.raises(KeyError), backend.fused_updates(optimizer):
        assert "update_step" in vars(optimizer)
        raise KeyError
    assert set(vars(optimizer)) == before


@pytest.mark.parametrize("jit_compile", [True, False])
def test_fit_updates_a_weight_by_one_operation(jit_compile, monkeypatch):
    x, losses = np.random.default_rng(0).normal(2.0, 3.0, (64, 3)).astype("float32"), []
    updated, original = [], tf.raw_ops.ResourceApplyAdam

    def counted(var, **kwargs):
        updated.append(var)
        return original(var=var, **kwargs)

    monkeypatch.setattr(tf.raw_ops, "ResourceApplyAdam", counted)
    for fused in (True, False):
        if not fused:
            monkeypatch.setattr(backend, "fused_updates", lambda _: contextlib.nullcontext())
        flow = zoo.RealNVP((3,), num_layers=2, hidden_units=(8,), seed=0, jit_compile=jit_compile)
        flow.compile(keras.optimizers.Adam(0.01), steps_per_execution=1)
        losses.append(
            flow.fit(x, batch_size=16, epochs=3, shuffle=False, verbose=0).history["loss"]
        )
        # The step is traced once.
        assert len(updated) == (len(flow.trainable_variables) if fused else 0)
        updated.clear()
    np.testing.assert_allclose(*losses, rtol=1e-5)
