"""Reading splits in blocks, by our own parser and by TFDS's."""

import numpy as np
import pytest

from trainers.datasets import reading


def parts(dataset):
    return dataset.builder, dataset._inputs


def test_both_readers_see_the_same(table, monkeypatch):
    fast = reading.read(*parts(table), "train[90%:]")
    assert reading._plain_spec(*parts(table))
    monkeypatch.setattr(reading, "_plain_spec", lambda *args: None)
    slow = reading.read(*parts(table), "train[90%:]")
    for one, other in zip(fast, slow, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


def test_contents(table):
    x, labels = reading.read(*parts(table), "train")
    rows = np.arange(100)
    expected = np.stack([-rows, 10 * rows, rows + 0.5, rows], axis=1)
    np.testing.assert_array_equal(x, expected.astype(np.float32))
    np.testing.assert_array_equal(labels, rows % 3)
    assert x.dtype == np.float32 and labels.dtype == np.int32


def test_packed_records_are_left_to_tfds(packed):
    assert reading._plain_spec(*parts(packed)) is None
    (x,) = reading.read(*parts(packed), "test")
    np.testing.assert_array_equal(x, np.repeat(np.arange(20.0), 3).reshape(20, 3))


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_limit(table, digits, limit):
    for dataset, count in ((table, 100), (digits, 1297)):
        x, labels = reading.read(*parts(dataset), "train", limit)
        assert len(x) == len(labels) == min(limit, count)


def test_small_blocks(table, monkeypatch):
    monkeypatch.setattr(reading, "BLOCK_BYTES", 7 * reading.example_bytes(table._inputs))
    sizes = [len(block[0]) for block in reading.blocks(*parts(table), "train")]
    assert sizes == [7] * 14 + [2]


def test_example_bytes(table, digits):
    assert reading.example_bytes(table._inputs) == 4 * 4 + 4
    assert reading.example_bytes(digits._inputs) == 64 + 4
