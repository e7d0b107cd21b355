"""Finding and preparing datasets, offline, once, with one-line errors."""

import shutil
import socket

import pytest
import requests
import tensorflow_datasets as tfds

from trainers import datasets
from trainers.datasets import DatasetError, builders
from trainers.datasets.digits import Digits
from trainers.datasets.natural_patches import NaturalPatches
from trainers.datasets.toy2d import Toy2d


def refuse(*args, **kwargs):
    raise AssertionError("must not be called")


def one_line_error(*args, **kwargs):
    with pytest.raises(DatasetError) as error:
        datasets.load(*args, **kwargs)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(Toy2d, "SIZES", {"train": 60, "validation": 20, "test": 20})


def test_ours_need_no_network_and_print_nothing(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(requests, "head", refuse)
    capfd.readouterr()
    assert datasets.load("digits", tmp_path).num_examples("train") == 1297
    assert "Downloading" not in "".join(capfd.readouterr())


def test_what_is_prepared_is_only_read(data_dir, monkeypatch):
    before = sorted((path, path.stat().st_mtime_ns) for path in data_dir.rglob("*"))
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", refuse)
    monkeypatch.setattr(builders, "_require_writable", refuse)
    assert len(datasets.load("digits", data_dir).numpy("test")) == 300
    assert len(datasets.load("zoo_packed", data_dir).numpy("test")) == 20
    assert before == sorted((path, path.stat().st_mtime_ns) for path in data_dir.rglob("*"))


def test_files_without_their_builder(data_dir, tmp_path):
    """As of a dataset that somebody prepared with a builder of their own."""
    folder = shutil.copytree(data_dir / "zoo_table", tmp_path / "private_table")
    for file in folder.rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes().replace(b"zoo_table", b"private_table"))
            file.rename(file.with_name(file.name.replace("zoo_table", "private_table")))
    data = datasets.load("private_table", tmp_path)
    assert data.name == "private_table" and data.numpy("train").shape == (90, 4)


def test_the_folder_of_one_dataset(data_dir):
    folder = next((data_dir / "digits").iterdir())
    data = datasets.load("digits", folder)
    assert (data.levels, data.num_examples("test")) == (17, 300)
    assert "holds dataset 'digits/1.0.0', but 'mnist' was asked for" in one_line_error(
        "mnist", folder
    )


def test_unknown_names(tmp_path):
    message = one_line_error("fashion_mnits", tmp_path)
    assert "unknown dataset 'fashion_mnits' (did you mean 'fashion_mnist'?)" in message
    assert "that need no download: digits, two_moons, eight_gaussians" in message
    assert "did you mean 'two_moons'?" in one_line_error("two_moon", tmp_path)


@pytest.mark.parametrize("name", ["toy2d/spam", "digits:7.0.0", "", "a b", "../digits"])
def test_malformed_names(name, tmp_path):
    assert "that need no download" in one_line_error(name, tmp_path)


def test_no_network_is_told_at_once(tmp_path, monkeypatch):
    def disconnected(*args, **kwargs):
        raise requests.ConnectionError("Failed to\nresolve")

    monkeypatch.setattr(requests, "head", disconnected)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", refuse)
    message = one_line_error("fashion_mnist", tmp_path)
    assert f"'fashion_mnist' is not prepared in {tmp_path}, and there is no network" in message
    assert "that need no download: digits" in message


def test_other_failures_of_tfds(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("many\nlines")

    monkeypatch.setattr(requests, "head", lambda *args, **kwargs: None)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", fail)
    assert "'mnist' cannot be prepared: many lines;" in one_line_error("mnist", tmp_path)


def test_nowhere_to_write(tmp_path):
    (tmp_path / "file").write_text("in the way")
    message = one_line_error("digits", tmp_path / "file" / "tfds")
    assert (
        f"not prepared yet and {tmp_path / 'file'} cannot be written (Not a directory)" in message
    )


def test_an_incomplete_folder(tmp_path):
    (tmp_path / "digits" / "1.0.0").mkdir(parents=True)
    assert "is incomplete; delete it" in one_line_error("digits", tmp_path)


def test_another_process_may_be_faster(tmp_path, small, monkeypatch):
    prepare = tfds.core.DatasetBuilder.download_and_prepare

    def lose_the_race(builder, **kwargs):
        prepare(Toy2d(config="rings", data_dir=tmp_path), **kwargs)
        raise OSError("Directory not empty")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", lose_the_race)
    assert datasets.load("rings", tmp_path).num_examples("test") == 20


def test_the_progress_bars_of_others_stay_as_they_are(tmp_path, small):
    from tensorflow_datasets.core.utils import tqdm_utils

    assert tqdm_utils._active
    datasets.load("pinwheel", tmp_path)
    assert tqdm_utils._active


def test_names():
    assert builders.OWN["digits"] is Digits
    assert builders.SHORT_NAMES["power"] == "uci_density/power"
    patches = {f"natural_patches/{config.name}" for config in NaturalPatches.BUILDER_CONFIGS}
    assert set(datasets.OFFLINE) == {"digits", *datasets.TOYS, "breast_cancer", "wine", *patches}
