"""Batches: order, seeds, labels, flips, splits, memory and disk, and bad input."""

import dataclasses
import math
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from trainers import datasets
from trainers.datasets import DatasetError, Toy2d, checks, pipelines


def rows(batches, count=None):
    """The row numbers of the table in the batches, as the third column tells them."""
    batches = batches if count is None else batches.take(count)
    return [(batch[:, 2] - 0.5).astype(int).tolist() for batch in batches.as_numpy_iterator()]


def flat(lists):
    return [row for some in lists for row in some]


@pytest.fixture(params=["memory", "disk"])
def source(request, table):
    if request.param == "disk":
        table.memory_limit = 30 * 20  # bytes: a shuffle buffer of 30 rows
    return table


def test_plain_batches(source):
    batches = source.batches("train", 40)
    assert rows(batches) == [list(range(40)), list(range(40, 80)), list(range(80, 90))]
    assert batches.element_spec == tf.TensorSpec([None, 4], tf.float32)
    assert batches.cardinality() == 3
    assert source.batches("train", 40, drop_remainder=True).element_spec.shape == [40, 4]
    assert len(rows(source.batches("train", 40, drop_remainder=True))) == 2


def test_validation_is_the_last_tenth_of_train(source):
    assert [source.num_examples(split) for split in ("train", "validation")] == [90, 10]
    assert flat(rows(source.batches("validation", 4))) == list(range(90, 100))


def test_where_figures_are_published_on_validation_it_is_the_test_split(data_dir, tmp_path):
    """As of ImageNet at 32 x 32."""
    folder = shutil.copytree(data_dir / "zoo_packed", tmp_path / "zoo_packed")
    for file in folder.rglob("*"):
        if file.is_file() and "-test." in file.name:
            file.rename(file.with_name(file.name.replace("-test.", "-validation.")))
    (info,) = folder.rglob("dataset_info.json")
    info.write_text(info.read_text().replace('"test"', '"validation"'))
    data = datasets.load("zoo_packed", tmp_path)
    counts = [data.num_examples(split) for split in ("train", "validation", "test")]
    assert counts == [45, 5, 20]
    assert data.numpy("validation")[:, 0].tolist() == [45, 46, 47, 48, 49]
    assert len(data.numpy("test")) == 20


def test_shuffling(source):
    batches = source.batches("train", 16, shuffle=True, seed=1)
    first, second = flat(rows(batches)), flat(rows(batches))
    assert sorted(first) == sorted(second) == list(range(90))
    assert first != second and first != list(range(90))
    again = source.batches("train", 16, shuffle=True, seed=1)
    assert [flat(rows(again)), flat(rows(again))] == [first, second]
    assert flat(rows(source.batches("train", 16, shuffle=True, seed=2))) != first


def test_the_whole_split_is_shuffled_in_memory(table):
    orders = [flat(rows(table.batches("train", 90, shuffle=True, seed=s)))[:10] for s in range(9)]
    assert max(flat(orders)) > 75  # a buffer of 16 batches or so would not reach there at once


def test_repeat_gives_full_batches_for_ever(source):
    batches = source.batches("train", 40, shuffle=True, seed=0, repeat=True)
    assert batches.cardinality() == tf.data.INFINITE_CARDINALITY
    drawn = rows(batches, 9)  # 360 rows are four passes of 90
    assert [len(batch) for batch in drawn] == [40] * 9
    drawn = flat(drawn)
    for begin in range(0, 360, 90):
        assert sorted(drawn[begin : begin + 90]) == list(range(90))
    assert drawn[:90] != drawn[90:180]
    assert batches.element_spec.shape == [40, 4]


def test_labels(source):
    x, labels = next(iter(source.batches("train", 90, shuffle=True, seed=0, labels=True)))
    np.testing.assert_array_equal(labels, (x.numpy()[:, 2] - 0.5).astype(int) % 3)
    assert labels.dtype == tf.int32 and source.num_classes == 3


def test_numpy(source):
    x, labels = source.numpy("train", limit=5, labels=True)
    np.testing.assert_array_equal(x[:, 3], np.arange(5))
    np.testing.assert_array_equal(labels, [0, 1, 2, 0, 1])
    assert source.numpy("train").shape == (90, 4)


def test_table_attributes(table):
    assert (table.name, table.event_shape, table.levels) == ("zoo_table", (4,), None)
    assert table.input_names == ("a[0]", "a[1]", "b", "nested/count")


def test_images_from_memory_and_disk(digits):
    from_memory = list(digits.batches("test", 128).as_numpy_iterator())
    digits.memory_limit = 0
    from_disk = list(digits.batches("test", 128).as_numpy_iterator())
    for one, other in zip(from_memory, from_disk, strict=True):
        np.testing.assert_array_equal(one, other)
    assert from_disk[0].dtype == np.uint8 and from_disk[0].shape == (128, 8, 8, 1)
    assert len(digits.numpy("train", limit=3)) == 3


def test_flips(digits):
    originals = digits.numpy("train")
    batches = digits.batches("train", 100, labels=True, seed=0, flips=True)

    def one_pass():
        x = np.concatenate([x for x, _ in batches.as_numpy_iterator()])
        flipped = (x != originals).any(axis=(1, 2, 3))
        np.testing.assert_array_equal(x[flipped], originals[flipped, :, ::-1])
        return flipped

    first, second = one_pass(), one_pass()
    assert abs(first.mean() - 0.5) < 4 * 0.5 / math.sqrt(len(first))
    assert not np.array_equal(first, second)
    batches = digits.batches("train", 100, labels=True, seed=0, flips=True)
    np.testing.assert_array_equal(one_pass(), first)
    labels = np.concatenate([y for _, y in batches.as_numpy_iterator()])
    np.testing.assert_array_equal(labels, digits.numpy("train", labels=True)[1])


def test_fresh_points_at_each_pass(tmp_path, monkeypatch):
    monkeypatch.setattr(Toy2d, "SIZES", {"train": 60, "validation": 20, "test": 20})
    data = datasets.load("rings", tmp_path)
    batches = data.batches("train", 25, shuffle=True, seed=3, drop_remainder=True, fresh=True)

    def one_pass(batches):
        return np.concatenate(list(batches.as_numpy_iterator()))

    assert [x.shape for x in batches.as_numpy_iterator()] == [(25, 2), (25, 2)]
    first, second = one_pass(batches), one_pass(batches)
    assert len(np.unique(np.concatenate([first, second, data.numpy("train")]), axis=0)) == 160
    assert np.isfinite(data.true_log_prob(first)).all()
    # A pipeline made anew repeats the passes in their order: what a restarted run relies on.
    again = data.batches("train", 25, shuffle=True, seed=3, drop_remainder=True, fresh=True)
    iter(again)
    np.testing.assert_array_equal(one_pass(again), first)
    np.testing.assert_array_equal(one_pass(again), second)
    other = data.batches("train", 25, seed=4, fresh=True)
    assert not np.isin(one_pass(other), np.concatenate([first, second])).any()
    with pytest.raises(
        DatasetError, match="for training on toy2d, not for 'test' of 'toy2d/rings'"
    ):
        data.batches("test", 20, fresh=True)


def test_fresh_points_of_images_are_refused(digits):
    with pytest.raises(DatasetError, match="not for 'train' of 'digits'"):
        digits.batches("train", 20, fresh=True)


def test_a_split_is_read_once(digits, monkeypatch):
    digits.numpy("test")
    monkeypatch.setattr(pipelines.reading, "read", None)
    monkeypatch.setattr(pipelines.reading, "blocks", None)
    assert len(list(digits.batches("test", 100))) == 3
    assert len(digits.numpy("test", limit=7)) == 7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (dict(split="test"), "'zoo_table' has no split 'test'; it has train, validation"),
        (dict(split="dev"), "has no split 'dev'"),
        (dict(batch_size=0), "expected a batch size from 1 to 90, .* got 0"),
        (dict(batch_size=91, drop_remainder=True), "from 1 to 90, .* got 91"),
        (dict(flips=True), "flips are for training images, not for 'train' of 'zoo_table'"),
    ],
)
def test_bad_options(table, options, message):
    with pytest.raises(DatasetError, match=message):
        table.batches(**{"split": "train", "batch_size": 10, **options})


def test_bad_options_of_others(packed, digits):
    with pytest.raises(DatasetError, match="'zoo_packed' has no class labels"):
        packed.batches("train", 10, labels=True)
    with pytest.raises(DatasetError, match="'zoo_packed' has no class labels"):
        packed.numpy("train", labels=True)
    with pytest.raises(DatasetError, match="flips are for training images, not for 'test'"):
        digits.batches("test", 10, flips=True)


@pytest.mark.parametrize("memory_limit", [1 << 30, 0])
def test_nan_and_infinity(memory_limit, table_builder, tmp_path, monkeypatch):
    monkeypatch.setattr(table_builder, "spoiled", {3: np.nan, 8: np.inf, 95: -np.inf})
    data = datasets.load("zoo_table", tmp_path)
    data.memory_limit = memory_limit
    message = "split 'train' of dataset 'zoo_table' has 2 NaN or infinite values, in b; "
    message += "the first is in row 3;"
    for _ in range(2):  # a second try must not slip through
        with pytest.raises(DatasetError, match=message):
            data.batches("train", 10)
    with pytest.raises(DatasetError, match="has 2 NaN"):
        data.numpy("train", limit=20)
    with pytest.raises(DatasetError, match="split 'validation' .* has 1 NaN"):
        data.numpy("validation")


@pytest.mark.parametrize("memory_limit", [1 << 30, 0])
def test_labels_out_of_range(memory_limit, table, monkeypatch):
    """As in records that TFDS did not write."""
    table.memory_limit = memory_limit
    monkeypatch.setattr(table, "_inputs", dataclasses.replace(table._inputs, num_classes=2))
    message = "has 30 labels outside 0 to 1, in label; the first is in row 2;"
    with pytest.raises(DatasetError, match=message):
        table.batches("train", 10)


def test_grey_levels_out_of_range(digits, monkeypatch):
    bright = (digits.numpy("test") > 15).any(axis=(1, 2, 3))
    digits._memory.clear()
    monkeypatch.setattr(digits, "_grey", 16)
    message = f"has {bright.sum()} images with grey levels above 15, in image; the first is in row "
    message += f"{bright.argmax()};"
    with pytest.raises(DatasetError, match=message):
        digits.numpy("test")


def test_rows_are_counted_over_blocks():
    inputs = SimpleNamespace(is_image=False, names=("a", "b"), label="c", num_classes=3)
    good, bad = np.zeros((4, 2), "float32"), np.full((2, 2), np.nan, "float32")
    fault = checks.fault(inputs, None, [(good,), (bad,), (bad,)])
    assert fault == "8 NaN or infinite values, in a, b; the first is in row 4"
    labels = np.array([0, 2, -1, 3])
    fault = checks.fault(inputs, None, [(good, labels)])
    assert fault == "2 labels outside 0 to 2, in c; the first is in row 2"
    assert checks.fault(inputs, None, [(good, labels[:1])]) is None


@pytest.mark.parametrize("memory_limit", [1 << 30, 0])
def test_damaged_files(memory_limit, data_dir, tmp_path):
    folder = shutil.copytree(data_dir / "zoo_table", tmp_path / "zoo_table")
    (file,) = folder.rglob("*.tfrecord*")
    file.write_bytes(file.read_bytes()[:-500])
    data = datasets.load("zoo_table", tmp_path)
    data.memory_limit = memory_limit
    with pytest.raises(DatasetError, match="'zoo_table' cannot be read from") as error:
        data.batches("train", 10)
        data.batches("validation", 10)
    assert "\n" not in str(error.value)


def test_what_is_held_in_memory_is_not_tuned(table):
    """TensorFlow may wait for its tuner at the end of a pass."""
    assert table.batches("train", 40).options().autotune.enabled is False
    table.memory_limit = 30 * 20
    assert table.batches("train", 40).options().autotune.enabled is not False
