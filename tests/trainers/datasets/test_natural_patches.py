"""Patches of photographs: shapes, counts, and splits that share no pixel."""

import numpy as np
import pytest
import sklearn.datasets

from trainers import datasets
from trainers.datasets import natural_patches
from trainers.datasets.natural_patches import NaturalPatches

SPLITS = ("train", "validation", "test")
COUNTS = {"32x32": (23232, 5808, 5808), "8x8": (19320, 6300, 6300)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("patches")


@pytest.mark.parametrize("config", [pytest.param("32x32", marks=pytest.mark.slow), "8x8"])
def test_shapes_and_counts(config, folder):
    data = datasets.load(f"natural_patches/{config}", folder)
    size = int(config.partition("x")[0])
    assert (data.event_shape, data.levels, data.num_classes) == ((size, size, 3), 256, 2)
    assert tuple(data.num_examples(split) for split in SPLITS) == COUNTS[config]
    x, labels = data.numpy("test", labels=True)
    assert x.dtype == np.uint8 and x.shape == (COUNTS[config][2], size, size, 3)
    np.testing.assert_array_equal(np.bincount(labels), [len(x) / 2] * 2)
    assert abs(labels[:1000].mean() - 0.5) < 0.1  # shuffled


def test_patches_are_of_the_photographs(folder):
    x, labels = datasets.load("natural_patches/8x8", folder).numpy("test", 20, labels=True)
    for patch, label in zip(x, labels, strict=True):
        photograph = sklearn.datasets.load_sample_image(("china.jpg", "flower.jpg")[label])
        places = np.argwhere((photograph == patch[0, 0]).all(axis=-1))
        assert any(np.array_equal(photograph[r : r + 8, c : c + 8], patch) for r, c in places)


@pytest.mark.parametrize("size", [32, 8])
def test_no_pixel_is_in_two_splits(size):
    photograph = np.stack(np.mgrid[:427, :640], axis=-1).astype(np.int16)  # each pixel its place
    seen = []
    for split in SPLITS:
        patches = natural_patches.cut(photograph, split, size, NaturalPatches.STRIDES[size])
        assert patches.shape[1:] == (size, size, 2)
        # Each is one piece of the photograph, the right way up.
        assert (patches - patches[:, :1, :1] == photograph[:size, :size]).all()
        columns = np.unique(patches[..., 1])
        assert set(columns // 64) == set(natural_patches.STRIPS[split])
        seen.append(set(columns))
    assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])


def test_neighbouring_strips_are_one_region():
    assert natural_patches.regions("train") == [(0, 128), (192, 256), (320, 448), (512, 576)]
    assert natural_patches.regions("test") == [(128, 192), (448, 512)]
    assert natural_patches.regions("validation") == [(256, 320), (576, 640)]


@pytest.mark.slow
def test_every_build_is_the_same(folder, tmp_path):
    again = datasets.load("natural_patches/8x8", tmp_path)
    first = datasets.load("natural_patches/8x8", folder)
    for one, other in zip(
        first.numpy("train", labels=True), again.numpy("train", labels=True), strict=True
    ):
        np.testing.assert_array_equal(one, other)
