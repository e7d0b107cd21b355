"""Signals, and training that goes on from within an epoch."""

import os
import signal
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from trainers import train
from trainers.runs import checkpoints, common, flagfiles, interruptions, training

from ..conftest import LONGER, TINY


class At(keras.callbacks.Callback):
    """Does something at a step of the whole training."""

    def __init__(self, step, act):
        super().__init__()
        self._step, self._act = step, act

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations) == self._step:
            self._act()


@pytest.fixture(scope="module")
def start(prepared):
    """A function that trains in this process, and does something at a step."""

    def run(folder, *argv, at=0, act=None):
        flags = (*TINY, *LONGER, "--dataset=two_moons", f"--data_dir={prepared}")
        options = flagfiles.new_options(
            train.define_flags, [*flags, f"--model_dir={folder}", *argv]
        )
        return training.train(options, [At(at, act)])

    return run


def last(folder):
    arrays, meta = checkpoints.Checkpoints(folder / "checkpoints").latest()
    return arrays, meta["epoch"], meta["batch"], meta["step"]


def assert_equal(folder, whole):
    """Bit for bit: weights, average, optimizer, random state; the best; every line but its time."""
    ours, theirs = last(folder), last(whole)
    assert ours[1:] == theirs[1:] == (4, 0, 40)
    best = [checkpoints.read(f / "checkpoints" / "best.npz") for f in (folder, whole)]
    assert best[0][1] == best[1][1]
    for one, other in ((ours[0], theirs[0]), (best[0][0], best[1][0])):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    lines = [
        [line | {"seconds": 0} for line in training.folders.read_metrics(f)]
        for f in (folder, whole)
    ]
    assert lines[0] == lines[1]


@pytest.mark.parametrize(
    ("number", "at", "where", "place"),
    [
        (signal.SIGTERM, 34, "after 4 of 10 steps of epoch 4", (3, 4, 34)),
        (signal.SIGINT, 20, "after epoch 2", (2, 0, 20)),
    ],
)
def test_a_signal_finishes_the_step_saves_and_says_so(
    start, whole_run, tmp_path, number, at, where, place
):
    folder = tmp_path / "run"
    handlers = [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)]
    with pytest.raises(interruptions.Interrupted, match=where) as caught:
        start(folder, at=at, act=lambda: os.kill(os.getpid(), number))
    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == handlers
    said = str(caught.value)
    assert said.startswith(signal.Signals(number).name) and "the same command continues" in said
    assert caught.value.number == number and last(folder)[1:] == place
    assert not (folder / "result.json").exists()
    if place[1]:
        start(folder)
        assert_equal(folder, whole_run)


def test_a_killed_run_goes_on_from_its_last_checkpoint_within_an_epoch(
    start, whole_run, tmp_path, capsys
):
    def kill():
        raise RuntimeError("killed")

    folder = tmp_path / "run"
    with pytest.raises(RuntimeError, match="killed"):
        start(folder, "--checkpoint_minutes=1e-9", at=17, act=kill)
    assert last(folder)[1:] == (1, 6, 16)
    newest = folder / "checkpoints" / "epoch-00001-batch-0000006.npz"
    newest.write_bytes(newest.read_bytes()[:1000])
    with pytest.raises(ValueError, match="--steps_per_execution must divide the 5 steps"):
        start(folder, "--steps_per_execution=2")
    capsys.readouterr()
    start(folder, "--checkpoint_minutes=0")
    said = capsys.readouterr().out
    assert "batch-0000006.npz is truncated or altered" in said and "falling back" in said
    assert "after epoch 1, 5 of 10 steps into the next" in said
    assert_equal(folder, whole_run)
    kept = sorted(p.name for p in (folder / "checkpoints").iterdir())
    assert kept == ["best.npz", "epoch-00003.npz", "epoch-00004.npz"]


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (interruptions.Interrupted(15, "SIGTERM: saved"), 143, "error: SIGTERM: saved"),
        (interruptions.Interrupted(2, "SIGINT: saved"), 130, "error: SIGINT: saved"),
        (KeyboardInterrupt(), 130, "error: interrupted"),
    ],
)
def test_the_exit_status_is_that_of_the_signal(capsys, error, status, text):
    def main(options):
        raise error

    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as caught:
            common.guarded(main, SimpleNamespace(debug=False))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert caught.value.code == status and capsys.readouterr().err == f"{text}\n"


def test_a_second_signal_is_not_held_back():
    before = signal.signal(signal.SIGTERM, interruptions.interrupt)
    try:
        with pytest.raises(interruptions.Interrupted), interruptions.signals_noted() as noted:
            os.kill(os.getpid(), signal.SIGTERM)
            assert noted == [signal.SIGTERM]
            os.kill(os.getpid(), signal.SIGTERM)
            raise AssertionError("the second signal was held back")
    finally:
        signal.signal(signal.SIGTERM, before)
