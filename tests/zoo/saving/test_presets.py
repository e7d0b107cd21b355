"""Presets: the three files in place of model.keras, in a folder and on a hub."""

import json
import sys
import types

import numpy as np
import pytest

import zoo
from tests.helpers import raises_one_line
from zoo.saving import entries, presets

X = np.array([[0.3, -1.2], [2.0, 0.1]], "float32")


@pytest.fixture(scope="module")
def flow():
    made = zoo.MAF((2,), num_layers=1, hidden_units=(4,))
    made.set_weights([np.full(w.shape, 0.1, "float32") for w in made.get_weights()])
    return made


@pytest.fixture
def preset(flow, tmp_path):
    return flow.save_to_preset(tmp_path / "maf-toy")


def test_a_preset_is_an_entry_with_model_keras_unpacked(flow, preset):
    assert {p.name for p in preset.iterdir()} == {*presets.PARTS, "manifest.json"}
    assert json.loads((preset / "config.json").read_text())["registered_name"] == "zoo>MAF"
    for loaded in (
        zoo.load(preset),
        zoo.MAF.from_preset(str(preset)),
        zoo.Flow.from_preset(preset),
    ):
        np.testing.assert_array_equal(loaded.log_prob(X), flow.log_prob(X))


def test_it_is_listed_like_an_entry(preset):
    (record,) = entries.update_index(preset.parent)
    assert record.size == sum((preset / name).stat().st_size for name in presets.PARTS)


def test_one_form_takes_the_place_of_the_other(flow, preset):
    zoo.save(flow, preset, overwrite=True)
    assert {p.name for p in preset.iterdir()} == {"model.keras", "manifest.json"}
    flow.save_to_preset(preset, overwrite=True)
    assert {p.name for p in preset.iterdir()} == {*presets.PARTS, "manifest.json"}


def test_arguments_replace_those_recorded(flow, preset):
    loaded = zoo.MAF.from_preset(preset, dtype="float64", name="other")
    assert loaded.variable_dtype == "float64" and loaded.name == "other"
    np.testing.assert_allclose(loaded.log_prob(X.astype("float64")), flow.log_prob(X), rtol=1e-5)
    with raises_one_line("do not fit"):
        zoo.MAF.from_preset(preset, hidden_units=(5,))
    with raises_one_line("no argument 'layers'"):
        zoo.MAF.from_preset(preset, layers=3)
    with raises_one_line("expected a NSF"):
        zoo.NSF.from_preset(preset)


@pytest.mark.parametrize("name", presets.PARTS)
def test_a_flipped_bit_is_refused(preset, name):
    data = bytearray((preset / name).read_bytes())
    data[len(data) // 2] ^= 1
    (preset / name).write_bytes(data)
    with raises_one_line(f"{name} is truncated or altered"):
        zoo.load(preset)


@pytest.mark.parametrize("name", presets.PARTS)
def test_a_missing_part_is_named(preset, name):
    (preset / name).unlink()
    (preset / "manifest.json").unlink()
    with raises_one_line(name if name != "config.json" else "model.keras"):
        zoo.load(preset)


@pytest.mark.parametrize(
    "name",
    ["hf://", "hf://user", "hf://user/..", "hf://a/b/c", "kaggle://a/b", "s3://a/b", "hf://a/b@"],
)
def test_an_address_that_is_none_is_refused(name):
    with raises_one_line("names no preset"):
        zoo.load(name)


@pytest.mark.parametrize("hub, package", [("hf", "huggingface_hub"), ("kaggle", "kagglehub")])
def test_a_hub_without_its_client_says_what_to_install(monkeypatch, hub, package):
    monkeypatch.setitem(sys.modules, package, None)
    with raises_one_line(package):
        zoo.load(f"{hub}://user/model" + "/keras/toy" * (hub == "kaggle"))


def test_kaggle_is_asked_for_a_handle_and_given_a_folder(monkeypatch, flow, preset):
    """Kaggle's own client speaks to Kaggle; here a stand-in takes its calls."""
    calls = []
    client = types.ModuleType("kagglehub")
    client.model_download = lambda handle: calls.append(handle) or str(preset)
    client.model_upload = lambda handle, folder, ignore_patterns: calls.append(
        (handle, folder, ignore_patterns)
    )
    monkeypatch.setitem(sys.modules, "kagglehub", client)
    loaded = zoo.load("kaggle://user/flows/keras/maf-toy/2")
    np.testing.assert_array_equal(loaded.log_prob(X), flow.log_prob(X))
    (preset / "notes.txt").write_text("not of the entry")
    zoo.upload_preset("kaggle://user/flows/keras/maf-toy", preset)
    assert calls == [
        "user/flows/keras/maf-toy/2",
        ("user/flows/keras/maf-toy", str(preset), ["notes.txt"]),
    ]
