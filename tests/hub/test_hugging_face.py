"""Presets through huggingface_hub, against a hub in a thread."""

import importlib

import numpy as np
import pytest

import zoo
from tests.helpers import raises_one_line
from tests.hub.server import Hub
from zoo.saving import presets

huggingface_hub = pytest.importorskip("huggingface_hub", reason="needs the extra hub")
constants = importlib.import_module("huggingface_hub.constants")
ADDRESS = "hf://user/maf-toy"
X = np.array([[0.3, -1.2], [2.0, 0.1]], "float32")


@pytest.fixture(scope="module")
def flow():
    return zoo.MAF((2,), num_layers=1, hidden_units=(64,))


@pytest.fixture
def hub(flow, tmp_path, monkeypatch):
    """A hub with one preset, which the client uses, and an empty cache."""
    folder, hub = flow.save_to_preset(tmp_path / "maf-toy"), Hub()
    files = {p.name: p.read_bytes() for p in folder.iterdir()} | {"secret.bin": b"no"}
    hub.repos["user/maf-toy"] = {"main": files, "v1": files}
    with hub.serve() as address:
        # The client reads its environment when it is imported.
        monkeypatch.setattr(constants, "ENDPOINT", address)
        monkeypatch.setattr(
            huggingface_hub.constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            address + "/{repo_id}/resolve/{revision}/{filename}",
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        api = huggingface_hub.HfApi(endpoint=address, token="hf_test")
        for name in ("snapshot_download", "create_repo", "upload_folder"):
            monkeypatch.setattr(huggingface_hub, name, getattr(api, name))
        yield hub


def flip(hub, name):
    data = bytearray(hub.repos["user/maf-toy"]["main"][name])
    data[len(data) // 2] ^= 1
    hub.repos["user/maf-toy"]["main"] = {
        **hub.repos["user/maf-toy"]["main"],
        name: bytes(data),
    }


def test_a_preset_comes_from_the_hub_once(hub, flow):
    for _ in range(2):
        loaded = zoo.load(ADDRESS)
        np.testing.assert_array_equal(loaded.log_prob(X), flow.log_prob(X))
    weights = [r for r in hub.requests if r.startswith("GET") and r.endswith(presets.PARTS[-1])]
    assert len(weights) == 1
    assert not [r for r in hub.requests if "secret" in r]


def test_a_revision_is_taken(hub, flow):
    flip(hub, "model.weights.h5")
    loaded = zoo.MAF.from_preset(f"{ADDRESS}@v1")
    np.testing.assert_array_equal(loaded.log_prob(X), flow.log_prob(X))


@pytest.mark.parametrize("name", presets.PARTS)
def test_a_flipped_bit_is_refused(hub, name):
    flip(hub, name)
    with raises_one_line(f"{name} is truncated or altered"):
        zoo.load(ADDRESS)


def test_a_download_that_broke_off_goes_on(hub, flow):
    hub.cut = 4096
    try:
        zoo.load(ADDRESS)
    except ValueError:  # Whether the client tries again by itself is its own affair.
        pass
    np.testing.assert_array_equal(zoo.load(ADDRESS).log_prob(X), flow.log_prob(X))


def test_what_the_hub_does_not_have_is_one_line(hub):
    for address in ("hf://user/other", f"{ADDRESS}@v9"):
        with raises_one_line(f"{address} cannot be fetched"):
            zoo.load(address)
    hub.repos["user/maf-toy"]["main"] = {"README.md": b"A card alone."}
    with raises_one_line("holds no model.keras"):
        zoo.load(ADDRESS)


def test_offline_the_cache_serves(hub, flow, monkeypatch):
    with raises_one_line("cannot be fetched"):
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        zoo.load(ADDRESS)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    zoo.load(ADDRESS)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    np.testing.assert_array_equal(zoo.load(ADDRESS).log_prob(X), flow.log_prob(X))


def test_an_upload_can_be_loaded(hub, flow, tmp_path):
    (tmp_path / "maf-toy" / "README.md").write_text("# maf-toy\n")
    (tmp_path / "maf-toy" / "notes.txt").write_text("not of the entry")
    zoo.upload_preset("hf://user/new", tmp_path / "maf-toy")
    assert set(hub.repos["user/new"]["main"]) == {*presets.PARTS, "manifest.json", "README.md"}
    np.testing.assert_array_equal(zoo.load("hf://user/new").log_prob(X), flow.log_prob(X))
    with raises_one_line("is no entry"):
        zoo.upload_preset("hf://user/new", tmp_path)
