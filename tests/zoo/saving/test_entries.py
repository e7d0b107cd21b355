"""Entries on disk: saved whole, loaded as they were, refused when they are not."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import zoo
from tests import helpers
from tests.helpers import raises_one_line
from tests.zoo import table
from zoo.saving import archive, entries, registry, storage

# A class-conditional flow over grey levels, one without a context, and one that estimates.
NAMES = ("maf_image", "nice", "residual_flow_roulette")
SLOW = ("maf_mixture_base", "iaf_context", "i_resnet", "naf", "planar", "continuous")
ROOT = Path(__file__).parents[3]

FRESH_PROCESS = """
import sys, numpy as np, zoo
given, results = dict(np.load(sys.argv[1])), {}
for model in zoo.list_models(sys.argv[2]):
    flow = zoo.load(model.name)
    context = given.get(model.name + "/context")
    results[model.name + "/log_prob"] = flow.log_prob(given[model.name + "/x"], context, seed=7)
    results[model.name + "/sample"] = flow.sample(3, context, seed=7, temperature=0.8)
np.savez(sys.argv[3], **results)
"""


def metadata(mean=2.5):
    return {"dataset": "toys", "metrics": {"bits_per_dim": {"mean": mean, "error": 0.1}}}


def written(root, names):
    """A folder of entries with its index."""
    for name in names:
        zoo.save(table.shared(name), root / name, metadata())
    entries.update_index(root)
    return root


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder of entries with its index. Tests that change it work on a copy."""
    return written(tmp_path_factory.mktemp("zoo"), NAMES)


@pytest.fixture
def own(root, tmp_path, monkeypatch):
    """A copy of `root` that `zoo.load` finds."""
    shutil.copytree(root, tmp_path / "own")
    monkeypatch.setenv("FLOW_ZOO_DIR", str(tmp_path / "own"))
    return tmp_path / "own"


def fresh_process(root, folder, names):
    """What another process says of the entries, and what it was asked."""
    given = {f"{name}/x": helpers.floats(table.shared(name), 3) for name in names}
    contexts = {name: helpers.context(table.shared(name), 3) for name in names}
    given |= {f"{name}/context": c for name, c in contexts.items() if c is not None}
    np.savez(folder / "given.npz", **given)
    program = [sys.executable, "-c", FRESH_PROCESS, "given.npz", root, "results.npz"]
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "FLOW_ZOO_DIR": str(root), "PYTHONPATH": path}
    subprocess.run(program, check=True, cwd=folder, env=env)
    return given, dict(np.load(folder / "results.npz"))


@pytest.mark.parametrize("names", [NAMES, pytest.param(SLOW, marks=pytest.mark.slow)])
def test_another_process_says_the_same(names, tmp_path):
    root = written(tmp_path / "zoo", names)
    given, results = fresh_process(root, tmp_path, names)
    for name in names:
        flow, context = table.shared(name), given.get(f"{name}/context")
        expected = flow.log_prob(given[f"{name}/x"], context, seed=7)
        np.testing.assert_allclose(results[f"{name}/log_prob"], expected, rtol=1e-6, atol=1e-6)
        samples = flow.sample(3, context, seed=7, temperature=0.8)
        np.testing.assert_allclose(results[f"{name}/sample"], samples, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("form", ["name", "folder", "path", "file"])
def test_load_takes_names_folders_and_files(own, form, monkeypatch):
    monkeypatch.chdir(own.parent)
    forms = {"name": "nice", "folder": "own/nice", "path": own / "nice"}
    flow = zoo.load((forms | {"file": str(own / "nice" / "model.keras")})[form])
    assert type(flow) is zoo.NICE and not flow.compiled
    for a, b in zip(flow.weights, table.shared("nice").weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_known_name_goes_before_a_folder_so_called(own, monkeypatch):
    monkeypatch.chdir(own.parent)
    shutil.copytree(own / "nice", own.parent / "maf_image")
    assert type(zoo.load("maf_image")) is zoo.MAF
    assert type(zoo.load("./maf_image")) is zoo.NICE


def test_list_models_loads_none(own, monkeypatch):
    monkeypatch.setattr(keras.saving, "load_model", None)
    models = {model.name: model for model in zoo.list_models()}
    assert set(NAMES) <= set(models)
    maf = models["maf_image"]
    assert (maf.family, maf.dataset, maf.event_shape) == ("MAF", "toys", (2, 2, 1))
    assert maf.parameters == table.shared("maf_image").count_params()
    assert maf.bits_per_dim == (2.5, 0.1) and maf.nats is None
    assert maf.size == (own / "maf_image" / "model.keras").stat().st_size


def test_unknown_name_lists_the_known(own):
    with raises_one_line("'maf-digit'", *NAMES):
        zoo.load("maf-digit")


@pytest.mark.parametrize("name", ["missing/maf", "maf.keras", Path("maf")])
def test_missing_path(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with raises_one_line(str(name), "no such file or folder"):
        zoo.load(name)


def test_folder_that_the_index_lists_and_is_gone(own):
    shutil.rmtree(own / "nice")
    with raises_one_line(str(own / "nice"), "missing"):
        zoo.load("nice")


def change(path, how):
    """Cuts a file short, or alters one of its bytes; returns its hashes before and after."""
    before, content = storage.sha256(path), bytearray(path.read_bytes())
    if how == "truncated":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return before, storage.sha256(path)


@pytest.mark.parametrize("how", ["truncated", "altered"])
def test_changed_model(own, how):
    path = own / "nice" / "model.keras"
    before, after = change(path, how)
    for what in ("nice", own / "nice", path):
        with raises_one_line(str(path), before, after, "truncated or altered", "again"):
            zoo.load(what)


@pytest.mark.parametrize("how", ["truncated", "altered"])
def test_changed_model_without_manifest(own, how):
    path = own / "nice" / "model.keras"
    (own / "nice" / "manifest.json").unlink()
    change(path, how)
    with raises_one_line(str(path), "truncated or altered"):
        zoo.load(path)


def rewrite(path, **changes):
    """Changes entries of a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_manifest_that_the_index_does_not_vouch_for(own):
    path = own / "nice" / "manifest.json"
    rewrite(path, metadata={"dataset": "other"})
    for what in ("nice", own / "nice"):
        with raises_one_line(str(path), "expected SHA-256", "found"):
            zoo.load(what)
    zoo.load("nice", verify=False)
    path.unlink()
    with raises_one_line(str(path), "missing"):
        zoo.load("nice")


def test_changed_side_file(own):
    entry = own / "nice"
    (entry / "samples.png").write_bytes(b"picture")
    (entry / "README.md").write_text("card")
    entries.seal(entry, {"recipe": "nice.flags"})
    entries.update_index(own)
    (entry / "README.md").write_text("a card that somebody edited")
    zoo.load("nice")
    (entry / "samples.png").write_bytes(b"another picture")
    with raises_one_line("samples.png", "altered"):
        zoo.load("nice")
    zoo.load("nice", verify=False)
    (entry / "samples.png").unlink()  # As in a wheel without pictures.
    zoo.load("nice")
    manifest = json.loads((entry / "manifest.json").read_text())
    assert manifest["metadata"] == {**metadata(), "recipe": "nice.flags"}


def test_a_loaded_flow_knows_its_card(own):
    flow = zoo.load("nice")
    facts = {"name": "nice", "family": "NICE", "parameters": flow.count_params(), "published": []}
    assert flow.metadata.items() >= (facts | metadata()).items()
    (own / "nice" / "manifest.json").unlink()
    assert zoo.load(own / "nice" / "model.keras").metadata == {}
    assert table.shared("nice").metadata == {}


def test_not_a_flow(tmp_path):
    (tmp_path / "notes.txt").write_text("notes")
    with raises_one_line(str(tmp_path), "not a Flow Zoo model"):
        zoo.load(tmp_path)
    with raises_one_line("notes.txt", "no Flow Zoo model"):
        zoo.load(tmp_path / "notes.txt")
    keras.Sequential([keras.Input((2,)), keras.layers.ReLU()]).save(tmp_path / "model.keras")
    with raises_one_line("model.keras", "not a Flow Zoo model", "Sequential"):
        zoo.load(tmp_path)


def test_manifest_of_a_newer_version(own):
    rewrite(own / "nice" / "manifest.json", format=storage.FORMAT + 1)
    with raises_one_line("newer Flow Zoo", f"found {storage.FORMAT + 1}"):
        zoo.load(own / "nice", verify=False)


def test_class_of_a_newer_version(own):
    """A family that this version does not know: the versions are told, and what is missing."""
    entry = own / "nice"
    with zipfile.ZipFile(entry / "model.keras") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["config.json"] = parts["config.json"].replace(b'NICE"', b'NICER"')
    with zipfile.ZipFile(entry / "model.keras", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    rewrite(entry / "manifest.json", model={"zoo_version": "99.1"})
    with raises_one_line("99.1", zoo.__version__, "NICER"):
        zoo.load(entry, verify=False)


def test_overwrite_replaces_the_model_and_nothing_else(own):
    entry = own / "nice"
    (entry / "log.txt").write_text("epochs")
    zoo.save(table.shared("real_nvp"), entry, metadata(1.0), overwrite=True)
    shutil.move(entry, own.parent / "moved")  # Away from the index, which knows the old one.
    assert type(zoo.load(own.parent / "moved")) is zoo.RealNVP
    assert (own.parent / "moved" / "log.txt").read_text() == "epochs"
    assert sorted(p.name for p in own.iterdir()) == sorted({*NAMES, "index.json"} - {"nice"})


@pytest.mark.parametrize("occupied", [False, True])
def test_nothing_is_half_saved(own, monkeypatch, occupied):
    def fail(self, path, **kwargs):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zoo.NICE, "save", fail)
    before = {p: p.read_bytes() for p in own.rglob("*") if p.is_file()}
    with raises_one_line("No space left on device"):
        zoo.save(table.shared("nice"), own / ("nice" if occupied else "new"), overwrite=occupied)
    assert {p: p.read_bytes() for p in own.rglob("*") if p.is_file()} == before
    assert not (own / "new").exists()


def test_update_index_refuses_a_changed_entry(own):
    index = (own / registry.INDEX).read_bytes()
    change(own / "nice" / "model.keras", "altered")
    for call in (lambda: entries.update_index(own), lambda: entries.seal(own / "nice")):
        with raises_one_line("model.keras", "altered"):
            call()
    assert (own / registry.INDEX).read_bytes() == index


def test_update_index_follows_the_folder(own):
    shutil.rmtree(own / "nice")
    (own / "notes").mkdir()
    shutil.copytree(own / "maf_image", own / ".maf_image.1234")  # Left by a killed process.
    assert {m.name for m in entries.update_index(own)} == set(NAMES) - {"nice"}
    with raises_one_line("missing", "no such folder"):
        entries.update_index(own / "missing")
    with raises_one_line("notes", "manifest.json"):
        entries.seal(own / "notes")


def test_a_file_exchanged_after_it_was_read_is_not_loaded(own, monkeypatch):
    """What was hashed and looked through is what is loaded."""
    expected = zoo.load("nice").get_weights()
    model = own / "nice" / "model.keras"
    looked_through = archive.read

    def exchanged(data):
        os.replace(own / "maf_image" / "model.keras", model)
        return looked_through(data)

    monkeypatch.setattr(archive, "read", exchanged)
    for a, b in zip(zoo.load("nice").get_weights(), expected, strict=True):
        np.testing.assert_array_equal(a, b)
    monkeypatch.undo()
    with raises_one_line("truncated or altered"):
        zoo.load(own / "nice")
