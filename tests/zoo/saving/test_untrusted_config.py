"""Configurations that somebody crafted: refused in one line, and nothing is run or filled."""

import copy
import json
import os

import keras
import numpy as np
import pytest
from keras.src import api_export

import zoo
from tests.helpers import raises_one_line
from tests.zoo.saving.crafted import given, members, pack, record, refused, with_config
from zoo.backend import budget, configuration, tfb, tfd
from zoo.saving import untrusted


@keras.saving.register_keras_serializable("tests")
class OwnActivation(keras.layers.Layer):
    """What a user may register."""


def test_the_original_loads(root):
    flow = zoo.load(root / "flow")
    assert flow.log_prob(np.zeros((1, 2), "float32")).shape == (1,)
    same = zoo.load(with_config(root, lambda config: None))
    assert same.base.distribution().event_shape == (2,)


@pytest.mark.parametrize(
    "kind",
    [
        "__loader__.set_data",
        "distributions.JointDistributionCoroutine",
        "distributions.__class__",
        "bijectors.Inline",
        "distributions.normal.Normal",
        "distributions",
        "",
        None,
        ["distributions.Normal"],
    ],
)
def test_a_base_of_anything_but_densities(root, kind):
    target = str(root.parent / "written")
    parameters = {
        "path": {"value": target},
        "data": {"array": [104, 105], "dtype": "uint8", "variable": False, "trainable": False},
    }

    def change(config):
        config["config"]["base"] = given({"tfp": kind, "parameters": parameters})

    refused(with_config(root, change), "no distribution or bijector of TFP")
    with pytest.raises(ValueError, match="no distribution or bijector of TFP"):
        configuration.deserialize({"tfp": kind, "parameters": parameters})
    assert not os.path.exists(target)


NORMAL = {"loc": {"value": 0.0}, "scale": {"value": 1.0}}


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        [],
        {**NORMAL, "loc": None},
        {**NORMAL, "loc": {"value": "zoo"}},
        {**NORMAL, "loc": {"value": {}}},
        {**NORMAL, "loc": {}},
        {**NORMAL, "loc": {"array": [1.0], "dtype": "U1000000000"}},
        {**NORMAL, "loc": {"array": [1.0], "dtype": "object"}},
        {**NORMAL, "loc": {"dtype_name": "resource"}},
        {**NORMAL, "loc": {"array": [[1.0], [1.0, 2.0]], "dtype": "float32"}},
        {**NORMAL, "path": {"value": 1.0}},
    ],
)
def test_parameters_of_a_base_that_are_no_numbers(root, parameters):
    config = {"tfp": "distributions.Normal", "parameters": parameters}
    with pytest.raises(ValueError):
        configuration.deserialize(config)
    refused(with_config(root, lambda c: c["config"].update(base=given(config))), "cannot be loaded")


def test_a_base_out_of_the_list_is_refused_when_saved(tmp_path):
    class Normal(tfd.Normal):
        pass

    refusals = (
        Normal(0.0, 1.0),
        tfd.JointDistributionSequential([tfd.Normal(0.0, 1.0)]),
        tfd.TransformedDistribution(
            tfd.Normal(0.0, 1.0), tfb.Inline(abs, abs, forward_min_event_ndims=0)
        ),
    )
    for distribution in refusals:
        with raises_one_line("cannot be saved"):
            configuration.serialize(distribution)


BAD_RECORDS = {
    "lambda layer": record("keras.layers", "Lambda", {"function": "f"}),
    "vocabulary": record("keras.layers", "TextVectorization", {"vocabulary": "/etc/passwd"}),
    "lookup": record("keras.layers", "StringLookup", {"vocabulary": "/etc/passwd"}),
    "saved model": record("keras.layers", "TFSMLayer", {"filepath": "saved"}),
    "source path": record("keras.src.layers.core.lambda_layer", "Lambda"),
    "source of an allowed one": record("keras.src.layers.core.dense", "Dense"),
    "get_file": record("keras.utils", "function", "get_file", registered_name="get_file"),
    "load_model": record("keras.saving", "function", "load_model", registered_name="load_model"),
    "as builtin": record("builtins", "function", "exec", registered_name="exec"),
    "disguised function": record("keras.utils", "function", "get_file", registered_name="relu"),
    "registered function": record("m", "function", "get_file", registered_name="zoo>MAF"),
    "as a registered class": record("keras.layers", "Lambda", registered_name="zoo>MAF"),
    "registered by module": record("zoo.models.maf", "MAF", registered_name=None),
    "of a built-in's name": record("keras.layers", "Dense", registered_name="zoo>Nothing"),
    "without a module": {"class_name": "Lambda", "config": {}},
    "allowed without a module": {"class_name": "Dense", "config": {"units": 1}},
    "module of Python": record("os", "system", {"command": "touch written"}),
    "no name": record("keras.layers", None),
    "name a list": record("keras.layers", ["Dense"]),
    "__lambda__": {"class_name": "__lambda__", "config": {"value": "eA=="}},
    "__typespec__": record("tensorflow", "__typespec__", [], spec_name="TensorSpec"),
    "__keras_tensor__": {"class_name": "__keras_tensor__", "config": {"shape": [1]}},
    "wide text": {"class_name": "__numpy__", "config": {"value": ["x"], "dtype": "U1000000000"}},
    "objects": {"class_name": "__numpy__", "config": {"value": [{}], "dtype": "float32"}},
    "hidden in an array": {"array": [record("keras.layers", "Lambda")], "dtype": "float32"},
    "hidden in a layer": record(
        "keras.layers", "SpectralNormalization", {"layer": record("keras.layers", "Lambda")}
    ),
}


@pytest.mark.parametrize("place", ["argument", "list", "build_config", "compile_config", "top"])
@pytest.mark.parametrize("case", BAD_RECORDS)
def test_classes_that_a_file_may_not_bring(root, case, place):
    bad = copy.deepcopy(BAD_RECORDS[case])

    def change(config):
        if place == "top":
            return bad
        if place == "argument":
            config["config"]["activation"] = bad
        elif place == "list":
            config["config"]["transformer"] = [[bad]]
        else:
            config[place] = {"anything": bad}
        return None

    refused(with_config(root, change))


def test_a_refusal_names_the_class(root):
    def change(config):
        config["config"]["activation"] = BAD_RECORDS["lambda layer"]

    refused(with_config(root, change), "keras.layers.Lambda", "may not bring")


def test_the_lists_hold_what_keras_exports_and_nothing_that_reads_files():
    assert all(api_export.get_symbol_from_name(name) is not None for name in untrusted.CLASSES)
    assert all(callable(keras.activations.get(name)) for name in untrusted.ACTIVATIONS)
    risky = (
        "Lambda",
        "Lookup",
        "TextVectorization",
        "TFSM",
        "Torch",
        "Jax",
        "Flax",
        "load",
        "get_",
    )
    assert not any(word in name for name in untrusted.CLASSES for word in risky)


def test_what_a_flow_may_hold_passes():
    layers = [keras.layers.Dense(2, "tanh", kernel_initializer="he_normal"), OwnActivation()]
    parts = [
        keras.Sequential([keras.Input((2,)), *layers]),
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 10**9)),
        keras.dtype_policies.DTypePolicy("mixed_bfloat16"),
        keras.activations.relu,
        np.arange(3),
        keras.ops.ones((2, 2)),
        (slice(1, None), b"x", ...),
    ]
    untrusted.check_config(json.loads(json.dumps(keras.saving.serialize_keras_object(parts))))
    with keras.saving.custom_object_scope({"Own": OwnActivation}):
        untrusted.check_config(record(None, "Own", registered_name="Own"))
    with pytest.raises(ValueError, match="Own"):
        untrusted.check_config(record(None, "Own", registered_name="Own"))


SIZES = {
    "event": {"event_shape": [10**9]},
    "image": {"event_shape": [2**20, 2**20, 1]},
    "negative": {"event_shape": [-1, -(2**30)]},
    "event within bounds": {"event_shape": [2**24], "base": "normal"},
    "width": {"hidden_units": [10**6, 10**6]},
    "depth": {"num_layers": 2**24},
    "huge": {"num_layers": 10**400},
    "context": {"context_shape": [2**24]},
}


@pytest.mark.parametrize("case", SIZES)
def test_sizes_out_of_proportion(root, case):
    refused(with_config(root, lambda config: config["config"].update(SIZES[case])))


def test_the_budget_ends_with_its_block():
    with budget.weights_of(10):
        keras.layers.Dense(4).build((None, 3))
        with pytest.raises(ValueError, match="more weights"):
            keras.layers.Dense(10**6).build((None, 3))
    keras.layers.Dense(4).build((None, 3))
    budget.reserve((1 << 40,))


def test_configurations_that_are_none(root):
    for config in ([], None, 3, "MAF", {}, {"a": 1}):
        refused(with_config(root, lambda _, config=config: [config]), "not a Flow Zoo model")
    deep = "[" * 100_000 + "]" * 100_000
    parts = members(root / "flow" / "model.keras")
    for text in (deep, '{"a":' * 65 + "1" + "}" * 65, "{", "\udcff", "9" * 5000):
        parts["config.json"] = text.encode("utf-8", "surrogateescape")
        pack(root / "crafted.keras", parts)
        refused(root / "crafted.keras")


def test_messages_are_cut():
    long = untrusted.one_line(ValueError("a\n\x1b[31m b " + "x" * 10**6))
    assert len(long) == untrusted.MAX_MESSAGE and long.startswith("a ?[31m b xx")
    assert "safe_mode" not in untrusted.one_line("pass `safe_mode=False` to the loading function")
