"""The evaluation of a finished flow."""

import json

import numpy as np
import pytest
from PIL import Image

import zoo
from trainers import datasets, evaluate
from trainers.runs import flagfiles


def run(*argv):
    evaluate.main(flagfiles.new_options(evaluate.define_flags, argv))


def test_a_flow_in_the_plane(toy_run, prepared, tmp_path, capsys):
    run(
        f"--model={toy_run}",
        "--dataset=two_moons",
        f"--data_dir={prepared}",
        f"--output_dir={tmp_path / 'out'}",
    )
    said = capsys.readouterr().out
    result = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    trained = json.loads((toy_run / "result.json").read_text())
    assert result["nats"]["mean"] == pytest.approx(trained["nats"]["mean"], rel=1e-5)
    assert result["kl"]["mean"] > 0 and result["kl"]["error"] > 0
    assert result["round_trip"]["data"] < 1e-3 and result["round_trip"]["examples"] == 250
    for text in ("KL(true density || flow)", "round trip on noise", "nats", "250, 1"):
        assert text in said
    assert Image.open(tmp_path / "out" / "samples.png").size == (1200, 400)


def test_a_class_conditional_flow_of_images(digits_run, prepared, tmp_path, capsys):
    run(
        f"--model={digits_run / 'model.keras'}",
        *("--dataset=digits", f"--data_dir={prepared}", "--noise_draws=2"),
        *("--outside=digits,natural_patches/8x8", "--round_trip_examples=30"),
        f"--output_dir={tmp_path}",
    )
    result = json.loads((tmp_path / "evaluation.json").read_text())
    assert (result["examples"], result["draws"], result["split"]) == (300, 2, "test")
    assert result["kl"] is None and result["nats_given_label"]["mean"] < 0
    assert result["round_trip"]["examples"] == 30
    assert np.asarray(Image.open(tmp_path / "samples.png")).ndim == 3
    said = capsys.readouterr().out
    assert "bits per dim given label" in said and "round trip on natural_patches/8x8" in said
    figures = result["outside"]
    assert figures["digits"]["likelier_than_test"] == pytest.approx(0.5, abs=0.05)
    # Photographs have no black border: such pixels are far from all that the flow has seen.
    assert figures["natural_patches/8x8"]["likelier_than_test"] < 0.1
    assert figures["natural_patches/8x8"]["examples"] == 30
    assert all(figure["round_trip"] < 1e-2 for figure in figures.values())


def test_residual_branches_are_reported(prepared):
    flow = zoo.IResNet((2,), num_layers=1, hidden_units=(8,), seed=0, jit_compile=False)
    data = datasets.load("two_moons", prepared)
    result = {"model": "flow", "dataset": "two_moons"}
    result |= evaluate.evaluate(flow, data, round_trip_examples=20)
    assert "Lipschitz constant, largest of 1 branches" in evaluate.report(result)
    assert result["evaluations"] is None and "dynamics" not in evaluate.report(result)
    assert result["deviation"] is None and "estimated" not in evaluate.report(result)
    result["deviation"] = {"nats": 1.2345, "draws": 10, "examples": 20}
    assert "standard deviation of one estimated log-density, nats" in evaluate.report(result)


def test_the_work_of_a_solver_is_reported(prepared):
    equal_steps = {"solver": "rk4", "num_steps": 2, "hidden_units": (8,), "num_layers": 1}
    flow = zoo.ContinuousFlow((2,), seed=0, jit_compile=False, **equal_steps)
    data = datasets.load("two_moons", prepared)
    result = {"model": "flow", "dataset": "two_moons"}
    result |= evaluate.evaluate(flow, data, round_trip_examples=20)
    (line,) = [r for r in evaluate.report(result).splitlines() if "of the dynamics" in r]
    assert line.split()[-2:] == ["8.0,", "8"]


def test_without_an_output_folder_nothing_is_written(toy_run, prepared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    taken = {}
    monkeypatch.setattr(evaluate, "evaluate", lambda *args, **kwargs: taken.update(kwargs) or {})
    monkeypatch.setattr(evaluate, "report", lambda result: "")
    before = sorted(p.name for p in toy_run.iterdir())
    argv = (f"--data_dir={prepared}", "--split=validation", "--noise_draws=3")
    run(f"--model={toy_run}", "--dataset=two_moons", *argv)
    assert (taken["split"], taken["draws"]) == ("validation", 3)
    assert list(tmp_path.iterdir()) == []
    assert sorted(p.name for p in toy_run.iterdir()) == before


def test_other_data_are_refused(toy_run, prepared):
    with pytest.raises(ValueError, match="but digits has"):
        evaluate.evaluate(zoo.load(toy_run), datasets.load("digits", prepared))
    with pytest.raises(ValueError, match="no-such"):
        run("--model=no-such", "--dataset=two_moons")


def test_other_data_are_for_flows_of_images(toy_run, prepared):
    with pytest.raises(ValueError, match="--outside is for flows of images with levels"):
        run(
            *(f"--model={toy_run}", "--dataset=two_moons", f"--data_dir={prepared}"),
            "--outside=digits",
        )
