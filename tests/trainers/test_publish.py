"""From a finished run to an entry of a zoo."""

import json
import shutil

import numpy as np
import pytest

import zoo
from trainers import datasets, evaluate, explore, publish
from trainers.reports import baselines, cards
from trainers.runs import flagfiles
from zoo.saving import entries


def run(*argv):
    publish.main(flagfiles.new_options(publish.define_flags, argv))


@pytest.fixture
def few_fits(monkeypatch):
    monkeypatch.setattr(baselines, "_FLOORS", (0.1,))


@pytest.mark.slow
def test_an_entry_from_digits(digits_run, tmp_path, few_fits, monkeypatch):
    root = tmp_path / "zoo"
    run(f"--model_dir={digits_run}", "--name=tiny-digits", f"--zoo_dir={root}", "--noise_draws=2")
    folder = root / "tiny-digits"
    assert {p.name for p in folder.iterdir()} == {
        *("model.keras", "manifest.json", "saved_model", "samples.png", "README.md"),
        "training.png",
        *(f"{name}.png" for name in explore.PICTURES),
        "explore.json",
    }
    monkeypatch.setenv("FLOW_ZOO_DIR", str(root))
    flow = zoo.load("tiny-digits")
    record = next(model for model in zoo.list_models() if model.name == "tiny-digits")
    assert record.dataset == "digits" and record.bits_per_dim[0] > 1

    card = (folder / "README.md").read_text()
    for text in (
        *("# tiny-digits", "`zoo.MAF`", "one of 10 classes", "--class_conditional", "17 levels"),
        *("1 full-covariance Gaussian |", "10 full-covariance Gaussians |", "1,297 train"),
        *("## Pictures", "![label 0 towards 1, strengths -1, -0.5, 0, 0.5, 1](attribute.png)"),
        *("round-trip error on natural_patches/32x32", "cut or framed in black", "all 300 test"),
        *("## Limits", "best on the validation split", "context=3", f"{flow.count_params():,}"),
        f"{record.bits_per_dim[0]:.4f} ± {record.bits_per_dim[1]:.4f}",
    ):
        assert text in card
    # What the card tells to type runs, also on samples that leave the range of the levels.
    exec(card.partition("```python\n")[2].partition("```")[0], used := {})
    assert used["x"].shape == (16, 8, 8, 1)
    for text in ("--data_dir", "--model_dir", "--tensorboard", "--notensorboard", str(tmp_path)):
        assert text not in card
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {"model.keras", "samples.png"} < set(manifest["files"])
    exported = zoo.load_exported(folder / "saved_model")
    x = np.full((2, 8, 8, 1), 3.5, np.float32)
    np.testing.assert_allclose(exported.log_prob(x), flow.log_prob(x), rtol=1e-5)


def test_an_entry_is_not_replaced_unless_told(toy_run, tmp_path, monkeypatch):
    # Export, figures and pictures have their own tests, and take longest.
    figure = {"mean": 1.25, "error": 0.5}
    figures = {"nats": figure, "bits_per_dim": figure, "kl": figure, "examples": 250, "draws": 1}
    figures |= {"outside": {}, "lipschitz": None, "evaluations": None, "deviation": None}
    figures |= {"split": "test", "noise": None}
    figures["round_trip"] = {"data": 1e-6, "noise": np.inf, "examples": 250}
    monkeypatch.setattr(evaluate, "evaluate", lambda *args, **kwargs: dict(figures))
    monkeypatch.setattr(evaluate, "draw", lambda path, *args: path.touch())
    monkeypatch.setattr(zoo, "export", lambda flow, folder: folder.mkdir() or folder)
    root = tmp_path / "zoo"
    argv = (f"--model_dir={toy_run}", "--name=toy", f"--zoo_dir={root}")
    run(*argv)
    card = (root / "toy" / "README.md").read_text()
    assert "KL(true density" in card and "Baselines" not in card and "bits per" not in card
    assert "uniform noise, data units | inf |" in card and "CPU cores" in card
    assert "temperature 1, log-determinants exact;" in card and "Lipschitz" not in card
    manifest = json.loads((root / "toy" / "manifest.json").read_text())
    assert "Infinity" not in json.dumps(manifest)
    assert "drawn from a density that is known" in card
    # Cards alone: from the manifests, with what is noted.
    (root / "toy" / "README.md").write_text("edited")
    run("--cards", f"--zoo_dir={root}")
    assert (root / "toy" / "README.md").read_text() == card
    run("--cards", "--name=toy", "--note=First.", "--note=Second.", f"--zoo_dir={root}")
    assert "\n\nFirst.\n\nSecond.\n\n" in (root / "toy" / "README.md").read_text()
    assert zoo.load(root / "toy").metadata["notes"] == ["First.", "Second."]
    (root / "toy" / "saved_model").rmdir()
    run("--exports", f"--zoo_dir={root}")
    assert (root / "toy" / "saved_model").is_dir()
    with pytest.raises(ValueError, match="--note is for the entry that --name says"):
        run("--cards", "--note=First.", f"--zoo_dir={root}")
    with pytest.raises(ValueError, match="already holds something"):
        run(*argv)

    def broken(*args, **kwargs):
        raise ValueError("the disk is full")

    (root / "toy" / "mark").touch()
    with monkeypatch.context() as patch, pytest.raises(ValueError, match="the disk is full"):
        patch.setattr(zoo, "export", broken)
        run(*argv, "--overwrite")
    assert (root / "toy" / "mark").exists()
    assert sorted(p.name for p in root.iterdir()) == ["index.json", "toy"]
    run(*argv, "--overwrite")
    assert not (root / "toy" / "mark").exists()


def test_a_card_tells_estimates_from_exact_figures():
    """Of densities that are estimated or integrated, and of branches that must contract."""
    figure = {"mean": 1.25, "error": 0.5}
    told = {"nats": figure, "kl": None, "examples": 250, "draws": 1, "outside": {}}
    told["round_trip"] = {"data": 1e-6, "noise": 1e-6, "examples": 250}
    result = {"epochs": 1, "best_epoch": 1, "training_seconds": 3.0, "recipe": "--model=x"}
    given = {"dataset": "toy2d/two_moons", "data": {"train": 10, "validation": 1, "test": 1}}
    given |= {"training": result, "baselines": []}
    given["metrics"] = {"nats": figure, "bits_per_dim": figure}

    def card(flow, **figures):
        facts = {"estimates": flow.estimates, "series_terms": flow.series_terms}
        metadata = given | {"evaluation": told | facts | figures}
        model = entries.describe(flow)
        return cards.card("x", {"model": model, "metadata": metadata, "files": {}})

    branches = {"largest": 0.98765, "branches": {"0 a": 0.5, "1 b": 0.98765}, "examples": 250}
    residual = zoo.ResidualFlow((12,), num_layers=2, hidden_units=(8,))
    spread = {"nats": 0.1234, "draws": 10, "examples": 250}
    text = card(residual, lipschitz=branches, deviation=spread)
    assert "| standard deviation of one estimated log-density, nats | 0.123 |" in text
    assert "log-determinants estimated from random probes, new ones each batch;" in text
    cut = zoo.IResNet((12,), num_layers=2, hidden_units=(8,), levels=4)
    text = card(cut, lipschitz=branches, bits_per_dim=figure)
    assert "each batch, by power series that are cut off after 20 terms;" in text
    assert "an upper bound, but for what the series leave out." in text
    assert "| Lipschitz constant, largest of 2 residual branches | 0.9877 |" in text
    counts = {"mean": 31.25, "largest": 50, "examples": 250}
    # The trace of so wide a flow is estimated in training, and only there.
    text = card(zoo.ContinuousFlow((20,), hidden_units=(8,)), lipschitz=None, evaluations=counts)
    assert "log-determinants integrated by a solver, divergences exact;" in text
    assert "| evaluations of the dynamics an event, mean | 31.2 |" in text


def test_what_is_no_finished_run_is_refused(toy_run, tmp_path):
    with pytest.raises(ValueError, match="no finished run .* it has no flags.txt"):
        run(f"--model_dir={tmp_path}", "--name=x")
    shutil.copytree(toy_run, tmp_path / "run")
    (tmp_path / "run" / "result.json").unlink()
    with pytest.raises(ValueError, match="it has no result.json"):
        run(f"--model_dir={tmp_path / 'run'}", "--name=x")
    with pytest.raises(ValueError, match="--name must be small letters"):
        run(f"--model_dir={toy_run}", "--name=../x")
    (tmp_path / "run" / "result.json").write_text('{"model"')
    with pytest.raises(ValueError, match="result.json cannot be read"):
        run(f"--model_dir={tmp_path / 'run'}", "--name=x", f"--zoo_dir={tmp_path}")


def test_baselines_know_what_they_fit(prepared, few_fits, monkeypatch):
    data = datasets.load("digits", prepared)
    figure, bits = baselines.fit_and_measure(data, 1, draws=3)
    assert bits.shape == (300,) and figure["components"] == 1 and figure["floor"] == 0.1
    # By hand: a Gaussian with the moments of x + u has an expected log-density in closed form.
    train = data.numpy("train").reshape(-1, 64).astype(float)
    covariance = np.cov(train, rowvar=False) + np.eye(64) * (1 / 12 + 0.1)
    test = data.numpy("test").reshape(-1, 64) - train.mean(axis=0)
    quadratic = np.einsum("ni,ij,nj->n", test, np.linalg.inv(covariance), test).mean()
    quadratic += np.trace(np.linalg.inv(covariance)) / 12  # the noise
    nats = 0.5 * (quadratic + 64 * np.log(2 * np.pi) + np.linalg.slogdet(covariance)[1])
    assert figure["bits_per_dim"]["mean"] == pytest.approx(nats / 64 / np.log(2), abs=0.02)
