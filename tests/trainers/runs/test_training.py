"""Training runs: what they leave, how they go on, how they end."""

import json
import math
import shutil
import signal
import socket
import subprocess
import time
from types import SimpleNamespace

import numpy as np
import pytest

import zoo
from trainers import datasets, train
from trainers.runs import callbacks, checkpoints, flagfiles, folders, metrics, training

from ..conftest import LONGER, TINY


def losses(folder):
    return [
        (line["epoch"], line["step"], line["loss"], line["val_loss"])
        for line in folders.read_metrics(folder)
    ]


def test_what_a_run_leaves(whole_run, prepared):
    names = {p.name for p in whole_run.iterdir()}
    assert names == {
        *("flags.txt", "metrics.jsonl", "result.json", "checkpoints"),
        *("model.keras", "manifest.json"),
    }
    kept = sorted(p.name for p in (whole_run / "checkpoints").iterdir())
    assert kept == ["best.npz", "epoch-00003.npz", "epoch-00004.npz"]
    lines = folders.read_metrics(whole_run)
    assert [(line["epoch"], line["step"]) for line in lines] == [(1, 10), (2, 20), (3, 30), (4, 40)]
    assert lines[-1]["val_loss"] < lines[0]["val_loss"]
    assert 0 < lines[0]["seconds"] < lines[-1]["seconds"]
    assert lines[0]["val_bits_per_dim"] == pytest.approx(lines[0]["val_loss"] / 2 / np.log(2))

    result = json.loads((whole_run / "result.json").read_text())
    flow = zoo.load(whole_run)
    data = datasets.load("two_moons", prepared)
    figure = metrics.test_figure(flow, data)
    assert result["nats"]["mean"] == pytest.approx(figure["nats"]["mean"], rel=1e-5)
    assert result["parameters"] == flow.count_params() and result["examples"] == 250
    assert result["epochs"] == 4 and result["training_seconds"] > 0
    best = min(lines, key=lambda line: line["val_loss"])
    assert result["best_epoch"] == best["epoch"]
    validation = -np.mean(flow.log_prob(data.numpy("validation")))
    assert validation == pytest.approx(best["val_loss"], rel=1e-4)
    manifest = json.loads((whole_run / "manifest.json").read_text())
    assert manifest["metadata"]["metrics"]["nats"] == result["nats"]


def test_the_saved_flags_repeat_the_run_and_timing_its_input_changes_nothing(
    whole_run, tmp_path, monkeypatch, capsys
):
    result = json.loads((whole_run / "result.json").read_text())
    assert 0 < result["input_ms_per_step"] < 1000
    assert result["step_ms"] == pytest.approx(1000 * result["training_seconds"] / 40, abs=2)
    monkeypatch.setattr(training.datasets, "milliseconds_a_batch", lambda batches: 7.0)
    argv = [f"--flagfile={whole_run / 'flags.txt'}", f"--model_dir={tmp_path / 'again'}"]
    again = train.train(flagfiles.new_options(train.define_flags, argv))
    assert again["input_ms_per_step"] == 7.0
    assert "input: 7.00 ms a step" in capsys.readouterr().out
    assert losses(tmp_path / "again") == losses(whole_run)


# What is done at the signal, and from where training goes on, is tested in test_interruptions.py.
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_process_that_is_ended_goes_on_as_if_nothing_had_happened(
    whole_run, prepared, program, train_flow, tmp_path, number
):
    folder = tmp_path / "ended"
    argv = [*TINY, *LONGER, "--dataset=two_moons", f"--data_dir={prepared}"]
    argv += [f"--model_dir={folder}", "--epochs=100000"]
    process = program("train", *argv, start=subprocess.Popen)
    deadline = time.monotonic() + 200
    while not len(list((folder / "checkpoints").glob("epoch-*.npz"))) >= 2:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    said = process.communicate()[1]
    assert not (folder / "result.json").exists()
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    if number != signal.SIGKILL:
        assert said.count("\n") == 1 and "the same command continues" in said

    done, batch = next(iter(checkpoints.Checkpoints(folder / "checkpoints").paths()))
    epochs = max(done + bool(batch), 4)
    result = train_flow(folder, *LONGER, f"--epochs={epochs}")
    assert result["epochs"] == epochs
    lines = losses(folder)
    assert [line[0] for line in lines] == list(range(1, epochs + 1))
    # The same weights, noise, order of the examples and average of the weights.
    np.testing.assert_allclose(lines[:4], losses(whole_run), rtol=1e-5)


def test_a_finished_run_is_only_measured_again(whole_run, train_flow, tmp_path):
    folder = shutil.copytree(whole_run, tmp_path / "copy")
    before = (folder / "metrics.jsonl").read_text()
    first = json.loads((folder / "result.json").read_text())
    assert train_flow(folder, *LONGER) == first
    assert (folder / "metrics.jsonl").read_text() == before


def test_patience_ends_a_run_for_good(train_flow, tmp_path):
    argv = ("--learning_rate=0", "--patience=2", "--epochs=50")
    assert train_flow(tmp_path / "run", *argv)["epochs"] == 3
    again = train_flow(tmp_path / "run", *argv)
    assert (again["epochs"], again["best_epoch"]) == (3, 1)


def test_other_flags_on_the_same_folder_are_named(whole_run, train_flow):
    with pytest.raises(ValueError) as caught:
        train_flow(whole_run, *LONGER, "--num_layers=3", "--learning_rate=1")
    text = str(caught.value)
    assert "--learning_rate=1.0 (was 0.01), --num_layers=3 (was 1)" in text and "\n" not in text


def test_training_that_blows_up_at_once_says_so(train_flow, tmp_path):
    with pytest.raises(ValueError) as caught:
        argv = ("--optimizer=sgd", "--learning_rate=1e30", "--checkpoint_minutes=1e-9")
        train_flow(tmp_path / "run", *argv)
    text = str(caught.value)
    assert "training stopped: the loss became" in text and "of epoch 1)" in text
    assert "No epoch was completed" in text
    assert not (tmp_path / "run" / "model.keras").exists()
    assert not list((tmp_path / "run").glob("checkpoints/*"))
    # So the folder is free for other flags.
    options = flagfiles.new_options(train.define_flags, ["--model=maf", "--learning_rate=1e-3"])
    folders.Run(tmp_path / "run", options).close()


def test_weights_that_are_not_finite_are_not_saved(train_flow, tmp_path, monkeypatch):
    """Though the loss of the step before them was."""
    last = callbacks.StopWhenNotFinite.on_train_batch_end

    def poison(self, batch, logs=None):
        last(self, batch, logs)
        if batch == 9:
            variable = self.model.trainable_variables[0]
            variable.assign(np.full(variable.shape, np.inf))

    monkeypatch.setattr(callbacks.StopWhenNotFinite, "on_train_batch_end", poison)
    with pytest.raises(ValueError, match="weights became NaN or infinite .* at step 10 ") as caught:
        train_flow(tmp_path / "run", "--epochs=1")
    assert "No epoch was completed" in str(caught.value)
    assert not list((tmp_path / "run").rglob("*.npz"))


def test_training_that_turns_nan_keeps_the_last_good_weights(
    train_flow, tmp_path, monkeypatch, whole_run
):
    save = callbacks.SaveCheckpoints.on_epoch_end

    def poison(self, epoch, logs=None):
        save(self, epoch, logs)
        if epoch == 1:
            variable = self.model.trainable_variables[0]
            variable.assign(np.full(variable.shape, np.nan))

    monkeypatch.setattr(callbacks.SaveCheckpoints, "on_epoch_end", poison)
    with pytest.raises(ValueError) as caught:
        train_flow(tmp_path / "run", *LONGER)
    text = str(caught.value)
    assert "nan at step 21 (step 1 of epoch 3)" in text
    best = min(folders.read_metrics(whole_run)[:2], key=lambda line: line["val_loss"])["epoch"]
    assert f"of epoch {best}, are in" in text and "model.keras" in text
    flow = zoo.load(tmp_path / "run")
    assert np.isfinite(flow.log_prob(np.zeros((3, 2), "float32"))).all()
    assert [line[:2] for line in losses(tmp_path / "run")] == [(1, 10), (2, 20)]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--batch_size=1001"], "--batch_size must lie between 1 .* and 1000"),
        (["--dataset=digitz"], "unknown dataset 'digitz' .did you mean 'digits'.*two_moons"),
        (["--model=mafia"], "--model must be one of .*maf, naf, nice"),
        (["--class_conditional"], "needs labels, and toy2d/two_moons has none"),
        (["--flips"], "flips"),
    ],
)
def test_wrong_input_leaves_no_folder(train_flow, tmp_path, argv, message):
    with pytest.raises(ValueError, match=message):
        train_flow(tmp_path / "run", *argv)
    assert not list(tmp_path.glob("run/checkpoints")) and not list(tmp_path.glob("run/model*"))


@pytest.mark.slow
def test_several_steps_a_call_train_the_same_flow(whole_run, train_flow, tmp_path):
    train_flow(tmp_path / "run", *LONGER, "--steps_per_execution=5")
    np.testing.assert_allclose(losses(tmp_path / "run"), losses(whole_run), rtol=1e-5)


def test_several_steps_a_call_divide_an_epoch(train_flow, tmp_path):
    with pytest.raises(ValueError, match="must divide the 10 steps of an epoch, got 3"):
        train_flow(tmp_path / "run", *LONGER, "--steps_per_execution=3")


def test_the_last_epoch_is_validated_too_and_pictures_are_drawn(train_flow, tmp_path):
    folder = tmp_path / "run"
    more = ("--validation_interval=2", "--picture_interval=2", "--tensorboard")
    result = train_flow(folder, "--epochs=3", *more)
    lines = folders.read_metrics(folder)
    assert [line["epoch"] for line in lines if "val_loss" in line] == [2, 3]
    assert result["best_epoch"] in (2, 3)
    short = SimpleNamespace(flags=SimpleNamespace(epochs=1, validation_interval=50))
    assert training._Trainer.validated(short) == [1]
    assert [p.name for p in (folder / "pictures").iterdir()] == ["epoch-00002.png"]
    written = {p.parent.name for p in (folder / "tensorboard").rglob("events*")}
    assert written == {"train", "validation", "pictures"}


@pytest.mark.parametrize("kind", [zoo.NotConverged, datasets.DatasetError])
def test_weights_are_kept_where_the_test_figure_cannot_be_taken(
    train_flow, tmp_path, monkeypatch, kind
):
    def fail(*args, **kwargs):
        raise kind("2 of 250 events.")

    with monkeypatch.context() as patch:
        patch.setattr(metrics, "test_figure", fail)
        with pytest.raises(ValueError, match="no test figure: 2 of 250.*model.keras"):
            train_flow(tmp_path / "run", "--epochs=1")
    assert zoo.load(tmp_path / "run").count_params() > 0
    assert not (tmp_path / "run" / "result.json").exists()
    assert math.isfinite(train_flow(tmp_path / "run", "--epochs=1")["nats"]["mean"])


@pytest.mark.parametrize("splits", ["0,0.5,0.5", "1,0,0"])
def test_a_split_that_training_comes_to_need_is_asked_for_before_it(train_flow, tmp_path, splits):
    rows = np.random.default_rng(0).normal(size=(50, 2))
    np.savez(tmp_path / "a.npz", x=rows)
    data = f"--dataset=npz:{tmp_path / 'a.npz'}"
    with pytest.raises(ValueError, match="npz:a.npz has no example for '(train|validation)'"):
        train_flow(tmp_path / "run", data, f"--splits={splits}")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_mirrored_on_two_devices_trains_the_same_flow(whole_run, prepared, program, tmp_path):
    folder = tmp_path / "mirrored"
    argv = [*TINY, *LONGER, "--dataset=two_moons", f"--data_dir={prepared}"]
    done = program(
        "train", *argv, f"--model_dir={folder}", "--strategy=mirrored", "--num_devices=2"
    )
    assert done.returncode == 0, done.stderr
    mirrored, single = losses(folder), losses(whole_run)
    assert [line[:2] for line in mirrored] == [line[:2] for line in single]
    # Another order of the examples, the same flow: shares of a batch add up to the whole gradient.
    assert mirrored[-1][3] == pytest.approx(single[-1][3], abs=0.1)
    assert zoo.load(folder).count_params() == zoo.load(whole_run).count_params()


@pytest.mark.slow
def test_two_workers_train_one_flow_and_the_chief_writes(whole_run, prepared, program, tmp_path):
    folder = tmp_path / "workers"
    argv = [*TINY, *LONGER, "--dataset=two_moons", f"--data_dir={prepared}"]
    argv += [f"--model_dir={folder}", "--strategy=multi_worker_mirrored"]
    workers = [f"localhost:{port}" for port in _free_ports(2)]
    processes = [
        program(
            "train",
            *argv,
            start=subprocess.Popen,
            TF_CONFIG=json.dumps(
                {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
            ),
        )
        for index in range(2)
    ]
    outputs = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert "test split" in outputs[0][0] and outputs[1][0] == ""
    assert [line[:2] for line in losses(folder)] == [line[:2] for line in losses(whole_run)]
    assert losses(folder)[-1][3] == pytest.approx(losses(whole_run)[-1][3], abs=0.1)


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def test_a_run_ends_in_the_midst_of_an_epoch_and_goes_on(train_flow, whole_run, tmp_path):
    folder = tmp_path / "short"
    result = train_flow(folder, *LONGER, "--max_steps=13")
    lines = folders.read_metrics(folder)
    assert [(line["epoch"], line["step"]) for line in lines] == [(1, 10), (2, 13)]
    assert "val_loss" in lines[-1] and (folder / "model.keras").is_file()
    names = [path.name for path in (folder / "checkpoints").glob("epoch*")]
    assert "epoch-00001-batch-0000003.npz" in names and result["epochs"] == 2
    again = train_flow(folder, *LONGER, "--max_steps=13")  # nothing is left to be done
    assert again["nats"] == result["nats"] and len(folders.read_metrics(folder)) == 2
    train_flow(folder, *LONGER)
    assert losses(folder) == losses(whole_run)


def test_a_run_ends_after_its_minutes(train_flow, tmp_path):
    result = train_flow(tmp_path / "run", "--epochs=50", "--max_minutes=0.0001")
    assert result["epochs"] == 1 and folders.read_metrics(tmp_path / "run")[0]["step"] == 1
