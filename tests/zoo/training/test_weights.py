"""Weights of events, of every kind that Keras takes, in fit, evaluation and validation."""

import keras
import numpy as np
import pandas
import pytest
import tensorflow as tf

import zoo
from tests import helpers

X = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
LABELS = np.random.default_rng(1).integers(0, 3, 64).astype("int32")


WEIGHTS = np.random.default_rng(0).integers(0, 4, 64)


GIVEN = {
    "integers": lambda x, y, w: ((x, y), {"sample_weight": w}),
    "column": lambda x, y, w: ((x, y), {"sample_weight": w[:, None].astype("float64")}),
    "series": lambda x, y, w: ((x, y), {"sample_weight": pandas.Series(w)}),
    "list": lambda x, y, w: ((x, y), {"sample_weight": w.tolist()}),
    "pandas": lambda x, y, w: (
        (pandas.DataFrame(x), None if y is None else pandas.Series(y)),
        {"sample_weight": pandas.Series(w).astype("int8")},
    ),
    "dataset": lambda x, y, w: ((_batches(x, y, w),), {}),
    "dataset_column": lambda x, y, w: ((_batches(x, y, w[:, None].astype("float64")),), {}),
    "generator": lambda x, y, w: ((_generator(x, y, w),), {"steps": 2}),
}


def nice(num_classes=None):
    settings = {"num_layers": 1, "hidden_units": (4,), "jit_compile": False}
    return helpers.randomize(zoo.NICE((3,), num_classes=num_classes, **settings), seed=1)


def _generator(x, y, w):
    for i in (0, 32):
        yield x[i : i + 32], None if y is None else y[i : i + 32], w[i : i + 32].astype("float32")


def _batches(x, y, w):
    """A dataset of `(x, y, w)`, or of `(x, None, w)`."""
    data = tf.data.Dataset.from_tensor_slices((x, w) if y is None else (x, y, w))
    return (data.map(lambda x, w: (x, None, w)) if y is None else data).batch(32)


@pytest.mark.parametrize("conditional", [True, False])
@pytest.mark.parametrize("case", GIVEN)
def test_weights_of_every_kind_weigh_alike(case, conditional):
    flow = nice(3 if conditional else None)
    flow.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    x, labels = X, LABELS
    labels = labels if conditional else None
    args, settings = GIVEN[case](x, labels, WEIGHTS)
    settings |= {} if len(args) == 1 else {"batch_size": 32}
    found = flow.evaluate(*args, **settings, verbose=0, return_dict=True)
    nats = np.asarray(flow.log_prob(x, labels))
    np.testing.assert_allclose(found["nats"], np.average(nats, weights=WEIGHTS), rtol=1e-5)
    np.testing.assert_allclose(found["loss"], -np.mean(nats * WEIGHTS), rtol=1e-5)


@pytest.mark.parametrize("num_classes", [None, 3])
def test_fit_and_validation_are_weighted(num_classes):
    """Also of a flow without a context, or without labels, where Keras would drop the weights."""
    flow = nice(num_classes)
    flow.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    x = X
    given = {"sample_weight": WEIGHTS, "validation_data": (x[:32], None, WEIGHTS[:32])}
    history = flow.fit(x, batch_size=64, verbose=0, **given).history
    nats = np.asarray(flow.log_prob(x))
    for prefix, n in (("", 64), ("val_", 32)):
        expected = np.average(nats[:n], weights=WEIGHTS[:n])
        np.testing.assert_allclose(history[f"{prefix}nats"], [expected], rtol=1e-5)
        expected = -np.mean(nats[:n] * WEIGHTS[:n])
        np.testing.assert_allclose(history[f"{prefix}loss"], [expected], rtol=1e-5)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (WEIGHTS[:63], ["sample_weight", "(64,)", "(63,)"]),
        (np.stack([WEIGHTS] * 2, axis=1), ["sample_weight", "(64, 1)", "(64, 2)"]),
        (np.full(64, np.nan), ["sample_weight", "finite"]),
        (np.ma.masked_array(WEIGHTS, WEIGHTS > 1), ["sample_weight", "masked"]),
        (WEIGHTS * 1j, ["sample_weight must hold real numbers"]),
        (np.array(["a"] * 64), ["sample_weight must hold real numbers"]),
    ],
)
def test_other_weights_are_refused(weights, words):
    flow = nice()
    flow.compile()
    x = X
    with helpers.raises_one_line(*words):
        flow.fit(x, sample_weight=weights, verbose=0)
    with helpers.raises_one_line(*words):
        flow.fit(x, validation_data=(x, None, weights), verbose=0)
    if weights.ndim == 2:
        with helpers.raises_one_line("sample_weight", "[batch, 1]", "[None, 2]"):
            flow.fit(_batches(x, None, weights), verbose=0)
