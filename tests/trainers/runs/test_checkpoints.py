"""Checkpoints: whole, truncated, altered."""

import numpy as np
import pytest

from trainers.runs import checkpoints

ARRAYS = [np.arange(6.0).reshape(2, 3), np.int64(7), np.array([1, 2], np.uint32)]


def test_a_checkpoint_gives_back_what_was_written(tmp_path):
    path = tmp_path / "a.npz"
    checkpoints.write(path, ARRAYS, {"epoch": 3, "loss": 0.5})
    arrays, meta = checkpoints.read(path)
    assert meta == {"epoch": 3, "loss": 0.5} and len(arrays) == 3
    for a, b in zip(arrays, ARRAYS, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == np.asarray(b).dtype


def damage(path, kind):
    content = bytearray(path.read_bytes())
    if kind == "truncated":
        content = content[: len(content) // 2]
    elif kind == "altered":  # one bit of a number
        at = bytes(content).index(np.float64(4.0).tobytes())
        content[at] ^= 1
    elif kind == "empty":
        content = b""
    path.write_bytes(content)


@pytest.mark.parametrize("kind", ["truncated", "altered", "empty"])
def test_damage_is_noticed(tmp_path, kind):
    path = tmp_path / "a.npz"
    checkpoints.write(path, ARRAYS, {})
    damage(path, kind)
    with pytest.raises(checkpoints.BrokenCheckpoint, match="a.npz is truncated or altered"):
        checkpoints.read(path)


def test_two_are_kept_and_the_last_whole_one_is_read(tmp_path):
    kept = checkpoints.Checkpoints(tmp_path)
    assert kept.latest() == (None, None)
    for epoch in (9, 10, 11):
        kept.save(epoch, [np.float32(epoch)], {"step": 10 * epoch})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["epoch-00010.npz", "epoch-00011.npz"]
    assert kept.latest()[1] == {"epoch": 11, "step": 110}
    damage(tmp_path / "epoch-00011.npz", "truncated")
    said = []
    arrays, meta = kept.latest(said.append)
    assert arrays[0] == 10 and meta["epoch"] == 10
    assert len(said) == 1 and "epoch-00011.npz is truncated or altered" in said[0]
    damage(tmp_path / "epoch-00010.npz", "empty")
    assert kept.latest(said.append) == (None, None)


def test_a_write_that_fails_leaves_the_old_one(tmp_path):
    path = tmp_path / "a.npz"
    checkpoints.write(path, ARRAYS, {"epoch": 1})
    with pytest.raises(TypeError):
        checkpoints.write(path, ARRAYS, {"epoch": object()})
    assert checkpoints.read(path)[1] == {"epoch": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]
