"""Files that somebody crafted: refused in one line, and nothing is run, written or filled."""

import copy
import io
import json
import os
import pickle
import shutil
import zipfile

import h5py
import keras
import numpy as np
import pytest
from keras.src import api_export

import zoo
from tests.helpers import raises_one_line
from zoo.backend import budget, tfb, tfd
from zoo.distributions import configuration
from zoo.saving import entries, registry, storage, untrusted


@keras.saving.register_keras_serializable("tests")
class OwnActivation(keras.layers.Layer):
    """What a user may register."""


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """An entry, with its index, of a small flow with a base of TFP's."""
    root = tmp_path_factory.mktemp("original")
    base = tfd.Independent(tfd.Normal(np.zeros(2, "float32"), 1.0), 1)
    flow = zoo.MAF((2,), num_layers=1, hidden_units=(4,), base=base, seed=0)
    zoo.save(flow, root / "flow", {"dataset": "toy"})
    entries.update_index(root)
    return root


@pytest.fixture
def root(original, tmp_path, monkeypatch):
    """A copy, to be crafted; afterwards nothing has appeared beside it or in the working folder."""
    shutil.copytree(original, tmp_path / "root")
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    before = listing(tmp_path)
    yield tmp_path / "root"
    added = {path for path in listing(tmp_path) - before if "crafted" not in path}
    assert not added


def listing(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path, parts, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def with_config(root, change):
    """The model with another configuration: `change` alters it, or returns another."""
    path = root / "flow" / "model.keras"
    parts = members(path)
    config = json.loads(parts["config.json"])
    changed = change(config)
    parts["config.json"] = json.dumps(config if changed is None else changed)
    crafted = root / "crafted.keras"
    pack(crafted, parts)
    return crafted


def refused(what, *parts, **kwargs):
    """Asserts one line of at most 400 characters beside the path, without Keras' advice."""
    with raises_one_line(*parts) as caught:
        zoo.load(what, **kwargs)
    message = str(caught.value).replace(str(what), "")
    assert len(message) <= 400 and "safe_mode" not in message and "unsafe" not in message
    assert caught.value.__cause__ is None  # Which a traceback would print, whole.


def record(module, name, config=None, **more):
    return {"module": module, "class_name": name, "config": config or {}, **more}


def given(distribution):
    """The configuration of a base."""
    return record("zoo.distributions.base", "DistributionBase", {"distribution": distribution}) | {
        "registered_name": "zoo.distributions>DistributionBase"
    }


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


ARCHIVES = {
    "zip bomb": ("config.json", b" " * (1 << 26)),
    "bomb of weights": ("model.weights.h5", bytes(1 << 26)),
    "another member": ("assets/vocabulary.txt", b"x"),
    "leading out": ("../../crafted.txt", b"x"),
    "no weights": ("model.weights.h5", None),
    "no configuration": ("config.json", None),
    "weights of nothing": ("model.weights.h5", b""),
    "weights of text": ("model.weights.h5", b"text" * 100),
}


@pytest.mark.parametrize("case", ARCHIVES)
def test_archives_that_keras_does_not_write(root, case):
    name, content = ARCHIVES[case]
    parts = members(root / "flow" / "model.keras")
    parts[name] = content
    parts = {key: value for key, value in parts.items() if value is not None}
    pack(root / "crafted.keras", parts, zipfile.ZIP_DEFLATED)
    refused(root / "crafted.keras", "no Flow Zoo model")


def test_a_member_twice_or_packed_otherwise(root):
    parts = members(root / "flow" / "model.keras")
    pack(root / "crafted.keras", parts, zipfile.ZIP_LZMA)
    refused(root / "crafted.keras", "packed in a way")
    pack(root / "crafted.keras", parts)
    with pytest.warns(UserWarning, match="Duplicate"):
        with zipfile.ZipFile(root / "crafted.keras", "a") as archive:
            archive.writestr("config.json", b"{}")
    refused(root / "crafted.keras", "'config.json'")


def test_an_archive_that_is_packed_again_loads(root):
    parts = members(root / "flow" / "model.keras")
    pack(root / "crafted.keras", parts, zipfile.ZIP_DEFLATED)
    zoo.load(root / "crafted.keras")


def external_link(file, group, name):
    group[name] = h5py.ExternalLink("/etc/passwd", "/")


def soft_link(file, group, name):
    group[name] = h5py.SoftLink("/elsewhere")


def external_storage(file, group, name):
    group.create_dataset(name, (4,), "uint8", external=[("/etc/passwd", 0, 4)])


def virtual(file, group, name):
    layout = h5py.VirtualLayout((4,), "float32")
    layout[:] = h5py.VirtualSource("other.h5", "data", (4,))
    group.create_virtual_dataset(name, layout)


def pickled(file, group, name):
    group[name] = np.void(pickle.dumps(print))


def shape_bomb(file, group, name):
    group.create_dataset(name, (2**40,), "float32", chunks=(2**20,), compression="gzip")


def text(file, group, name):
    group[name] = ["a", "b"]


H5 = (external_link, soft_link, external_storage, virtual, pickled, shape_bomb, text)


@pytest.mark.parametrize("craft", H5)
@pytest.mark.parametrize("root_group", [False, True])
def test_weights_that_lie_elsewhere_or_are_none(root, craft, root_group):
    parts = members(root / "flow" / "model.keras")
    content = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(content, "r+") as file:
        group = file if root_group else file.require_group("flow_layers/act_norm")
        craft(file, group, "crafted")
    parts["model.weights.h5"] = content.getvalue()
    pack(root / "crafted.keras", parts)
    refused(root / "crafted.keras", "weights", "'crafted'")


def test_groups_in_a_circle(root):
    parts = members(root / "flow" / "model.keras")
    content = io.BytesIO(parts["model.weights.h5"])
    with h5py.File(content, "r+") as file:
        file["crafted"] = file["/"]
    pack(root / "crafted.keras", parts | {"model.weights.h5": content.getvalue()})
    zoo.load(root / "crafted.keras")


BAD_NAMES = ("../../x", "/etc/hostname", "..", ".", "", "a/../../x", "a\\..\\x", "c:x", "a//b")
BAD_NAMES += ("a\nb", "x" * 300, "a/" * 600 + "b", "\ud800")
DIGEST = {"size": 1, "sha256": "0" * 64}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_lead_out_of_an_entry(root, name, monkeypatch):
    path = root / "flow" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"][name] = DIGEST
    path.write_text(json.dumps(manifest))
    monkeypatch.setattr(storage, "sha256", None)  # Nothing is read before it is refused.
    (root / "index.json").unlink()
    refused(root / "flow", "truncated or altered")
    with raises_one_line("truncated or altered"):
        entries.seal(root / "flow")


def test_links_that_lead_out_of_an_entry(root):
    secret = root.parent / "secret"
    os.rename(root / "index.json", secret)
    entry = root / "flow"
    (entry / "crafted").symlink_to(secret)
    (entry / "inner").symlink_to(entry / "model.keras")
    with raises_one_line("crafted", "link out of"):
        entries.seal(entry)
    manifest = json.loads((entry / "manifest.json").read_text())
    found = storage.sha256(secret)
    manifest["files"]["crafted"] = {"size": 1, "sha256": found}
    (entry / "manifest.json").write_text(json.dumps(manifest))
    refused(entry, "crafted", "link out of")
    (entry / "crafted").unlink()
    (entry / "crafted").symlink_to("crafted")
    refused(entry, "crafted", "link out of")
    (entry / "crafted").unlink()
    entries.seal(entry)  # Links within an entry, and files in folders of it, may stay.
    assert "inner" in json.loads((entry / "manifest.json").read_text())["files"]
    shutil.copyfile(secret, root / "index.json")
    (entry / "inner").unlink()
    os.remove(secret)


@pytest.mark.parametrize(
    "change",
    [
        {"files": None},
        {"files": {}},
        {"files": {"saved_model.pb": DIGEST, "../../x": DIGEST}},
        {"model": None},
        {"model": {"name": "a", "event_shape": 3}},
    ],
)
def test_exports_with_a_manifest_of_another_form(tmp_path, change):
    model = {"name": "a", "event_shape": [2], "latent_shape": [2], "context_shape": None}
    model |= {"num_classes": None, "levels": None, "dtype": "float32"}
    (tmp_path / "assets.extra").mkdir()
    info = {"format": 1, "model": model, "files": {"saved_model.pb": DIGEST}}
    path = tmp_path / "assets.extra" / "flow_zoo.json"
    path.write_text(json.dumps(info))
    with raises_one_line("saved_model.pb is missing"):
        zoo.load_exported(tmp_path)
    path.write_text(json.dumps(info | change))
    with raises_one_line("flow_zoo.json", "truncated or altered"):
        zoo.load_exported(tmp_path)


MANIFESTS = {
    "files null": {"files": None},
    "files a list": {"files": []},
    "no model": {"files": {}},
    "without a hash": {"files": {"model.keras": {"size": 1}}},
    "hash null": {"files": {"model.keras": {"size": 1, "sha256": None}}},
    "hash short": {"files": {"model.keras": {"size": 1, "sha256": "0" * 63}}},
    "size text": {"files": {"model.keras": {"size": "1", "sha256": "0" * 64}}},
    "model null": {"model": None},
    "version a list": {"model": {"zoo_version": [1]}},
    "metadata a list": {"metadata": []},
    "format null": {"format": None},
    "format a list": {"format": []},
}


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("case", MANIFESTS)
def test_manifests_of_another_form(root, case, verify):
    (root / "index.json").unlink()
    path = root / "flow" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | MANIFESTS[case]))
    refused(root / "flow", "manifest.json", "truncated or altered", verify=verify)
    with raises_one_line("manifest.json", "truncated or altered"):
        entries.update_index(root)


@pytest.mark.parametrize("name", ["manifest.json", "index.json"])
@pytest.mark.parametrize("text", ["[" * 10**5, '{"a":' * 10**5, "9" * 5000, "null", "\ufeff{}"])
def test_json_that_is_nested_or_large(root, name, text):
    path = next(root.rglob(name))
    path.write_text(text)
    refused(root / "flow", str(path), verify=False)
    with open(path, "wb") as file:
        file.truncate(1 << 40)  # Sparse: it takes no room, and would fill the memory.
    refused(root / "flow", str(path), "truncated or altered", verify=False)


INDEX_ENTRIES = {
    "null": None,
    "a list": [],
    "empty": {},
    "metrics a list": {"metrics": []},
    "figure null": {"metrics": {"nats": {"mean": None, "error": 1.0}}},
    "figure without an error": {"metrics": {"nats": {"mean": 1.0}}},
    "not finite": {"metrics": {"nats": {"mean": float("nan"), "error": 1.0}}},
    "shape null": {"event_shape": None},
    "shape text": {"event_shape": ["a"]},
    "hash null": {"manifest": None},
    "size true": {"size": True},
    "family null": {"family": None},
}


@pytest.mark.parametrize("case", INDEX_ENTRIES)
def test_indices_of_another_form(root, case, monkeypatch):
    path = root / registry.INDEX
    index = json.loads(path.read_text())
    entry = INDEX_ENTRIES[case]
    changed = index["models"]["flow"] | entry if isinstance(entry, dict) and entry else entry
    path.write_text(json.dumps(index | {"models": {"flow": changed}}))
    monkeypatch.setenv("FLOW_ZOO_DIR", str(root))
    with raises_one_line("index.json", "truncated or altered"):
        zoo.list_models(root)
    refused("flow", "index.json", "truncated or altered")
    refused(root / "flow", "index.json", "truncated or altered")


@pytest.mark.parametrize("models", [None, [], {"..": {}}, {"a/b": {}}, {"": {}}])
def test_indices_without_entries(root, models):
    path = root / registry.INDEX
    if isinstance(models, dict):
        (entry,) = json.loads(path.read_text())["models"].values()
        models = dict.fromkeys(models, entry)
    path.write_text(json.dumps({"format": 1, "models": models}))
    with raises_one_line("index.json", "truncated or altered"):
        zoo.list_models(root)


def test_an_index_is_not_written_that_could_not_be_read(root):
    before = (root / "index.json").read_bytes()
    entries.seal(root / "flow", {"metrics": {"nats": 3.0}})
    with raises_one_line("manifest.json", "metrics"):
        entries.update_index(root)
    assert (root / "index.json").read_bytes() == before


def test_messages_are_cut():
    long = untrusted.one_line(ValueError("a\n\x1b[31m b " + "x" * 10**6))
    assert len(long) == untrusted.MAX_MESSAGE and long.startswith("a ?[31m b xx")
    assert "safe_mode" not in untrusted.one_line("pass `safe_mode=False` to the loading function")
