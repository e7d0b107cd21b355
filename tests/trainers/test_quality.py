"""How good samples are: the classifier, its distance, and what an entry keeps of them."""

import json
import shutil

import numpy as np
import pytest

import zoo
from trainers import datasets, quality
from trainers.reports import classifier
from trainers.runs import flagfiles
from zoo.saving import entries


@pytest.fixture(scope="module")
def digits(prepared):
    return datasets.load("digits", prepared)


@pytest.fixture(scope="module")
def model(digits):
    """A classifier of digits, trained for a fifth of its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(classifier, "_STEPS", 300)
        return classifier.train(digits)


@pytest.fixture(scope="module")
def judge(digits, model):
    return quality.Judge(digits, model, samples=200)


class Images:
    """A flow of real images, lighter or darker by the temperature; class-conditional if told."""

    def __init__(self, data, conditional):
        self.x, self.y = data.numpy("validation", labels=True)
        self.event_shape, self.levels = data.event_shape, data.levels
        self.num_classes = data.num_classes if conditional else None
        self.context_shape = () if conditional else None
        self.context_asked = []

    def sample(self, n, context=None, seed=0, temperature=1.0):
        rng = np.random.default_rng(seed)
        if context is None:
            chosen = rng.integers(len(self.x), size=n)
        else:
            chosen = [rng.choice(np.flatnonzero(self.y == label)) for label in context]
        return self.x[chosen] * temperature + 0.5

    def to_levels(self, x):
        return np.clip(np.floor(x), 0, self.levels - 1).astype("uint8")


def test_the_distance_is_that_of_gaussians():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5000, 3))
    x -= x.mean(axis=0)
    assert classifier.frechet(x, x) == pytest.approx(0, abs=1e-9)
    assert classifier.frechet(x, x + [1, 0, -2]) == pytest.approx(5, abs=1e-9)
    # Of N(0, 1) and N(0, s²): (s - 1)² a dimension.
    assert classifier.frechet(x, 3 * x) == pytest.approx(4 * x.var(axis=0, ddof=1).sum(), rel=1e-6)
    # Rank-deficient features, as of a unit that never fires, are no trouble.
    flat = np.concatenate([x, np.zeros((5000, 1))], axis=1)
    assert classifier.frechet(flat, flat + [0, 0, 0, 1]) == pytest.approx(1, abs=1e-6)


def test_the_classifier_knows_digits(judge, digits, model):
    assert judge.accuracy > 0.9
    x = digits.numpy("test", limit=3)
    features, guessed = classifier.look(model, x)
    assert features.shape == (3, classifier.FEATURES) and guessed.shape == (3,)


def test_a_classifier_needs_labels(prepared):
    with pytest.raises(ValueError, match="must be one of images with labels"):
        classifier.train(datasets.load("two_moons", prepared))


@pytest.mark.parametrize("conditional", [False, True])
def test_the_best_temperature_is_that_of_the_data(judge, digits, conditional):
    found = judge.measure(Images(digits, conditional), [0.5, 1.0, 1.5])
    assert found["temperature"] == 1 and np.argmin(found["validation"]) == 1
    assert found["frechet"]["recommended"] == found["frechet"]["1"] < 3 * found["floor"]
    if conditional:
        assert found["accuracy"]["1"] > 0.9
    else:
        assert found["accuracy"] is None
    # Darker images lie further off.
    assert min(found["validation"][::2]) > 3 * found["validation"][1]


class Guided(Images):
    """One that shows its class the surer, the more it is guided."""

    label_dropout = 0.1

    def sample(self, n, context=None, seed=0, temperature=1.0, guidance=0.0):
        wrong = np.random.default_rng(seed).uniform(size=n) > guidance
        return super().sample(n, np.where(wrong, (context + 1) % 10, context), seed, temperature)


def test_guidance_is_measured_where_it_was_learned(judge, digits):
    half, whole = judge.measure(Guided(digits, True), [1.0], [0.5, 1.0])["guided"]
    assert half["weight"] == 0.5 and 0.4 < half["accuracy"] < 0.6
    assert whole["accuracy"] > 0.9 and whole["frechet"] < 3 * judge.floor
    assert judge.measure(Images(digits, True), [1.0], [1.0])["guided"] == []


def test_noise_is_far_from_digits(judge):
    noise = np.random.default_rng(0).integers(17, size=(200, 8, 8, 1))
    assert judge._frechet(judge._see(noise)[0], judge.features["test"]) > 5 * judge.floor


def test_an_entry_keeps_its_quality(prepared, model, tmp_path):
    root = tmp_path / "zoo"
    flow = zoo.NICE((8, 8, 1), levels=17, num_layers=2, hidden_units=(8,), jit_compile=False)
    figure = {"mean": 3.0, "error": 0.1}
    evaluation = {"nats": figure, "bits_per_dim": figure, "kl": None, "examples": 300, "draws": 1}
    evaluation |= {"estimates": False, "series_terms": None}
    evaluation["round_trip"] = {"data": 1e-6, "noise": 1e-6, "examples": 300}
    training = {"recipe": "--model=nice", "epochs": 1, "best_epoch": 1, "training_seconds": 1.0}
    metadata = {"dataset": "digits", "data": {"train": 1297, "validation": 200, "test": 300}}
    metadata |= {"metrics": {"bits_per_dim": figure, "nats": figure}, "evaluation": evaluation}
    zoo.save(flow, root / "nice-x", metadata | {"training": training, "baselines": []})
    entries.update_index(root)
    model.save(tmp_path / "judge.keras")
    argv = ["--dataset=digits", f"--data_dir={prepared}", f"--zoo_dir={root}", "--samples=60"]
    argv += ["--temperatures=.5", f"--classifier={tmp_path / 'judge.keras'}"]
    quality.main(flagfiles.new_options(quality.define_flags, argv))
    found = zoo.load(root / "nice-x").metadata["quality"]
    assert found["tried"] == [0.5, 1.0] and found["samples"] == 60
    card = (root / "nice-x" / "README.md").read_text()
    assert f"samples at temperature {found['temperature']:g}, the first ones of seed 0." in card
    assert f"| {found['frechet']['recommended']:.2f} | {found['frechet']['1']:.2f} |" in card
    manifest = json.loads((root / "nice-x" / "manifest.json").read_text())
    assert set(manifest["files"]) == {"model.keras", "samples.png"}
    table = quality.tables(root)
    assert "### digits\n\n60 samples each" in table and "[nice-x](" in table
    shutil.copytree(root / "nice-x", root / "nice-y")
    found["floor"] += 1.0
    entries.seal(root / "nice-y", {"quality": found})
    with pytest.raises(ValueError, match="of digits were not measured alike"):
        quality.tables(root)
    with pytest.raises(ValueError, match="has no entry other"):
        quality.main(flagfiles.new_options(quality.define_flags, [*argv, "--models=other"]))


@pytest.mark.parametrize("flag", ["--temperatures=0", "--temperatures=cool", "--guidance=-1"])
def test_flags_are_checked(flag):
    argv = ["--dataset=digits", flag]
    with pytest.raises(ValueError, match="must be numbers above 0"):
        quality.main(flagfiles.new_options(quality.define_flags, argv))
