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
        kept.save(epoch, [np.float32(epoch)], {"seconds": 10.0 * epoch})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["epoch-00010.npz", "epoch-00011.npz"]
    assert kept.latest()[1] == {"epoch": 11, "batch": 0, "seconds": 110.0}
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


def test_within_an_epoch_is_after_its_beginning_and_before_its_end(tmp_path):
    kept = checkpoints.Checkpoints(tmp_path)
    for epoch, batch in ((9, 0), (9, 5), (9, 40), (10, 0)):
        kept.save(epoch, [np.float32(epoch)], {"seconds": 1.0}, batch)
        assert kept.latest()[1] == {"epoch": epoch, "batch": batch, "seconds": 1.0}
    assert list(kept.paths()) == [(10, 0), (9, 40)]


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_what_is_not_finite_is_neither_written_nor_read(tmp_path, monkeypatch, bad):
    spoiled = [np.ones(3), np.array([0.0, bad], "float32")]
    kept = checkpoints.Checkpoints(tmp_path)
    kept.save(1, ARRAYS, {"seconds": 1.0})
    with pytest.raises(checkpoints.NotFinite, match=r"shape \(2,\) has NaN or infinite"):
        kept.save(2, spoiled, {"seconds": 2.0})
    assert list(kept.paths()) == [(1, 0)]
    with monkeypatch.context() as patch:  # as versions before this one
        patch.setattr(checkpoints, "_require_finite", lambda arrays: None)
        kept.save(2, spoiled, {"seconds": 2.0})
    said = []
    assert kept.latest(said.append)[1]["epoch"] == 1
    assert "epoch-00002.npz" in said[0] and "falling back" in said[0]


@pytest.mark.parametrize(
    "meta",
    [
        {"seconds": 1.0},
        {"epoch": "7", "seconds": 1.0},
        {"epoch": -7, "seconds": 1.0},
        {"epoch": 6, "seconds": 1.0},
        {"epoch": 7, "batch": 3, "seconds": 1.0},
        {"epoch": 7, "seconds": float("nan")},
        {"epoch": 7, "seconds": "long"},
    ],
)
def test_a_checkpoint_that_says_nonsense_of_itself_is_passed_over(tmp_path, meta):
    kept = checkpoints.Checkpoints(tmp_path)
    kept.save(6, ARRAYS, {"seconds": 1.0})
    checkpoints.write(tmp_path / "epoch-00007.npz", ARRAYS, meta)
    said = []
    assert kept.latest(said.append)[1]["epoch"] == 6 and len(said) == 1
    checkpoints.write(tmp_path / "epoch-00007.npz", ARRAYS, {"epoch": 7, "seconds": 1.0})
    assert kept.latest()[1]["epoch"] == 7  # as versions before this one


def test_no_flipped_bit_gives_anything_but_the_same_or_a_broken_checkpoint(tmp_path):
    """Of a third of the bytes; most are zip's own structure."""
    path = tmp_path / "a.npz"
    checkpoints.write(path, ARRAYS, {"epoch": 3})
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    broken = 0
    for at in range(0, len(whole), 3):
        content = bytearray(whole)
        content[at] ^= 1 << rng.integers(8)
        path.write_bytes(content)
        try:
            arrays, meta = checkpoints.read(path)
        except checkpoints.BrokenCheckpoint as error:
            assert "\n" not in str(error)
            broken += 1
        else:
            assert meta == {"epoch": 3}
            for a, b in zip(arrays, ARRAYS, strict=True):
                np.testing.assert_array_equal(a, b)
    assert broken > len(whole) / 6


def test_missing_arrays_are_another_model_or_damage(tmp_path):
    kept = checkpoints.Checkpoints(tmp_path)
    kept.save(1, ARRAYS, {"seconds": 1.0})
    kept.save(2, ARRAYS[:-1], {"seconds": 1.0})

    def fits(arrays, meta):
        if len(arrays) != len(ARRAYS):
            raise ValueError("2 arrays do not fit")

    said = []
    assert kept.latest(said.append, fits)[1]["epoch"] == 1 and "do not fit" in said[0]
