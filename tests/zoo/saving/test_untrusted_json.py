"""Manifests and indices that somebody crafted: refused in one line, and nothing is read."""

import json
import os
import shutil

import pytest

import zoo
from tests.helpers import raises_one_line
from tests.zoo.saving.crafted import refused
from zoo.saving import entries, registry, storage

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


@pytest.mark.parametrize(
    "change", [{"event_shape": [3]}, {"num_classes": 7}, {"levels": 9}, {"name": "b"}]
)
def test_facts_of_an_export_that_were_changed(tmp_path, change):
    model = {"name": "a", "event_shape": [2], "latent_shape": [2], "context_shape": None}
    model |= {"num_classes": None, "levels": None, "dtype": "float32"}
    model["digest"] = storage.digest(model)
    (tmp_path / "assets.extra").mkdir()
    path = tmp_path / "assets.extra" / "flow_zoo.json"
    (tmp_path / "saved_model.pb").write_bytes(b"")
    files = storage.list_files(tmp_path)
    storage.write_json(path, model=model | change, files=files)
    with raises_one_line("flow_zoo.json is altered"):
        zoo.load_exported(tmp_path)


def test_an_export_has_a_digest_of_its_facts(tmp_path):
    flow = zoo.NICE((2,), num_layers=1, hidden_units=(2,), jit_compile=False)
    info = json.loads((zoo.export(flow, tmp_path / "x") / "assets.extra/flow_zoo.json").read_text())
    assert info["model"].pop("digest") == storage.digest(info["model"])
    zoo.load_exported(tmp_path / "x")


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
