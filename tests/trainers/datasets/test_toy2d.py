"""The toy builder: fixed points, separate splits, one config a toy."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tests import helpers
from trainers import datasets
from trainers.datasets.toy2d import Toy2d
from trainers.datasets.toy_densities import TOYS


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(Toy2d, "SIZES", {"train": 60, "validation": 20, "test": 20})


@pytest.mark.parametrize("name", TOYS)
def test_every_config_is_the_same_in_every_folder(name, small, tmp_path):
    first, again = (datasets.load(f"toy2d/{name}", tmp_path / part) for part in "ab")
    x = {split: first.numpy(split) for split in Toy2d.SIZES}
    assert {split: len(points) for split, points in x.items()} == Toy2d.SIZES
    np.testing.assert_array_equal(x["train"], again.numpy("train"))
    assert len(np.unique(np.concatenate(list(x.values())), axis=0)) == 100
    helpers.assert_same(first.true_log_prob(x["test"]), TOYS[name].log_prob(x["test"]))


def test_full_size_and_short_name(tmp_path):
    data = datasets.load("rings", tmp_path)
    sizes = [data.num_examples(split) for split in ("train", "validation", "test")]
    assert (data.name, sizes) == ("toy2d/rings", [50_000, 10_000, 10_000])
    assert (data.event_shape, data.levels, data.num_classes) == ((2,), None, None)
    assert data.input_names == ("x[0]", "x[1]")


def test_rounding_to_float32_leaves_no_stored_point_outside_the_board():
    builder = Toy2d(config="checkerboard", data_dir="unused")
    for split in Toy2d.SIZES:
        x = np.array([example["x"] for _, example in builder._generate_examples(split)])
        assert np.isfinite(TOYS["checkerboard"].log_prob(x)).all()


def test_tfds_knows_it(small, tmp_path):
    data = tfds.load("toy2d/pinwheel", split="test", data_dir=tmp_path)
    assert len(data) == 20
    assert Toy2d.builder_configs["pinwheel"].description.startswith("Five curved arms")
