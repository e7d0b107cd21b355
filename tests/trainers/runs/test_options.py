"""Data flags: every program that loads data hands them on."""

import pytest

import zoo
from trainers import datasets, evaluate, publish
from trainers.runs import common, flagfiles, folders, options, results

from ..conftest import TINY

SMALLER = ("--image_size=6,6", "--resize=4", "--levels=17", "--label=label")


@pytest.fixture(scope="module")
def small_run(tmp_path_factory):
    """The folder of a run on digits cropped and resized to 4 x 4, as far as it is read here."""
    folder = tmp_path_factory.mktemp("runs") / "small"
    argv = [*TINY, "--dataset=digits", "--class_conditional", *SMALLER]
    folders.Run(folder, flagfiles.new_options(options.train_flags, argv)).close()
    flow = zoo.MAF((4, 4, 1), levels=17, num_classes=10, num_layers=1, hidden_units=(8,))
    zoo.save(flow, folder, overwrite=True)
    figures = dict.fromkeys(("parameters", "epochs", "best_epoch", "examples", "draws"), 1)
    figures |= {"dataset": "digits", "training_seconds": 1.0}
    figures |= dict.fromkeys(("nats", "bits_per_dim"), {"mean": 1.0, "error": 0.1})
    common.write_json(folder / "result.json", figures)
    return folder


def test_nothing_is_asked_for_by_default(prepared):
    fv = flagfiles.new_options(options.data_flags, ["--dataset=digits"])
    assert set(options.data_arguments(fv).values()) == {None}
    arguments = options.data_arguments(fv) | {"data_dir": prepared}
    assert datasets.load("digits", **arguments).event_shape == (8, 8, 1)


def test_flags_become_arguments(prepared):
    fv = flagfiles.new_options(options.data_flags, [*SMALLER, f"--data_dir={prepared}"])
    data = datasets.load("digits", **options.data_arguments(fv))
    assert (data.event_shape, data.levels) == ((4, 4, 1), 17)


def test_a_run_remembers_them_and_evaluate_takes_them(small_run, prepared, monkeypatch):
    assert "--image_size=6,6" in (small_run / "flags.txt").read_text().splitlines()
    argv = [f"--model={small_run}", "--dataset=digits", f"--data_dir={prepared}"]
    argv += ["--noise_draws=1", "--round_trip_examples=5"]

    def stop(flow, data, **kwargs):
        assert data.event_shape == flow.event_shape == (4, 4, 1)
        raise ValueError("far enough")

    with monkeypatch.context() as patch, pytest.raises(ValueError, match="far enough"):
        patch.setattr(evaluate, "evaluate", stop)
        evaluate.main(flagfiles.new_options(evaluate.define_flags, [*argv, *SMALLER]))
    with pytest.raises(ValueError, match=r"shape \(4, 4, 1\), but digits has \(8, 8, 1\)"):
        evaluate.main(flagfiles.new_options(evaluate.define_flags, argv))


def test_publish_takes_those_of_the_run(small_run, prepared, tmp_path, monkeypatch):
    taken = []

    def stop(run, folder, result, data, *args):
        taken.append(data)
        raise ValueError("far enough")

    monkeypatch.setattr(publish, "publish", stop)
    argv = [f"--model_dir={small_run}", "--name=small", f"--zoo_dir={tmp_path}"]
    for more in ([], [f"--data_dir={prepared}"]):
        with pytest.raises(ValueError, match="far enough"):
            publish.main(flagfiles.new_options(publish.define_flags, [*argv, *more]))
    assert [data.event_shape for data in taken] == [(4, 4, 1)] * 2
    recipe = results.recipe(small_run).splitlines()
    assert "--resize=4" in recipe and not any("data_dir" in line for line in recipe)
