"""Training a flow with Keras: data of every kind, metrics, weights, and where it goes on."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from tests.zoo import table

TINY = {"num_layers": 1, "hidden_units": (4,), "jit_compile": False}
SMALL = {"num_layers": 2, "hidden_units": (8, 8), "seed": 0, "jit_compile": False}


def correlated(n=512, seed=0):
    """Data that a flow can learn in a few steps: far from a standard normal."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(n, 3)) @ np.array([[2.0, 1.0, 0.0], [0, 1.0, 0.5], [0, 0, 0.3]])
    return (x + [3.0, 0.0, -1.0]).astype("float32")


def labelled(n=512):
    labels = np.random.default_rng(1).integers(0, 3, n).astype("int32")
    return correlated(n) + 4.0 * labels[:, None].astype("float32"), labels


FITS = {
    "array": (lambda: zoo.MAF((3,), **SMALL), lambda: {"x": correlated(), "batch_size": 128}),
    "dataset": (
        lambda: zoo.RealNVP((3,), **SMALL),
        lambda: {"x": tf.data.Dataset.from_tensor_slices(correlated()).batch(128)},
    ),
    "array_and_context": (
        lambda: zoo.MAF((3,), num_classes=3, **SMALL),
        lambda: dict(zip("xy", labelled(), strict=True), batch_size=128),
    ),
    "dataset_and_context": (
        lambda: zoo.NICE((3,), num_classes=3, **SMALL),
        lambda: {"x": tf.data.Dataset.from_tensor_slices(labelled()).batch(128)},
    ),
    "sampling_direction": (
        lambda: zoo.IAF((3,), **SMALL | {"num_layers": 1}),
        lambda: {"x": correlated(), "batch_size": 128},
    ),
    "xla": (
        lambda: zoo.RealNVP((3,), **SMALL | {"jit_compile": True}),
        lambda: {"x": correlated(), "batch_size": 128},
    ),
    "op_by_op": (
        lambda: zoo.RealNVP((3,), **SMALL),
        lambda: {"x": correlated(128), "batch_size": 64},
    ),
}


COMPILED = "array_and_context", "xla"


@pytest.mark.parametrize("case", FITS)
def test_fit_lowers_the_loss(case):
    make, data = FITS[case]
    flow = make()
    assert flow.compile(keras.optimizers.Adam(0.02), run_eagerly=case not in COMPILED) is None
    before = flow.evaluate(**data(), verbose=0, return_dict=True)
    history = flow.fit(**data(), epochs=4, verbose=0).history
    after = flow.evaluate(**data(), verbose=0, return_dict=True)
    assert set(history) == set(after) == {"loss", "nats", "bits_per_dim"}
    assert after["loss"] < before["loss"] - 0.5
    assert all(np.isfinite(values).all() for values in history.values())


def test_metrics_are_nats_and_bits_per_dimension_of_the_whole_data():
    flow = table.build("maf_classes", jit_compile=False)
    flow.compile()
    x, labels = labelled(100)  # The last batch is a short one.
    found = flow.evaluate(x, labels, batch_size=32, verbose=0, return_dict=True)
    nats = np.mean(flow.log_prob(x, labels))
    np.testing.assert_allclose(found["nats"], nats, rtol=1e-5)
    np.testing.assert_allclose(found["loss"], -nats, rtol=1e-5)
    np.testing.assert_allclose(found["bits_per_dim"], -nats / (3 * np.log(2)), rtol=1e-5)


@pytest.mark.parametrize("as_dataset", [False, True])
def test_predict_gives_nats(as_dataset):
    flow = table.build("maf_classes", jit_compile=False)
    flow.compile()
    x, labels = labelled(40)
    if as_dataset:
        nats = flow.predict(tf.data.Dataset.from_tensor_slices((x, labels)).batch(16), verbose=0)
    else:
        nats = flow.predict((x, labels), batch_size=16, verbose=0)
    np.testing.assert_allclose(nats, flow.log_prob(x, labels), rtol=1e-5)


def test_without_labels_a_class_conditional_flow_is_trained_as_the_mixture():
    flow = zoo.MAF((3,), num_classes=3, **SMALL | {"num_layers": 1})
    flow.compile(keras.optimizers.Adam(0.02))
    history = flow.fit(labelled(256)[0], batch_size=64, epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.parametrize(
    "name", ["nice", "real_nvp_image", "maf_variables_base", "maf_mixture_base"]
)
def test_a_training_step_changes_every_variable(name):
    flow = table.build(name, jit_compile=False)
    flow.compile(keras.optimizers.SGD(1e-3), run_eagerly=True)
    before = [np.array(v) for v in flow.trainable_variables]
    flow.fit(helpers.data(flow, 64), batch_size=64, verbose=0)
    for variable, value in zip(flow.trainable_variables, before, strict=True):
        assert np.any(np.asarray(variable) != value), variable.path


def test_training_goes_on_where_it_was_saved(tmp_path):
    flow = zoo.RealNVP((3,), **SMALL)
    flow.compile(keras.optimizers.Adam(0.01))
    flow.fit(correlated(), batch_size=128, verbose=0, shuffle=False)
    loaded = helpers.saved_and_loaded(flow, tmp_path)
    for model in (flow, loaded):
        model.fit(correlated(), batch_size=128, verbose=0, shuffle=False)
    x = correlated(8)
    np.testing.assert_allclose(loaded.log_prob(x), flow.log_prob(x), rtol=1e-5)


@pytest.mark.parametrize("as_dataset", [True, False])
@pytest.mark.parametrize("method", ["fit", "evaluate"])
@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.zeros((4, 2, 2, 3), "uint8"), ["[batch, 2, 2, 1]", "[4, 2, 2, 3]"]),
        (np.zeros((4, 2, 2), "uint8"), ["[batch, 2, 2, 1]", "[4, 2, 2]"]),
    ],
)
def test_events_of_another_shape_are_refused(x, words, method, as_dataset):
    flow = zoo.NICE((2, 2, 1), levels=5, hidden_units=(4,), jit_compile=False)
    flow.compile("adam")
    data = tf.data.Dataset.from_tensor_slices(x).batch(4, drop_remainder=True) if as_dataset else x
    with helpers.raises_one_line("x", *words):
        getattr(flow, method)(data, verbose=0)


def test_values_of_arrays_are_looked_at():
    flow = zoo.NICE((2,), levels=5, hidden_units=(4,), jit_compile=False, preprocessing="center")
    flow.compile("adam")
    with helpers.raises_one_line("grey levels 0..4", "255"):
        flow.fit(np.full((4, 2), 255, "uint8"), verbose=0)
    with helpers.raises_one_line("[0, 5]", "7.5"):
        flow.fit(np.full((4, 2), 7.5), verbose=0)
    with helpers.raises_one_line("takes no context"):
        flow.fit(np.zeros((4, 2), "uint8"), np.zeros(4, "int32"), verbose=0)
    with helpers.raises_one_line("takes no context"):
        pairs = (np.zeros((4, 2), "uint8"), np.zeros(4, "int32"))
        flow.fit(tf.data.Dataset.from_tensor_slices(pairs).batch(2), verbose=0)


def test_a_loss_is_refused():
    flow = zoo.NICE((2,), hidden_units=(4,))
    with helpers.raises_one_line("zoo.layers.Continuous", "loss='likelihood'"):
        flow.compile("adam", loss="flow_matching")
    for wrong in ("mse", 2, keras.losses.MeanSquaredError()):
        with helpers.raises_one_line("NICE", "likelihood", repr(wrong)):
            flow.compile("adam", wrong)
    for wrong in ("yes", 2):
        with helpers.raises_one_line("jit_compile", repr(wrong)):
            flow.compile("adam", jit_compile=wrong)


def test_labels_of_arrays_are_looked_at():
    flow = zoo.NICE((2,), num_classes=3, hidden_units=(4,), jit_compile=False)
    flow.compile("adam")
    x = np.zeros((4, 2), "float32")
    with helpers.raises_one_line("class labels 0..2", "7"):
        flow.fit(x, np.full(4, 7), verbose=0)
    with helpers.raises_one_line("context", "(4)", "[3]"):
        flow.fit(x, np.zeros(3, "int32"), verbose=0)


@pytest.mark.parametrize("steps_per_execution", [1, 2])
@pytest.mark.parametrize("as_dataset", [True, False])
def test_fit_makes_one_trace_of_training_and_one_of_testing(
    as_dataset, steps_per_execution, monkeypatch
):
    """With a partial last batch, over epochs and calls."""
    flow, traces = zoo.NICE((3,), **TINY), []
    log_likelihood = flow.log_likelihood

    def counted(x, context, seed, training):
        traces.append(training)
        return log_likelihood(x, context, seed, training)

    monkeypatch.setattr(flow, "log_likelihood", counted)
    flow.compile("adam", steps_per_execution=steps_per_execution)
    x, validation, settings = correlated(40), correlated(24), {"batch_size": 16}
    if as_dataset:
        x, validation = (tf.data.Dataset.from_tensor_slices(d).batch(16) for d in (x, validation))
        settings = {}
    else:
        validation = (validation,)
    for _ in range(2):
        flow.fit(x, **settings, validation_data=validation, epochs=3, verbose=0)
    assert traces == [True, False]


def test_a_list_of_callbacks_of_keras_own():
    flow = zoo.IResNet((2,), num_layers=1, hidden_units=(4,), seed=0, jit_compile=False)
    flow.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    updates = []
    flow.update_spectral_norms = lambda: updates.append(1)
    callbacks = keras.callbacks.CallbackList(model=flow, add_history=True, epochs=2, steps=1)
    x = correlated(8)[:, :2]
    history = flow.fit(x, callbacks=callbacks, validation_data=(x,), epochs=2, verbose=0)
    # Before each of two validations, and at the end.
    assert history is not None and len(updates) == 3


def test_positional_arguments_are_those_of_keras():
    flow = zoo.NICE((3,), **TINY)
    flow.compile(run_eagerly=True)
    x, seen = correlated(8), []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
    flow.fit(x, None, 4, 2, 0, [callback], 0.5)
    assert seen == [0, 1]
    assert np.isfinite(flow.evaluate(x, None, 4, 0, np.ones(8))).all()


def test_replicas_train_one_flow():
    """On two of a machine's devices, with weights, and validation."""
    program = pathlib.Path(__file__).with_name("replicas.py")
    run = subprocess.run([sys.executable, program], env=os.environ, capture_output=True, text=True)
    assert run.returncode == 0 and run.stdout.split()[-1] == "ok", run.stderr[-2000:]
