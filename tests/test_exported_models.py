"""The pretrained flows as shipped: loaded, differentiated, compared with their exports."""

import inspect
import json
import shutil
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests.helpers import raises_one_line
from zoo import backend
from zoo.saving import storage

ROOT = Path(__file__).parents[1] / "exported_models"
NAMES = [model.name for model in zoo.list_models(ROOT)]
UNPUBLISHED = {"jet", "vae"}


def manifest(name):
    return json.loads((ROOT / name / "manifest.json").read_text(encoding="utf-8"))


SMALL = min(
    (name for name in NAMES if (ROOT / name / "saved_model").is_dir()),
    key=lambda name: sum(f.stat().st_size for f in (ROOT / name).rglob("*") if f.is_file()),
)
QUICK = {"nice-digits", "maf-two_moons"}
CASES = [pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK)) for name in NAMES]


@pytest.fixture(scope="module", params=CASES)
def entry(request):
    """A shipped flow, and events and labels for it."""
    flow = zoo.load(ROOT / request.param)
    flow.jit = False  # Compiling takes longer than these few calls.
    x = np.asarray(flow.sample(8, seed=0))
    labels = np.arange(8, dtype="int32") % flow.num_classes if flow.num_classes else None
    return request.param, flow, x, labels


def test_the_promised_entries_are_there():
    """A flow of digits of each family, but for those of larger images and those not yet there."""
    promised = {"nice-digits", "realnvp-digits", "maf-digits", "iaf-digits", "maf-two_moons"}
    images = ("nice", "realnvp", "maf", "glow", "tarflow")
    promised |= {f"{family}-fashion_mnist" for family in images}
    families = {**zoo.MODELS, "vae": zoo.VAE}
    of_digits = set(families) - UNPUBLISHED - {"tar_flow"}
    promised |= {f"{family.replace('_', '')}-digits" for family in of_digits}
    assert promised <= set(NAMES)
    there = {model.family for model in zoo.list_models(ROOT)}
    assert {key for key, family in families.items() if family.__name__ not in there} == UNPUBLISHED


@pytest.mark.parametrize("name", NAMES)
def test_files_are_those_of_the_manifest_and_this_of_the_index(name):
    index = json.loads((ROOT / "index.json").read_text(encoding="utf-8"))
    folder, record = ROOT / name, manifest(name)
    storage.check_file(folder / "manifest.json", {"sha256": index["models"][name]["manifest"]})
    assert storage.list_files(folder, ("manifest.json", "README.md")) == record["files"]
    if not (folder / "saved_model").is_dir():
        assert f"--model={name}" in (folder / "README.md").read_text(encoding="utf-8")


def test_a_flipped_bit_in_any_file_but_the_card_is_refused(tmp_path):
    shutil.copy(ROOT / "index.json", tmp_path)
    shutil.copytree(ROOT / SMALL, tmp_path / SMALL)
    (tmp_path / SMALL / "README.md").write_text("A card that somebody edited.")
    zoo.load(tmp_path / SMALL)
    for file in [*manifest(SMALL)["files"], "manifest.json"]:
        path = tmp_path / SMALL / file
        content = bytearray(path.read_bytes())
        content[len(content) // 3] ^= 4
        path.write_bytes(content)
        with raises_one_line(file, "truncated or altered"):
            zoo.load(tmp_path / SMALL)
        content[len(content) // 3] ^= 4
        path.write_bytes(content)


def test_the_distribution_has_all_variables_each_with_a_gradient(entry):
    _, flow, x, labels = entry
    distribution = flow.distribution(labels)
    variables = distribution.trainable_variables
    raw = {id(backend.raw(v)) for v in flow.trainable_variables}
    assert {id(v) for v in variables} == raw and len(variables) == len(raw)

    @tf.function(autograph=False)
    def gradients(x):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(distribution.log_prob(x))
        return tape.gradient(loss, variables)

    for variable, gradient in zip(variables, gradients(x), strict=True):
        assert gradient is not None and np.isfinite(gradient).all(), variable.name


def test_the_export_says_the_same(entry):
    name, flow, x, labels = entry
    if "saved_model/saved_model.pb" not in manifest(name)["files"]:
        pytest.skip("too large to be kept; its card shows the command that makes it")
    exported = zoo.load_exported(ROOT / name / "saved_model")
    if labels is not None:
        exported = exported.condition(labels)
    expected = flow.log_prob(x, labels, seed=0)  # That of estimates too.
    np.testing.assert_allclose(exported.log_prob(x), expected, rtol=1e-5, atol=1e-5)


def test_decode_inverts_encode(entry):
    name, flow, x, labels = entry
    back = keras.ops.convert_to_numpy(flow.decode(flow.encode(x, labels), labels))
    # In parts of the data's range; of the iterated inverses it is i-ResNet's that promises 1e-5.
    most = 1e-5 if name == "iresnet-digits" else 1e-4
    np.testing.assert_allclose(back, x, atol=most * (flow.levels or 10))


def test_maf_digits_beats_its_baselines():
    baselines = manifest("maf-digits")["metadata"]["baselines"]
    assert {b["components"] for b in baselines} == {1, 10}
    for baseline in baselines:
        assert baseline["margin"]["mean"] > baseline["margin"]["error"]


@pytest.mark.parametrize(("family", "most"), [("realnvp", 3.10), ("glow", 3.15)])
def test_flows_of_fashion_mnist_reach_what_they_should(family, most):
    evaluation = manifest(f"{family}-fashion_mnist")["metadata"]["evaluation"]
    assert evaluation["bits_per_dim"]["mean"] + evaluation["bits_per_dim"]["error"] <= most
    assert (evaluation["examples"], evaluation["draws"], evaluation["split"]) == (10000, 10, "test")
    trips = [evaluation["round_trip"]["data"], evaluation["round_trip"]["noise"]]
    trips += [figure["round_trip"] for figure in evaluation["outside"].values()]
    assert len(trips) == 4 and max(trips) < 1


@pytest.mark.parametrize("name", NAMES)
def test_the_configuration_is_one_of_today(name):
    with zipfile.ZipFile(ROOT / name / "model.keras") as archive:
        saved = json.loads(archive.read("config.json"))
    family = keras.saving.get_registered_object(saved["registered_name"])
    known = inspect.signature(family).parameters
    assert set(saved["config"]) <= {*known, "frozen"}
    # An argument that came after the file is off by default: None, or none of something.
    later = {name: known[name].default for name in set(known) - set(saved["config"])}
    assert not any(later.values()), later
