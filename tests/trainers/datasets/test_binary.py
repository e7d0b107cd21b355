"""Stochastic binarization: shares, seeds, passes, splits."""

import numpy as np
import pytest

from trainers import datasets
from trainers.datasets import DatasetError, binary, pipelines


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    datasets.load("digits", folder)
    return folder


def load(folder, binarize):
    return datasets.load("digits", folder, binarize=binarize)


def of(batches):
    return np.concatenate(list(batches.as_numpy_iterator()))


def test_a_pixel_is_one_with_the_share_of_its_grey_level():
    x = np.broadcast_to(np.arange(17, dtype=np.uint8)[:, None, None], (20000, 17, 1, 1))
    drawn = binary.once(x, 17, "test")
    assert drawn.dtype == np.uint8 and not drawn[:, 0].any() and drawn[:, 16].all()
    share = drawn.mean(axis=(0, 2, 3))
    np.testing.assert_allclose(share, np.arange(17) / 16, atol=4 * 0.5 / np.sqrt(20000))


@pytest.mark.parametrize("binarize", ["static", "dynamic"])
def test_arrays_are_drawn_once_for_everyone(folder, binarize):
    grey, data = load(folder, None), load(folder, binarize)
    assert (data.levels, grey.levels) == (2, 17)
    for split in ("train", "validation", "test"):
        x, labels = data.numpy(split, labels=True)
        np.testing.assert_array_equal(x, load(folder, "static").numpy(split))
        g, same = grey.numpy(split, labels=True)
        np.testing.assert_array_equal(labels, same)
        assert set(np.unique(x)) == {0, 1} and not x[g == 0].any() and x[g == 16].all()
        assert abs(x.mean() - g.mean() / 16) < 0.01
    assert data.numpy("test", limit=3).shape == (3, 8, 8, 1)
    np.testing.assert_array_equal(of(data.batches("test", 100)), data.numpy("test"))


def test_only_training_batches_of_dynamic_data_are_drawn_anew(folder):
    data = load(folder, "dynamic")
    grey = {x.tobytes(): True for x in load(folder, None).numpy("train")}
    batches = data.batches("train", 50, shuffle=True, seed=3)
    first, second = of(batches), of(batches)
    assert first.shape == (len(grey), 8, 8, 1) and set(np.unique(first)) == {0, 1}
    means = [of(load(folder, "static").batches("train", 50, shuffle=True, seed=3)) for _ in "ab"]
    assert abs(first.mean() - means[0].mean()) < 0.01
    rows = [{x.tobytes() for x in part} for part in (first, second, *means)]
    assert rows[2] == rows[3] and len(rows[0] & rows[1]) < 0.2 * len(grey)
    np.testing.assert_array_equal(of(data.batches("train", 50, shuffle=True, seed=3)), first)
    x, label = next(iter(data.batches("train", 50, shuffle=True, seed=3, labels=True, flips=True)))
    assert x.dtype == "uint8" and label.shape == (50,)


def test_what_cannot_be_binarized_is_told(folder, tmp_path, monkeypatch):
    with pytest.raises(DatasetError, match="must be static or dynamic, got 'always'"):
        load(folder, "always")
    with pytest.raises(DatasetError, match="binarize is for images"):
        datasets.load("two_moons", tmp_path, binarize="static")
    data = load(folder, "static")
    data.memory_limit = pipelines.MEMORY_LIMIT * 0
    with pytest.raises(DatasetError, match="too large to binarize"):
        data.numpy("test")
