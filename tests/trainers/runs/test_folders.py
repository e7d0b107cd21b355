"""The folder of a run."""

import json
import math

import numpy as np
import pytest

from trainers import train
from trainers.runs import flagfiles, folders


def open_run(folder, *argv, **kwargs):
    options = flagfiles.new_options(train.define_flags, ["--model=maf", *argv])
    return folders.Run(folder, options, **kwargs)


def test_flags_are_saved_and_compared(tmp_path):
    open_run(tmp_path / "run", "--num_layers=3", "--epochs=2")
    open_run(tmp_path / "run", "--num_layers=3", "--epochs=5")
    assert "--epochs=5" in (tmp_path / "run" / "flags.txt").read_text().splitlines()
    with pytest.raises(ValueError) as caught:
        open_run(tmp_path / "run", "--num_layers=4", "--seed=1")
    assert "--num_layers=4 (was 3), --seed=1 (was 0);" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(ValueError, match="holds something that is no training run"):
        open_run(tmp_path)
    with pytest.raises(ValueError, match="is a file"):
        open_run(tmp_path / "thesis.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_who_does_not_write_leaves_no_trace(tmp_path):
    run = open_run(tmp_path / "run", writes=False)
    run.save_best([np.zeros(1)], {"epoch": 1, "loss": 0.0})
    run.start_over_at(0)
    assert not (tmp_path / "run").exists()


def test_metrics_after_the_checkpoint_and_lines_cut_short_are_dropped(tmp_path):
    run = open_run(tmp_path)
    for epoch in (1, 2, 3):
        run.log({"epoch": epoch, "loss": 0.5})
    with open(tmp_path / "metrics.jsonl", "a") as file:
        file.write('{"epoch": 4, "lo')
    assert [line["epoch"] for line in folders.read_metrics(tmp_path)] == [1, 2, 3]
    run.start_over_at(2)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]


def test_best_weights(tmp_path):
    run = open_run(tmp_path)
    assert run.load_best() == (None, {"epoch": 0, "loss": math.inf})
    run.save_best([np.ones(2)], {"epoch": 4, "loss": 1.5})
    arrays, meta = run.load_best()
    np.testing.assert_array_equal(arrays[0], np.ones(2))
    assert meta == {"epoch": 4, "loss": 1.5}
    path = tmp_path / "checkpoints" / "best.npz"
    path.write_bytes(path.read_bytes()[:-9])
    said = []
    assert run.load_best(said.append)[0] is None and "best.npz is truncated" in said[0]
