"""Batches of datasets, generators and Keras' datasets are looked at as they come."""

import keras
import numpy as np
import pandas
import pytest
import tensorflow as tf

import zoo
from tests import helpers

X = np.random.default_rng(0).normal(size=(8, 2)).astype("float32")
LABELS = np.array([0, 1, 2, 1, 0, 2, 1, 0])


def flow(levels=None, num_classes=None):
    settings = {"num_layers": 1, "hidden_units": (4,), "jit_compile": False}
    if levels:
        settings["preprocessing"] = "center"
    return zoo.NICE((2,), levels=levels, num_classes=num_classes, **settings)


def changed(values, row, *rest):
    """A copy with another number in this row, and column."""
    *column, value = rest
    values = np.array(values)
    values[(row, *column)] = value
    return values


class Batches(keras.utils.PyDataset):
    def __init__(self, *arrays):
        super().__init__()
        self.arrays = arrays

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return tuple(a[4 * index : 4 * index + 4] for a in self.arrays)


def dataset(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays if len(arrays) > 1 else arrays[0]).batch(4)


def generator(*arrays):
    for i in (0, 4):
        yield tuple(a[i : i + 4] for a in arrays)


def tables(*arrays):
    frames = (pandas.DataFrame(a) if a.ndim > 1 else pandas.Series(a) for a in arrays)
    return generator(*frames)


KINDS = {"dataset": dataset, "generator": generator, "batches": Batches, "tables": tables}
# (levels, classes, arrays, words)
GREY = np.arange(16, dtype="uint8").reshape(8, 2) % 5
WRONG = {
    "nan": (None, None, (changed(X, 5, 1, np.nan),), ["x must be finite", "row 1, feature 1"]),
    "infinite": (
        None,
        None,
        (changed(X, 4, 0, -np.inf),),
        ["x must be finite", "row 0, feature 0"],
    ),
    "grey": (5, None, (changed(GREY, 7, 0, 200),), ["grey levels 0..4", "200", "row 3, feature 0"]),
    "negative": (
        5,
        None,
        (changed(GREY.astype(int), 4, 1, -1),),
        ["0..4", "-1", "row 0, feature 1"],
    ),
    "outside": (5, None, (changed(GREY + 0.5, 6, 1, 5.5),), ["[0, 5]", "5.5", "row 2, feature 1"]),
    "label": (None, 3, (X, changed(LABELS, 6, 3)), ["labels 0..2", "3", "row 2"]),
    "weight": (None, 3, (X, LABELS, changed(X[:, 0], 6, np.nan)), ["sample_weight", "finite"]),
}


@pytest.mark.parametrize(
    ("kind", "case"),
    [*(("dataset", case) for case in WRONG), ("generator", "weight"), ("batches", "weight")],
)
def test_a_wrong_batch_is_refused_in_one_line(kind, case):
    levels, num_classes, arrays, words = WRONG[case]
    model, make = flow(levels, num_classes), KINDS[kind]
    model.compile("adam", run_eagerly=True)
    with helpers.raises_one_line(*words):
        model.evaluate(make(*arrays), verbose=0)
    with helpers.raises_one_line(*words):
        model.fit(make(*arrays), verbose=0)
    right = (GREY if levels else X, LABELS, X[:, 0] ** 2)[: len(arrays)]
    with helpers.raises_one_line(*words):
        model.fit(make(*right), validation_data=make(*arrays), verbose=0)


@pytest.mark.parametrize("kind", ["dataset", "generator"])
def test_so_it_is_by_a_compiled_step(kind):
    model = flow()
    model.compile("adam", steps_per_execution=2)
    with helpers.raises_one_line("x must be finite", "row 1, feature 1"):
        model.fit(KINDS[kind](changed(X, 5, 1, np.nan)), verbose=0)


@pytest.mark.parametrize("kind", KINDS)
def test_right_batches_train_as_arrays_do(kind):
    results = []
    for data in (KINDS[kind](X, LABELS), None):
        keras.utils.set_random_seed(0)
        model = flow(num_classes=3)
        model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
        args = (X, LABELS) if data is None else (data,)
        settings = {"batch_size": 4, "shuffle": False} if data is None else {}
        validation = (X, LABELS) if data is None else KINDS[kind](X, LABELS)
        fit = model.fit(*args, **settings, validation_data=validation, verbose=0)
        results.append(fit.history)
    for name, values in results[0].items():
        np.testing.assert_allclose(values, results[1][name], rtol=1e-5)


def test_a_batch_with_another_number_of_weights_is_refused():
    model, data = flow(num_classes=3), dataset(X, LABELS)
    model.compile("adam", run_eagerly=True)
    with helpers.raises_one_line("sample_weight", "as many as x"):
        model.fit(data.map(lambda x, y: (x, y, tf.ones(3))), verbose=0)
    with helpers.raises_one_line("context", "as many as x"):
        model.evaluate(data.map(lambda x, y: (x, y[:2])), verbose=0)
    with helpers.raises_one_line("sample_weight", "(4,)", "(3,)"):
        model.fit(((x, y, np.ones(3)) for x, y in generator(X, LABELS)), verbose=0)


def test_what_is_looked_at_is_traced_once_for_each_type_of_batch(monkeypatch):
    model, traced = flow(), []
    monkeypatch.setattr(model.event, "bounds", lambda x: traced.append(x.dtype))
    model.compile("adam", run_eagerly=True)
    for data in (dataset(X), dataset(X[::-1]), dataset(X.astype("float64"))):
        model.evaluate(data, verbose=0)
    assert traced == ["float32", "float64"]


def test_errors_of_a_dataset_itself_are_not_touched():
    model = flow()
    model.compile("adam", run_eagerly=True)
    own = dataset(X).map(lambda x: tf.debugging.check_numerics(x / 0.0, "of my own"))
    with pytest.raises(tf.errors.InvalidArgumentError, match="of my own"):
        model.fit(own, verbose=0)


def test_what_is_not_taken():
    model = flow()
    for name in ("metrics", "weighted_metrics", "loss_weights"):
        with helpers.raises_one_line(name, "NICE", "nats"):
            model.compile("adam", **{name: ["mse"]})
    model.compile("adam", run_eagerly=True)
    with helpers.raises_one_line("class_weight", "sample_weight"):
        model.fit(X, class_weight={0: 1.0}, verbose=0)
    for wrong in (np.ma.masked_array(X, X > 0), tf.sparse.from_dense(X)):
        with helpers.raises_one_line("x must"):
            model.fit(wrong, verbose=0)
    ragged = tf.data.Dataset.from_tensors(tf.RaggedTensor.from_tensor(X))
    with helpers.raises_one_line("x must be a dense array", "RaggedTensor"):
        model.fit(ragged, verbose=0)


def test_weights_weigh_alike_in_a_compiled_step():
    model, weights = flow(), np.arange(8) % 3
    model.compile(keras.optimizers.SGD(0.0))
    frame, series = pandas.DataFrame(X), pandas.Series(weights)
    found = [
        model.evaluate(X, batch_size=4, sample_weight=weights, verbose=0),
        model.evaluate(frame, batch_size=4, sample_weight=series, verbose=0),
        model.evaluate(dataset(X, weights).map(lambda x, w: (x, None, w)), verbose=0),
        model.evaluate(((x, None, w) for x, w in generator(X, weights)), verbose=0),
    ]
    nats = np.asarray(model.log_prob(X))
    expected = [-np.mean(nats * weights), np.average(nats, weights=weights)]
    for loss, *metrics in found:
        assert loss == pytest.approx(expected[0], rel=1e-5)
        assert min(abs(m - expected[1]) for m in metrics) < 1e-5


ONCE = {
    "predict": lambda model, *data: model.predict(data if len(data) > 1 else data[0], verbose=0),
    "predict_on_batch": lambda model, *data: model.predict_on_batch(data[0]),
    "train_on_batch": lambda model, *data: model.train_on_batch(*data),
    "test_on_batch": lambda model, *data: model.test_on_batch(*data),
    "evaluate": lambda model, *data: model.evaluate(*data, verbose=0),
    "fit": lambda model, *data: model.fit(*data, verbose=0),
}


@pytest.mark.parametrize("name", ONCE)
def test_single_batches_are_checked_as_fit_does(name):
    call, model = ONCE[name], flow()
    model.compile("adam", run_eagerly=True)
    before = model.get_weights()
    for wrong, words in (
        (changed(X, 5, 1, np.nan), ["x must be finite", "row 5, feature 1"]),
        (X[:, :1], ["x must have shape [batch, 2]"]),
        (X.astype(int), ["x holds integers"]),
        (np.ma.masked_array(X, X > 0), ["masked"]),
        (tf.sparse.from_dense(X), ["dense"]),
        (X[:0], ["at least one event"]),
        ("data", ["x must be a numeric array"]),
        (None, ["x must be a numeric array"]),
        ({}, ["x must hold real numbers"]),
    ):
        with helpers.raises_one_line(*words):
            call(model, wrong)
    if name != "predict_on_batch":
        with helpers.raises_one_line("takes no context"):
            call(model, X, LABELS)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    call(model, X.tolist())
    call(model, pandas.DataFrame(X))


def test_what_single_batches_give_is_what_evaluate_gives():
    model, weights = flow(num_classes=3), np.arange(8) % 3
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    given = {"sample_weight": weights, "return_dict": True}
    expected = model.evaluate(X, LABELS, verbose=0, **given)
    for name in ("train_on_batch", "test_on_batch"):
        found = getattr(model, name)(X, LABELS, **given)
        assert found == pytest.approx(expected, rel=1e-5)
    nats = model.log_prob(X, LABELS)
    np.testing.assert_allclose(model.predict((X, LABELS), verbose=0), nats, rtol=1e-5)
    np.testing.assert_allclose(model.predict_on_batch((X, LABELS)), nats, rtol=1e-5)
    with helpers.raises_one_line("labels 0..2"):
        model.train_on_batch(X, LABELS + 1)


@pytest.mark.parametrize(
    "given",
    [
        {"batch_size": 0},
        {"batch_size": "a"},
        {"batch_size": 2.5},
        {"epochs": -1},
        {"epochs": None},
        {"validation_split": 1.0},
        {"validation_split": np.nan},
    ],
)
def test_settings_of_keras_own_are_refused_by_name(given):
    model = flow()
    model.compile("adam", run_eagerly=True)
    with helpers.raises_one_line(*given):
        model.fit(X, verbose=0, **given)


def test_a_flow_that_needs_a_context_says_so():
    settings = {"num_layers": 1, "hidden_units": (4,), "jit_compile": False}
    model = zoo.NICE((2,), context_shape=(2,), **settings)
    model.compile("adam", run_eagerly=True)
    for call in ONCE.values():
        with helpers.raises_one_line("needs a context"):
            call(model, X)
    with helpers.raises_one_line("needs a context"):
        model.fit(dataset(X), verbose=0)
