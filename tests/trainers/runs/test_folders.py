"""The folder of a run."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest

from trainers import train
from trainers.runs import flagfiles, folders
from zoo.saving import storage

from ..conftest import ROOT


def open_run(folder, *argv, **kwargs):
    options = flagfiles.new_options(train.define_flags, ["--model=maf", *argv])
    return folders.Run(folder, options, **kwargs)


def test_flags_are_saved_and_compared(tmp_path):
    open_run(tmp_path / "run", "--num_layers=3", "--epochs=2")
    run = open_run(tmp_path / "run", "--num_layers=3", "--epochs=5")
    run.checkpoints.save(1, [np.ones(2)], {"seconds": 1.0})
    run.close()
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
        run.log({"epoch": epoch, "step": 10 * epoch, "seconds": 0.5})
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


def test_a_folder_without_a_checkpoint_may_be_started_over(tmp_path):
    """That of a start that was refused, or diverged in its first epoch."""
    folder = tmp_path / "run"
    with open_run(folder, "--num_layers=3") as run:
        run.log({"epoch": 1, "step": 10, "seconds": 0.5})
        run.save_best([np.ones(2)], {"epoch": 1, "loss": 1.5})
    with open_run(folder, "--num_layers=4", "--learning_rate=1") as run:
        run.start_over_at(0)
        assert run.load_best()[0] is None and folders.read_metrics(folder) == []
    assert "--num_layers=4" in (folder / "flags.txt").read_text().splitlines()
    (folder / "flags.txt").write_bytes(b"\xff\x00 cut")
    open_run(folder, "--num_layers=5").close()
    (folder / "model.keras").touch()  # finished, and its checkpoints removed
    with pytest.raises(ValueError, match="a run with other flags: --num_layers=4"):
        open_run(folder, "--num_layers=4")
    (folder / "flags.txt").write_bytes(b"\xff\x00 cut")
    with pytest.raises(ValueError, match="flags.txt cannot be read"):
        open_run(folder, "--num_layers=5")


def test_two_starts_on_one_folder(tmp_path):
    with open_run(tmp_path / "run"):
        with pytest.raises(ValueError, match="another process trains there"):
            open_run(tmp_path / "run")
        open_run(tmp_path / "run", writes=False)  # a worker of the same training
    open_run(tmp_path / "run").close()


def test_a_lock_dies_with_its_process(tmp_path):
    code = "import os, sys; from trainers.runs import files; files.locked(sys.argv[1]); "
    code += "print('locked', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:
        assert process.stdout.readline() == b"locked\n"
        with pytest.raises(ValueError, match="another process trains there"):
            open_run(tmp_path)
        process.kill()
    open_run(tmp_path).close()


def test_leftovers_of_killed_writes_are_removed(tmp_path):
    folder = tmp_path / "run"
    open_run(folder).close()
    for name in ("checkpoints/.part-7-best.npz", "pictures/.part-8-x.png", ".part-9-result.json"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("half")
    (folder / ".notes").touch()
    with storage.staging_beside(folder) as staging:  # what zoo.save works in
        beside = [staging, tmp_path / ".runs.0123abcd", tmp_path / ".run.mine"]
        for path in beside:
            path.mkdir(exist_ok=True)
            (path / "model.keras").touch()
        open_run(folder).close()
        assert [path.exists() for path in beside] == [False, True, True]
    assert {p.name for p in folder.rglob("*") if p.is_file()} == {"flags.txt", ".notes"}


@pytest.mark.parametrize("text", ["5", "[]", '{"step": 1}', '{"epoch": "1"}', "\x00", "[" * 10**5])
def test_a_line_that_is_no_record_is_told_unless_it_is_the_last(tmp_path, text):
    good = '{"epoch": 1, "step": 1, "seconds": 0.5}'
    path = tmp_path / "metrics.jsonl"
    path.write_text(f"{good}\n{text}")
    assert len(folders.read_metrics(tmp_path)) == 1
    path.write_text(f"{good}\n{text}\n{good}\n")
    with pytest.raises(ValueError, match="metrics.jsonl cannot be read: line 2") as caught:
        folders.read_metrics(tmp_path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff", b'{"dataset": null}'])
def test_a_result_that_cannot_be_read_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "result.json").write_bytes(content)
    with pytest.raises(ValueError, match="result.json cannot be read: ") as caught:
        folders.read_result(tmp_path)
    assert "\n" not in str(caught.value)
