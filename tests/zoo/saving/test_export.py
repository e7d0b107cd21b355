"""SavedModels: they say what the flow says where there is only TensorFlow, and are whole."""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

import zoo
from tests import helpers
from tests.helpers import raises_one_line
from tests.zoo import exports, table
from zoo import backend

NAMES = exports.NAMES
SAMPLE = {"seed": 7, "temperature": 0.8}

TENSORFLOW_ONLY = '''
import sys

BLOCKED = {"zoo", "trainers", "keras", "tf_keras", "tensorflow_probability", "tensorflow_datasets"}

class Without:
    """The finders of modules there are, less what is blocked. TensorFlow looks whether Keras is."""

    finders = list(sys.meta_path)

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            return None
        found = (finder.find_spec(name, path, target) for finder in self.finders)
        return next(filter(None, found), None)

sys.meta_path[:] = [Without()]
import numpy as np
import tensorflow as tf

given, results = dict(np.load(sys.argv[1])), {}
for folder in sys.argv[3:]:
    name = folder.rpartition("/")[2]
    module, asked = tf.saved_model.load(folder), {}
    for key in ("x", "z", "context", "integers"):
        if f"{name}/{key}" in given:
            asked[key] = tf.constant(given[f"{name}/{key}"])
    context = [asked["context"]] if "context" in asked else []
    named = {"context": asked["context"]} if context else {}
    with tf.GradientTape() as tape:
        tape.watch(asked["x"])
        log_prob = module.log_prob(asked["x"], *context)
    said = {
        "log_prob": log_prob,
        "gradient": tape.gradient(log_prob, asked["x"]),
        "encode": module.encode(asked["x"], *context),
        "decode": module.decode(asked["z"], *context),
        "sample": module.sample(len(asked["x"]), 7, 0.8, *context),
        "default_temperature": module.sample(len(asked["x"]), seed=7, **named),
    }
    call = module.signatures
    one = {key: value[:1] for key, value in named.items()}
    said["one"] = call["serving_default"](x=asked["x"][:1], **one)["log_prob"]
    said["named/log_prob"] = call["log_prob"](x=asked["x"], **named)["log_prob"]
    said["named/encode"] = call["encode"](x=asked["x"], **named)["encode"]
    said["named/decode"] = call["decode"](z=asked["z"], **named)["decode"]
    numbers = dict(n=tf.constant(3), seed=tf.constant(7), temperature=tf.constant(0.8))
    said["named/sample"] = call["sample"](**numbers, **named)["sample"]
    if "integers" in asked:
        said["mixture/log_prob"] = module.log_prob(asked["x"])
        said["mixture/sample"] = module.sample(3, 7, 0.8)
        said["log_prob_int"] = module.log_prob_int(asked["integers"], 5, *context)
    results.update({f"{name}/{key}": value for key, value in said.items()})
assert not BLOCKED & {name.partition(".")[0] for name in sys.modules}
np.savez(sys.argv[2], **results)
'''


@pytest.fixture(scope="module")
def tensorflow_only(tmp_path_factory):
    """What a process that has only TensorFlow says of the exports: `(name, key) -> array`."""

    @functools.cache
    def results(names):
        folder = tmp_path_factory.mktemp("fresh")
        given = {f"{n}/{key}": value for n in names for key, value in exports.asked(n).items()}
        np.savez(folder / "given.npz", **given)
        arguments = [folder / "given.npz", folder / "results.npz", *map(exports.folder, names)]
        subprocess.run(
            [sys.executable, "-c", TENSORFLOW_ONLY, *map(str, arguments)],
            check=True,
            cwd=folder,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
        )
        return dict(np.load(folder / "results.npz"))

    def said(name, key):
        names = exports.QUICK if name in exports.QUICK else exports.SLOW
        return results(names)[f"{name}/{key}"]

    return said


def close(found, expected, tolerance=1e-5):
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_says_the_same_where_only_tensorflow_is_installed(tensorflow_only, name):
    flow, asked = table.shared(name), exports.asked(name)
    context = asked.get("context")
    log_prob = flow.log_prob(asked["x"], context)
    close(tensorflow_only(name, "log_prob"), log_prob)
    close(tensorflow_only(name, "one"), log_prob[:1])
    close(tensorflow_only(name, "encode"), flow.encode(asked["x"], context))
    close(tensorflow_only(name, "decode"), flow.decode(asked["z"], context))
    close(tensorflow_only(name, "sample"), flow.sample(3, context, **SAMPLE))
    close(tensorflow_only(name, "default_temperature"), flow.sample(3, context, seed=7))
    close(tensorflow_only(name, "gradient"), exports.gradient(name), 1e-4)
    for key in ("log_prob", "sample", "encode", "decode"):
        close(tensorflow_only(name, f"named/{key}"), tensorflow_only(name, key), 1e-6)


def test_is_the_mixture_of_the_classes_without_a_label(tensorflow_only):
    flow = table.shared("maf_image")
    close(tensorflow_only("maf_image", "mixture/sample"), flow.sample(3, **SAMPLE))
    expected = helpers.mixture_log_prob(flow, exports.asked("maf_image")["x"])
    close(tensorflow_only("maf_image", "mixture/log_prob"), expected)


def test_dequantizes_integers(tensorflow_only):
    asked = exports.asked("maf_image")
    expected = table.shared("maf_image").log_prob(asked["integers"], asked["context"], seed=5)
    close(tensorflow_only("maf_image", "log_prob_int"), expected)


@pytest.mark.parametrize("name", NAMES)
def test_needs_no_xla(name):
    """Which would compile anew for every batch size."""
    saved = saved_model_pb2.SavedModel()
    saved.ParseFromString((exports.folder(name) / "saved_model.pb").read_bytes())
    for function in saved.meta_graphs[0].graph_def.library.function:
        assert not function.attr["_XlaMustCompile"].b
        assert not [node.op for node in function.node_def if "Xla" in node.op]


@pytest.mark.parametrize("name", exports.ONE)
def test_loads_without_warnings(name, caplog):
    tf.saved_model.load(str(exports.folder(name)))
    assert caplog.messages == []


def test_metadata_is_beside_the_graph():
    info = json.loads((exports.folder("maf_image") / "assets.extra/flow_zoo.json").read_text())
    model = info["model"]
    assert model["family"] == "MAF" and model["zoo_version"] == zoo.__version__
    assert (model["event_shape"], model["latent_shape"]) == ([2, 2, 1], [4])
    assert (model["levels"], model["num_classes"], model["dtype"]) == (5, 3, "float32")
    assert {"saved_model.pb", "variables/variables.index"} < set(info["files"])


def test_a_flow_made_under_a_strategy(tmp_path):
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        flow = zoo.Flow([zoo.layers.ActNorm((2,))], jit_compile=False)
    helpers.randomize(flow)
    x = helpers.floats(flow, 3)
    loaded = tf.saved_model.load(str(flow.export(tmp_path / "export")))
    close(loaded.log_prob(x), flow.log_prob(x))


def write_half(module, path, **kwargs):
    """What `tf.saved_model.save` does when the disk fills up."""
    Path(path, "saved_model.pb").write_bytes(b"half")
    raise OSError(28, "No space left on device")


def content(folder):
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.slow
def test_more_layers_of_a_kind_add_little_to_the_graph(tmp_path):
    sizes = {}
    for count in (3, 12):
        flow = helpers.randomize(zoo.MAF((3,), num_layers=2 * count, hidden_units=(4,)))
        folder = flow.export(tmp_path / str(count))
        sizes[count] = (folder / "saved_model.pb").stat().st_size
        x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
        exported = tf.saved_model.load(str(folder))
        np.testing.assert_allclose(exported.log_prob(x), flow.log_prob(x), rtol=1e-5)
        held = sum(int(np.prod(v.shape)) for v in exported.weights)
        assert held == flow.count_params()
    assert sizes[12] < 1.5 * sizes[3] < 1e6


def test_nothing_is_half_written(tmp_path, monkeypatch):
    monkeypatch.setattr(tf.saved_model, "save", write_half)
    with raises_one_line("No space left on device"):
        zoo.export(exports.tiny(), tmp_path / "export")
    assert list(tmp_path.iterdir()) == []


def test_refuses_a_folder_that_holds_something(tmp_path, monkeypatch):
    flow, folder = exports.tiny(), tmp_path / "export"
    folder.mkdir()
    (folder / "thesis.tex").write_text("chapter")
    with raises_one_line(str(folder), "already holds something", "overwrite=True"):
        zoo.export(flow, folder)
    with raises_one_line(str(folder), "no export of Flow Zoo"):
        zoo.export(flow, folder, overwrite=True)
    with raises_one_line("thesis.tex", "is a file"):
        zoo.export(flow, folder / "thesis.tex", overwrite=True)
    assert content(tmp_path) == {folder / "thesis.tex": b"chapter"}


def test_overwrite_replaces_an_export_or_leaves_it_as_it_was(tmp_path, monkeypatch):
    folder = zoo.export(exports.tiny(), tmp_path / "export")
    before = content(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(tf.saved_model, "save", write_half)
        with raises_one_line("No space left on device"):
            zoo.export(exports.tiny(), folder, overwrite=True)
    assert content(tmp_path) == before
    other = helpers.randomize(zoo.Flow([zoo.layers.ActNorm((2,))], jit_compile=False))
    zoo.export(other, folder, overwrite=True)
    x, loaded = helpers.floats(other, 3), tf.saved_model.load(str(folder))
    close(loaded.log_prob(x), other.log_prob(x))
    assert [p.name for p in tmp_path.iterdir()] == ["export"]


def test_exports_flows_only_and_from_tensorflow_only(tmp_path, monkeypatch):
    with raises_one_line("Flow", "Sequential"):
        zoo.export(keras.Sequential(), tmp_path / "export")
    monkeypatch.setattr(backend, "NAME", "jax")
    with raises_one_line("KERAS_BACKEND=tensorflow", "'jax'"):
        zoo.export(exports.tiny(), tmp_path / "export")
    with raises_one_line("KERAS_BACKEND=tensorflow", "'jax'"):
        zoo.load_exported(tmp_path)
    assert list(tmp_path.iterdir()) == []
