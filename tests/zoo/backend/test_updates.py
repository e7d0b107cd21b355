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


class OwnRates(keras.optimizers.Adam):
    """A rate of its own for each weight."""

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        for i, (gradient, variable) in enumerate(zip(grads, trainable_variables, strict=True)):
            super()._backend_update_step([gradient], [variable], learning_rate / (i + 1))


def weights(dtype="float32"):
    generator = np.random.default_rng(0)
    return [
        keras.Variable(generator.normal(size=shape).astype(dtype), dtype=dtype) for shape in SHAPES
    ]


def trained(make, fused, dtype="float32", compiled=True, steps=5):
    """Weights and the optimizer's variables after steps with the same random gradients."""
    variables, optimizer = weights(dtype), make()
    variables[0].constraint = keras.constraints.NonNeg()
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
    "overwritten": lambda: keras.optimizers.Adam(0.1, use_ema=True, ema_overwrite_frequency=2),
    "scaled": lambda: keras.optimizers.Adam(0.1, loss_scale_factor=0.5),
    "of_a_function": lambda: keras.optimizers.Adam(lambda: 0.1),
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
        np.testing.assert_allclose(x, y, rtol=1e-12)


def test_the_numbers_of_a_step_are_computed_once():
    variables, optimizer = weights(), keras.optimizers.Adam(0.1)
    optimizer.build(variables)

    def step():
        with backend.fused_updates(optimizer):
            optimizer.apply([tf.ones(v.shape) for v in variables], variables)

    graph = tf.function(step, autograph=False).get_concrete_function().graph
    updates = [op for op in graph.get_operations() if op.type == "ResourceApplyAdam"]
    assert len(updates) == len(SHAPES)
    # Powers of the betas, rate, betas and epsilon; before them what is updated.
    for i in range(3, 9):
        assert len({op.inputs[i].op.name for op in updates}) == 1


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
    "of_other_rates": OwnRates,
    "sgd": keras.optimizers.SGD,
    "nadam": keras.optimizers.Nadam,
    "loss_scale": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()),
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


@pytest.mark.parametrize("how", ["xla", "xla_in_loops", "graph", "op_by_op"])
def test_fit_updates_a_weight_by_one_operation(how, monkeypatch):
    x, losses = np.random.default_rng(0).normal(2.0, 3.0, (64, 3)).astype("float32"), []
    updated, original = [], tf.raw_ops.ResourceApplyAdam

    def counted(var, **kwargs):
        updated.append(var)
        return original(var=var, **kwargs)

    monkeypatch.setattr(tf.raw_ops, "ResourceApplyAdam", counted)
    for fused in (True, False):
        if not fused:
            monkeypatch.setattr(backend, "fused_updates", lambda _: contextlib.nullcontext())
        jit = how.startswith("xla")
        flow = zoo.NICE((3,), num_layers=1, hidden_units=(8,), seed=0, jit_compile=jit)
        flow.compile(
            keras.optimizers.Adam(0.01),
            steps_per_execution=2 if how == "xla_in_loops" else 1,
            run_eagerly=how == "op_by_op",
        )
        history = flow.fit(x, batch_size=16, epochs=3, shuffle=False, verbose=0).history
        losses.append(history["loss"])
        # A compiled step is traced once.
        steps = (12 if how == "op_by_op" else 1) if fused else 0
        assert len(updated) == len(flow.trainable_variables) * steps
        updated.clear()
    np.testing.assert_allclose(*losses, rtol=1e-5)
