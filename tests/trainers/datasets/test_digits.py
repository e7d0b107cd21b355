"""The digits builder: all images, once each, in fixed and balanced splits."""

import numpy as np
import pytest
import tensorflow_datasets as tfds
from sklearn.datasets import load_digits

from trainers.datasets.digits import split_indices

PINNED = {"test": [1081, 1707, 927, 713, 262], "train": [841, 1245, 1191, 1647, 923]}


def test_the_splits_hold_every_image_once(digits):
    parts = [digits.numpy(split, labels=True) for split in ("train", "validation", "test")]
    assert [len(labels) for _, labels in parts] == [1297, 200, 300]
    images = np.concatenate([images for images, _ in parts])
    labels = np.concatenate([labels for _, labels in parts])
    source = load_digits()
    stored = np.column_stack([images.reshape(-1, 64), labels])
    original = np.column_stack([source.images.reshape(-1, 64), source.target])
    np.testing.assert_array_equal(np.unique(stored, axis=0), np.unique(original, axis=0))
    assert images.dtype == np.uint8 and images.shape[1:] == (8, 8, 1) and images.max() == 16


@pytest.mark.parametrize(("split", "count"), [("validation", 20), ("test", 30)])
def test_held_out_classes_are_balanced(digits, split, count):
    labels = digits.numpy(split, labels=True)[1]
    np.testing.assert_array_equal(np.bincount(labels), np.full(10, count))


def test_the_splits_never_change():
    splits = split_indices(load_digits().target, {"test": 30, "validation": 20})
    assert splits["test"][:5].tolist() == PINNED["test"]
    assert splits["train"][:5].tolist() == PINNED["train"]


def test_split_indices_by_hand():
    labels = np.array([0, 1, 0, 1, 0, 1, 1])
    splits = split_indices(labels, {"a": 1, "b": 1}, seed=3)
    assert list(splits) == ["train", "a", "b"]
    assert sorted(np.concatenate(list(splits.values()))) == list(range(7))
    assert sorted(labels[splits["a"]]) == sorted(labels[splits["b"]]) == [0, 1]


def test_attributes(digits):
    assert (digits.event_shape, digits.levels, digits.num_classes) == ((8, 8, 1), 17, 10)
    assert (digits.name, digits.input_names) == ("digits", ("image",))
    assert digits.true_log_prob is None


def test_tfds_knows_it(data_dir):
    (image, label), *_ = tfds.load("digits", split="test", data_dir=data_dir, as_supervised=True)
    assert image.shape == (8, 8, 1) and 0 <= label < 10


def test_counts_may_be_of_each_class():
    labels = np.array([0, 1, 0, 1, 0, 1, 1])
    splits = split_indices(labels, {"a": [1, 2], "b": [0, 1]})
    assert [np.bincount(labels[rows]).tolist() for rows in splits.values()] == [
        [2, 1],
        [1, 2],
        [0, 1],
    ]
