"""Bad input is refused by a `ValueError` of one line: what was expected, and what came."""

import numpy as np
import pandas
import pytest
import tensorflow as tf
from scipy import sparse

import zoo
from tests import helpers
from tests.zoo import table
from zoo import values

X = np.zeros((4, 3), "float32")
MASKED = np.ma.masked_array(np.zeros((4, 3), int), np.arange(12).reshape(4, 3) % 5 < 2)
NAN = np.where(np.eye(4, 3), np.nan, X)
IMAGE = np.zeros((4, 2, 2, 1), "int32")

# (flow of the table, call, words of the message)
CALLS = {
    "rank": ("maf", lambda f: f.log_prob(X[0]), ["x", "[batch, 3]", "[3]"]),
    "width": ("maf", lambda f: f.log_prob(X[:, :2]), ["x", "[batch, 3]", "[4, 2]"]),
    "image": ("maf_image", lambda f: f.encode(IMAGE[..., 0], 0), ["[batch, 2, 2, 1]", "[4, 2, 2]"]),
    "latent": ("maf_image", lambda f: f.decode(X, 0), ["z", "[batch, 4]", "[4, 3]"]),
    "none": ("maf", lambda f: f.log_prob(None), ["x", "numeric array", "None"]),
    "text": ("maf", lambda f: f.log_prob("data"), ["x", "numeric array", "'data'"]),
    "texts": ("maf", lambda f: f.log_prob([["a", "b", "c"]]), ["x", "real numbers", "<U1"]),
    "objects": ("maf", lambda f: f.log_prob(np.array([[None] * 3])), ["real numbers", "object"]),
    "ragged": ("maf", lambda f: f.log_prob([[1.0, 2.0], [3.0]]), ["x", "rows differ"]),
    "complex": ("maf", lambda f: f.log_prob(X + 0j), ["x", "real numbers", "complex64"]),
    "bool": ("maf", lambda f: f.log_prob(X > 0), ["x", "real numbers", "bool"]),
    "masked": ("maf", lambda f: f.log_prob(MASKED), ["x", "6 masked of 12"]),
    "masked_latent": ("maf", lambda f: f.decode(MASKED), ["z", "6 masked of 12"]),
    "masked_label": ("maf_classes", lambda f: f.log_prob(X, MASKED[:, 0]), ["context", "masked"]),
    "sparse": ("maf", lambda f: f.log_prob(tf.sparse.from_dense(X)), ["x", "SparseTensor"]),
    "scipy": ("maf", lambda f: f.encode(sparse.csr_array(X)), ["x", "dense", "csr_array"]),
    "ragged_tensor": (
        "maf",
        lambda f: f.adapt(tf.RaggedTensor.from_tensor(X)),
        ["x", "dense", "RaggedTensor"],
    ),
    "table_of_texts": (
        "maf",
        lambda f: f.log_prob(pandas.DataFrame([["a", "b", "c"]])),
        ["x", "real numbers", "<U1"],
    ),
    "table_with_gaps": (
        "maf",
        lambda f: f.log_prob(pandas.DataFrame(NAN).convert_dtypes()),
        ["x", "real numbers", "object"],
    ),
    "nan": ("maf", lambda f: f.log_prob(NAN), ["x", "finite", "3", "12", "row 0, feature 0"]),
    "nan_tensor": ("maf", lambda f: f.encode(tf.constant(NAN)), ["x", "finite", "3"]),
    "infinite": ("maf", lambda f: f.log_prob(X + np.inf), ["x", "finite", "12"]),
    "nan_latent": ("maf", lambda f: f.decode(NAN), ["z", "finite"]),
    "nan_adapt": ("maf", lambda f: f.adapt(NAN), ["x", "finite"]),
    "integers": ("maf", lambda f: f.log_prob(X.astype(int)), ["integers", "levels", "float"]),
    "too_bright": ("maf_image", lambda f: f.log_prob(IMAGE + 5), ["0..4", "5"]),
    "negative": ("maf_image", lambda f: f.log_prob(IMAGE - 1), ["0..4", "-1"]),
    "outside": ("maf_image", lambda f: f.log_prob(IMAGE + 5.5), ["[0, 5]", "5.5"]),
    "no_context": ("maf_context", lambda f: f.log_prob(X), ["needs a context", "(2,)"]),
    "no_context_sample": ("maf_context", lambda f: f.sample(2), ["needs a context", "(2,)"]),
    "no_label": ("maf_classes", lambda f: f.encode(X), ["needs a context", "0..2"]),
    "no_label_decode": ("maf_classes", lambda f: f.decode(X), ["needs a context", "0..2"]),
    "a_context": ("maf", lambda f: f.log_prob(X, 1), ["takes no context"]),
    "a_context_sample": ("maf", lambda f: f.sample(2, context=[1.0]), ["takes no context"]),
    "context_width": ("maf_context", lambda f: f.log_prob(X, X), ["context", "(2,)", "[4, 3]"]),
    "context_rank": ("maf_context", lambda f: f.log_prob(X, 0.5), ["context", "(2,)", "[]"]),
    "context_rows": (
        "maf_context",
        lambda f: f.log_prob(X, X[:3, :2]),
        ["context", "one a row (4)", "[3, 2]"],
    ),
    "context_nan": ("maf_context", lambda f: f.sample(4, NAN[:, :2]), ["context", "finite"]),
    "context_text": ("maf_context", lambda f: f.sample(1, "cat"), ["context", "'cat'"]),
    "label_high": ("maf_classes", lambda f: f.log_prob(X, 3), ["context", "0..2", "3"]),
    "label_low": ("maf_classes", lambda f: f.sample(2, -1), ["context", "0..2", "-1"]),
    "label_float": ("maf_classes", lambda f: f.log_prob(X, 1.0), ["integer class labels", "float"]),
    "label_rows": ("maf_classes", lambda f: f.log_prob(X, [0, 1]), ["one a row (4)", "[2]"]),
    "label_sample": ("maf_classes", lambda f: f.sample(3, [0, 1]), ["one a row (3)", "[2]"]),
    "n_negative": ("maf", lambda f: f.sample(-1), ["n must not be negative", "-1"]),
    "n_large": (
        "maf",
        lambda f: f.sample(2**32 + 3),
        ["at most 715827882", "4294967299"],
    ),
    "n_of_numbers": ("maf", lambda f: f.sample(2**30), ["n must be at most", "2**31 numbers"]),
    "n_float": ("maf", lambda f: f.sample(2.5), ["n must be an integer", "2.5"]),
    "n_text": ("maf", lambda f: f.sample("3"), ["n must be an integer", "'3'"]),
    "n_bool": ("maf", lambda f: f.sample(True), ["n must be an integer", "True"]),
    "n_shape": ("maf", lambda f: f.sample((2, 3)), ["n must be an integer", "(2, 3)"]),
    "temperature_negative": (
        "maf",
        lambda f: f.sample(1, temperature=-0.5),
        ["temperature", "-0.5"],
    ),
    "temperature_nan": ("maf", lambda f: f.sample(1, temperature=np.nan), ["temperature", "nan"]),
    "temperature_text": ("maf", lambda f: f.sample(1, temperature="hot"), ["temperature", "'hot'"]),
    "seed": ("maf", lambda f: f.sample(1, seed="abc"), ["seed", "integer", "'abc'"]),
    "temperature_beyond_float32": (
        "maf",
        lambda f: f.sample(1, temperature=1e300),
        ["temperature", "finite", "1e+300"],
    ),
    "temperature_large": ("maf", lambda f: f.sample(1, temperature=10**400), ["temperature"]),
    "n_huge": ("maf", lambda f: f.sample(10**400), ["n must be at most"]),
    "seed_large": ("maf", lambda f: f.sample(1, seed=2**31), ["seed", "2**31 - 1", "2147483648"]),
    "seed_negative": ("maf", lambda f: f.log_prob(X, seed=-1), ["seed", "from 0", "-1"]),
    "seed_list": ("maf", lambda f: f.sample(1, seed=[1, 2, 3]), ["seed", "[1, 2, 3]"]),
    "batch_size": (
        "maf",
        lambda f: f.attribute_direction(X, X, batch_size=-1),
        ["batch_size", "at least 1", "-1"],
    ),
    "seed_float": ("maf", lambda f: f.sample(1, seed=1.5), ["seed", "integer", "1.5"]),
    "steps": ("maf", lambda f: f.interpolate(X[0], X[1], steps=1), ["steps", "at least 2", "1"]),
    "interpolate": ("maf", lambda f: f.interpolate(X[0, :2], X[1]), ["a and b", "[2]", "[3]"]),
    "to_levels": ("maf", lambda f: f.to_levels(X), ["continuous data", "levels"]),
    "distribution": ("maf", lambda f: f.distribution(1), ["takes no context"]),
    "distribution_none": ("maf_context", lambda f: f.distribution(), ["needs a context"]),
    "distribution_label": ("maf_classes", lambda f: f.distribution(7), ["0..2", "7"]),
    "bijector_none": ("maf_classes", lambda f: f.bijector(), ["needs a context"]),
    "density_shape": ("maf", lambda f: f.distribution().log_prob(X[:, :2]), ["[..., 3]", "[4, 2]"]),
}


@pytest.mark.parametrize("case", CALLS)
def test_call_refuses(case):
    name, call, words = CALLS[case]
    with helpers.raises_one_line(*words):
        call(table.shared(name))


MAF = zoo.MAF
CONSTRUCTORS = {
    "transformer": (lambda: MAF((3,), transformer="afine"), ["transformer", "spline", "'afine'"]),
    "activation": (lambda: MAF((3,), activation="rleu"), ["activation", "'rleu'"]),
    "order": (lambda: MAF((3,), order="randm"), ["order", "'random'", "'randm'"]),
    "base": (lambda: MAF((3,), base="gauss"), ["base", "normal", "'gauss'"]),
    "base_type": (lambda: MAF((3,), base=3), ["base", "tfd.Distribution", "int"]),
    "base_shape": (lambda: MAF((3,), base=MAF((2,))), ["base", "(3,)", "(2,)"]),
    "mask": (lambda: zoo.layers.Coupling((3,), mask="evn"), ["mask", "even", "'evn'"]),
    "preprocessing": (
        lambda: MAF((3,), levels=4, preprocessing="logits"),
        ["preprocessing", "'logit'", "'logits'"],
    ),
    "preprocessing_floats": (lambda: MAF((3,), preprocessing="logit"), ["levels"]),
    "num_layers": (lambda: MAF((3,), num_layers=-1), ["num_layers", "at least 1", "-1"]),
    "num_layers_none": (lambda: zoo.NICE((3,), num_layers=0), ["num_layers", "at least 1", "0"]),
    "num_layers_float": (lambda: zoo.IAF((3,), num_layers=2.5), ["num_layers", "integer", "2.5"]),
    "hidden_units": (lambda: MAF((3,), hidden_units=0), ["hidden_units", "positive", "0"]),
    "hidden_units_zero": (lambda: MAF((3,), hidden_units=(8, 0)), ["hidden_units", "(8, 0)"]),
    "hidden_units_text": (lambda: MAF((3,), hidden_units="8"), ["hidden_units", "'8'"]),
    "hidden_units_none": (lambda: zoo.NICE((3,), hidden_units=None), ["hidden_units", "None"]),
    "residual": (lambda: MAF((3,), hidden_units=(8, 8), residual=True), ["residual", "odd"]),
    "components": (lambda: zoo.MADE((3,), components=0), ["components", "at least 1", "0"]),
    "event_shape": (lambda: MAF((0,)), ["event_shape", "positive", "(0,)"]),
    "event_shape_int": (lambda: MAF(3), ["event_shape", "tuple", "3"]),
    "event_shape_none": (lambda: MAF((None, 2)), ["event_shape", "positive", "None"]),
    "event_shape_empty": (lambda: MAF(()), ["event_shape", "()"]),
    "levels": (lambda: MAF((3,), levels=1), ["levels", "at least 2", "1"]),
    "num_classes": (lambda: MAF((3,), num_classes=0), ["num_classes", "at least 1", "0"]),
    "context_shape": (lambda: MAF((3,), context_shape=5), ["context_shape", "tuple", "5"]),
    "context_shape_zero": (lambda: MAF((3,), context_shape=(0,)), ["context_shape", "(0,)"]),
    "both": (
        lambda: MAF((3,), context_shape=(2,), num_classes=3),
        ["context_shape", "num_classes", "(2,)", "3"],
    ),
    "alpha": (lambda: MAF((3,), levels=4, alpha=0.6), ["alpha", "0.6"]),
    "jit_compile": (lambda: MAF((3,), jit_compile="yes"), ["jit_compile", "'auto'", "'yes'"]),
    "no_layers": (lambda: zoo.Flow([]), ["event_shape"]),
    "layer_shapes": (
        lambda: zoo.Flow([zoo.layers.ActNorm((3,)), zoo.layers.ActNorm((2,))]),
        ["(2,)", "(3,)"],
    ),
    "no_layer": (lambda: zoo.Flow([3]), ["layers", "FlowLayer", "int"]),
    "context_of_no_hidden": (
        lambda: MAF((3,), hidden_units=(), context_shape=(2,)),
        ["hidden_units is empty"],
    ),
    "width_absurd": (lambda: zoo.Glow((8, 8, 1), width=10**9), ["width", "16777216", "1000000000"]),
    "width_float": (lambda: zoo.Jet((8, 8, 1), width=1e9), ["width", "16777216", "1000000000"]),
    "units_absurd": (lambda: zoo.NICE((3,), hidden_units=(10**9,)), ["hidden_units", "16777216"]),
    "event_absurd": (lambda: MAF((10**5, 10**5)), ["event_shape", "16777216", "[100000, 100000]"]),
    "layer_absurd": (lambda: zoo.layers.ActNorm((10**9,)), ["event_shape", "16777216"]),
    "dtype": (lambda: MAF((3,), dtype="float23"), ["dtype", "'float23'"]),
    "dtype_int": (lambda: MAF((3,), dtype="int32"), ["dtype", "floating", "'int32'"]),
    "dtype_layer": (lambda: zoo.layers.ActNorm((3,), dtype=3), ["dtype", "floating", "3"]),
    "seed": (lambda: MAF((3,), seed=1.5), ["seed", "integer", "1.5"]),
    "seed_large": (lambda: zoo.NICE((3,), seed=2**31), ["seed", "2**31 - 1", "2147483648"]),
    "seed_layer": (lambda: zoo.layers.Permutation((3,), seed=-1), ["seed", "from 0", "-1"]),
    "seed_of_a_layer": (
        lambda: zoo.layers.Permutation((3,), seed=2**32 + 1),
        ["seed", "2**31 - 1", "4294967297"],
    ),
    "alpha_unused": (lambda: MAF((3,), alpha=np.nan), ["alpha", "nan"]),
    "flag": (lambda: zoo.IAF((3,), residual=5), ["residual", "True or False", "5"]),
    "flag_or_none": (lambda: zoo.NSF((3,), residual="x"), ["residual", "'x'"]),
    "name": (lambda: MAF((3,), name="a/b"), ["name", "'a/b'"]),
    "transformer_list": (lambda: MAF((3,), transformer=[]), ["transformer", "[]"]),
    "hidden_units_unused": (lambda: zoo.Radial((3,), hidden_units=(0,)), ["hidden_units", "(0,)"]),
    "hidden_units_bool": (lambda: MAF((3,), hidden_units=(True,)), ["hidden_units", "True"]),
    "layer_shape": (lambda: zoo.layers.ActNorm(3.5), ["event_shape", "3.5"]),
    "layer_shape_negative": (lambda: zoo.layers.ActNorm((-1,)), ["event_shape", "(-1,)"]),
    "layer_context": (
        lambda: zoo.layers.Elementwise((3,), context_shape=(None,)),
        ["context_shape", "None"],
    ),
}


@pytest.mark.parametrize("case", CONSTRUCTORS)
def test_constructor_refuses(case):
    make, words = CONSTRUCTORS[case]
    with helpers.raises_one_line(*words):
        make()


def test_an_argument_that_there_is_not_is_named():
    for make in (zoo.MAF, zoo.layers.ActNorm):
        with pytest.raises(TypeError, match=r"\A[^\n]*'nonsense'[^\n]*\Z"):
            make((3,), nonsense=1)


def test_large_numbers_are_finite():
    """Although their sum overflows."""
    for dtype in ("float16", "float32"):
        values.check(np.full(9, np.finfo(dtype).max), "x")
    with helpers.raises_one_line("finite", "1", "9"):
        values.check(np.float32([3e38] * 8 + [np.inf]), "x")


def test_what_is_refused_changes_nothing():
    flow = table.build("maf", jit_compile=False)
    before = flow.get_weights()
    with helpers.raises_one_line("finite"):
        flow.adapt(NAN)
    for a, b in zip(flow.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", ["float16", "float64", "uint8", "int64"])
def test_other_number_types_are_taken(kind):
    flow = table.shared("maf_image" if "int" in kind else "maf")
    x = helpers.data(flow, 3).astype(kind)
    context = helpers.context(flow, 3)
    assert flow.log_prob(x, context, seed=0).dtype == "float32"
    np.testing.assert_allclose(
        flow.log_prob(x.tolist(), context, seed=0), flow.log_prob(x, context, seed=0), rtol=1e-6
    )


@pytest.mark.parametrize("kind", ["float32", "float64", "Float64"])
def test_tables_of_pandas_are_taken(kind):
    flow = table.shared("maf_classes")
    x, labels = helpers.data(flow, 4), helpers.context(flow, 4)
    frame, series = pandas.DataFrame(x).astype(kind), pandas.Series(labels)
    z = flow.encode(x, labels)
    helpers.assert_same(flow.encode(frame, series), z)
    helpers.assert_same(flow.log_prob(frame, series.astype("Int64")), flow.log_prob(x, labels))
    helpers.assert_same(flow.decode(pandas.DataFrame(z), series), flow.decode(z, labels))
    contexts = series, series
    helpers.assert_same(flow.attribute_direction(frame, frame, contexts), np.zeros(3))


def test_an_array_of_which_nothing_is_masked_is_taken():
    flow = table.shared("maf")
    helpers.assert_same(flow.log_prob(np.ma.masked_array(X)), flow.log_prob(X))
