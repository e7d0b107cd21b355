"""Steps that one call of TensorFlow's runs: chosen, counted, and the same as one by one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers

SMALL = {"num_layers": 2, "hidden_units": (8,), "seed": 0, "jit_compile": True}


def events(n=96, seed=0):
    x = np.random.default_rng(seed).normal(size=(n, 3)) * [2.0, 1.0, 0.3] + [3.0, 0.0, -1.0]
    return x.astype("float32")


def batches(n=96, size=8):
    return tf.data.Dataset.from_tensor_slices(events(n)).batch(size)


def make(**kwargs):
    flow = zoo.RealNVP((3,), **SMALL)
    helpers.randomize(flow, seed=1)
    flow.compile(keras.optimizers.Adam(0.01), **kwargs)
    return flow


class Steps(keras.callbacks.Callback):
    """Keeps how many steps a call runs, by epoch."""

    def __init__(self):
        self.found = []

    def on_epoch_end(self, epoch, logs=None):
        self.found.append(self.model.steps_per_execution)


class Batches(keras.callbacks.Callback):
    """Keeps the numbers of the batches it is shown."""

    def __init__(self):
        self.found = []

    def on_train_batch_end(self, batch, logs=None):
        self.found.append(batch)


def chosen(flow, *args, **kwargs):
    """How many steps a call of `fit` runs."""
    steps = Steps()
    kwargs.setdefault("verbose", 0)
    kwargs["callbacks"] = [steps, *kwargs.get("callbacks", ())]
    flow.fit(*args, **kwargs)
    assert flow.steps_per_execution == (flow._steps_given or 1)
    return steps.found[0]


@pytest.mark.parametrize("n", [96, 92], ids=["whole", "with_a_rest"])
def test_many_steps_do_what_single_ones_do(n):
    one, many = make(steps_per_execution=1), make()
    losses = [flow.fit(batches(n), epochs=2, verbose=0).history["loss"] for flow in (one, many)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    assert int(one.optimizer.iterations) == int(many.optimizer.iterations) == 24
    for a, b in zip(one.trainable_variables, many.trainable_variables, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-5)


def test_how_many_are_chosen():
    flow = make()
    assert chosen(flow, batches()) == 8
    assert chosen(flow, batches(88), verbose=2) == 1  # 11 batches
    assert chosen(flow, batches(), verbose=2) == 4  # 12 batches
    assert chosen(flow, events(), batch_size=16, verbose=2) == 2
    assert chosen(flow, batches().repeat(), steps_per_epoch=10) == 2
    assert chosen(flow, batches(), validation_data=batches(), validation_steps=4) == 4


def test_a_cap_on_steps_is_kept_to():
    flow = make()
    keras.config.set_max_steps_per_epoch(5)
    try:
        flow.fit(batches(), verbose=0)
    finally:
        keras.config.set_max_steps_per_epoch(None)
    assert int(flow.optimizer.iterations) == 5


def test_one_where_something_looks_at_batches():
    flow, seen = make(), Batches()
    assert chosen(flow, batches(), callbacks=[seen]) == 1
    assert seen.found == list(range(12))
    called = []
    each = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: called.append(1))
    assert chosen(flow, batches(), callbacks=[each]) == 1 and len(called) == 12
    assert chosen(flow, batches(), callbacks=[keras.callbacks.TerminateOnNaN()]) == 1


def test_callbacks_of_epochs_leave_it(tmp_path):
    flow = make()
    kept = keras.callbacks.ModelCheckpoint(tmp_path / "a.weights.h5", save_weights_only=True)
    quiet = keras.callbacks.ReduceLROnPlateau("loss")
    assert chosen(flow, batches(), callbacks=[kept, quiet]) == 8
    written = keras.callbacks.TensorBoard(tmp_path / "board")
    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    assert chosen(flow, batches(), callbacks=[written, backup]) == 8
    assert (tmp_path / "a.weights.h5").exists()
    rates = keras.callbacks.TensorBoard(tmp_path / "rates", write_steps_per_second=True)
    assert chosen(flow, batches(), callbacks=[rates]) == 1
    kept = keras.callbacks.ModelCheckpoint(
        tmp_path / "b.weights.h5", save_weights_only=True, save_freq=5
    )
    assert chosen(flow, batches(), callbacks=[kept]) == 1


def test_one_without_xla_and_op_by_op():
    assert chosen(make(jit_compile=False), batches()) == 1
    assert chosen(make(run_eagerly=True), batches()) == 1


def test_as_told():
    assert chosen(make(steps_per_execution=3), batches()) == 3
    assert chosen(make(steps_per_execution=1), batches()) == 1
    for wrong in (0, True, 2.5, "many"):
        with pytest.raises(ValueError, match="steps_per_execution must be an integer"):
            make(steps_per_execution=wrong)


def test_steps_of_an_epoch_are_kept_to():
    flow = make()
    for steps in (12, 7, 9):
        before = int(flow.optimizer.iterations)
        flow.fit(batches().repeat(), steps_per_epoch=steps, verbose=0)
        assert int(flow.optimizer.iterations) - before == steps


def test_validation_is_of_the_steps_asked_for():
    flow, x = make(), events(96, seed=5)
    flow.optimizer.learning_rate = 0.0
    data = tf.data.Dataset.from_tensor_slices(x).batch(8)
    history = flow.fit(batches(), validation_data=data, validation_steps=6, verbose=0).history
    np.testing.assert_allclose(history["val_loss"][-1], -np.mean(flow.log_prob(x[:48])), rtol=1e-5)
    loss = flow.evaluate(data, steps=3, verbose=0, return_dict=True)["loss"]
    np.testing.assert_allclose(loss, -np.mean(flow.log_prob(x[:24])), rtol=1e-5)


def test_nothing_is_traced_twice():
    flow, traced = make(), []
    step = flow.train_step
    flow.train_step = lambda data: traced.append(1) or step(data)
    flow.fit(batches(), verbose=0)
    first = len(traced)
    assert first
    flow.fit(batches(), verbose=0)
    assert len(traced) == first
    flow.fit(batches(), verbose=0, callbacks=[Batches()])
    second = len(traced)
    assert second > first
    flow.fit(batches(), verbose=0)
    flow.fit(batches(), verbose=0, callbacks=[Batches()])
    assert len(traced) == second


def test_single_batches_and_after_an_error():
    flow = make()
    with pytest.raises(RuntimeError, match="on purpose"):

        def fail(epoch, logs):
            raise RuntimeError("on purpose")

        flow.fit(
            batches(), verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=fail)]
        )
    assert flow.steps_per_execution == 1
    before = int(flow.optimizer.iterations)
    assert np.isfinite(flow.train_on_batch(events(8))).all()
    assert int(flow.optimizer.iterations) == before + 1


class Asks(keras.callbacks.Callback):
    """Predicts and evaluates in the middle of `fit`."""

    def __init__(self, x):
        self.x, self.predicted, self.losses = x, [], []

    def on_epoch_end(self, epoch, logs=None):
        self.predicted.append(self.model.predict(self.x, batch_size=8, verbose=0))
        data = tf.data.Dataset.from_tensor_slices(self.x).batch(8)
        loss = self.model.evaluate(data, steps=3, verbose=0, return_dict=True)["loss"]
        self.losses.append((loss, -np.mean(self.model.log_prob(self.x[:24]))))


@pytest.mark.parametrize("before", [False, True])
def test_what_callbacks_call(before):
    flow, x = make(), events(64, seed=3)
    if before:
        flow.predict(x, batch_size=8, verbose=0)
    steps, asks = Steps(), Asks(x)
    flow.fit(batches(), epochs=2, verbose=0, callbacks=[steps, asks])
    assert steps.found == [8, 8] and [len(p) for p in asks.predicted] == [64, 64]
    np.testing.assert_allclose(asks.predicted[-1], flow.log_prob(x), rtol=1e-4, atol=1e-4)
    for loss, expected in asks.losses:
        np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_what_is_frozen_stays_after_a_forced_function():
    flow = make()
    flow.fit(batches(), verbose=0)
    frozen = flow.flow_layers[-1]
    frozen.trainable = False
    flow.make_train_function(force=True)
    before = [np.array(v) for v in frozen.variables]
    flow.fit(batches(), verbose=0)
    for a, b in zip(before, frozen.variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_compiled_within_fit():
    flow = make()
    flow.fit(batches(), verbose=0, callbacks=[Batches()])

    def stop(logs):
        flow.compile(keras.optimizers.SGD(0.0), steps_per_execution=4)

    flow.fit(batches(), verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_train_end=stop)])
    assert flow.steps_per_execution == 4 and chosen(flow, batches()) == 4
    before = [np.array(v) for v in flow.trainable_variables]
    flow.train_on_batch(events(8))
    for a, b in zip(before, flow.trainable_variables, strict=True):
        np.testing.assert_array_equal(a, b)


def test_flow_matching_and_back():
    flow = zoo.ContinuousFlow((2,), hidden_units=(8,), seed=0, jit_compile=True)
    flow.compile(keras.optimizers.Adam(0.0), loss="flow_matching")
    x = tf.data.Dataset.from_tensor_slices(events()[:, :2]).batch(24)
    steps = Steps()
    matched = flow.fit(x, verbose=0, callbacks=[steps]).history["loss"][0]
    assert steps.found == [8]
    flow.set_loss("likelihood")
    likely = flow.fit(x, verbose=0).history["loss"][0]
    np.testing.assert_allclose(likely, -np.mean(flow.log_prob(events()[:, :2])), rtol=1e-3)
    assert abs(likely - matched) > 0.1


def test_a_new_optimizer_is_trained_by():
    flow = make()
    flow.fit(batches(), verbose=0)
    flow.compile(keras.optimizers.SGD(0.0))
    before = [np.array(v) for v in flow.trainable_variables]
    flow.fit(batches(), verbose=0)
    for a, b in zip(before, flow.trainable_variables, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("steps", [None, 4])
def test_a_saved_flow_keeps_what_it_was_told(steps, tmp_path):
    flow = make(steps_per_execution=steps)
    flow.save(tmp_path / "flow.keras")
    loaded = keras.models.load_model(tmp_path / "flow.keras")
    assert loaded._steps_given == steps and chosen(loaded, batches()) == (steps or 8)
