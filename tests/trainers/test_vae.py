"""A VAE through all programs: flags, training, figures, samples, export, an entry and its card."""

import json

import numpy as np
import pytest

import zoo
from trainers import datasets, evaluate, explore, export, publish, sample, score, train
from trainers.reports import baselines
from trainers.runs import families, flagfiles, metrics

from .conftest import PLAIN, QUIET

IAF = '--posterior={"model": "iaf", "num_layers": 1, "hidden_units": [8], "jit_compile": false}'
TINY = ("--model=vae", "--latent=3", "--hidden_units=16", "--dataset=digits", *QUIET)
ONE_EPOCH = ("--epochs=1", "--noise_draws=2", "--batch_size=100", "--binarize=dynamic")
SAMPLES = '--model_args={"jit_compile": false, "samples": 8}'


def options_of(*argv):
    return flagfiles.new_options(train.define_flags, [*TINY, *argv])


@pytest.fixture(scope="module")
def run(prepared, tmp_path_factory):
    """The folder of a finished run of one epoch."""
    folder = tmp_path_factory.mktemp("runs") / "vae"
    where = (f"--data_dir={prepared}", f"--model_dir={folder}")
    train.train(options_of(*ONE_EPOCH, IAF, SAMPLES, "--kl_warmup_steps=5", *where))
    return folder


@pytest.fixture(scope="module")
def data(prepared):
    return datasets.load("digits", prepared, binarize="dynamic")


@pytest.mark.parametrize(
    ("flags", "posterior", "prior"),
    [
        (("--posterior=diagonal",), zoo.Flow, None),
        (("--posterior=planar",), zoo.Planar, None),
        (('--posterior={"model": "sylvester", "num_layers": 1}',), zoo.Sylvester, None),
        ((IAF, '--base={"model": "maf", "num_layers": 1}'), zoo.IAF, zoo.MAF),
    ],
)
def test_flags_make_posterior_and_prior(flags, posterior, prior, data):
    vae = families.build(options_of(PLAIN, "--free_bits=0.1", *flags), data)
    assert type(vae) is zoo.VAE and type(vae.posterior) is posterior
    assert prior is None or type(vae.prior) is prior
    assert (vae.event_shape, vae.levels, vae.latent_shape) == ((8, 8, 1), 2, (3,))
    assert vae.posterior.context_shape == (16,) and vae.free_bits == 0.1
    if posterior is zoo.IAF:
        assert vae.posterior.base.conditional
    if posterior is zoo.Planar:
        assert vae.posterior.get_config()["fast"] == "sample"


def test_grey_levels_and_convolutions(prepared):
    grey = datasets.load("digits", prepared)
    vae = families.build(options_of(PLAIN, "--width=2", "--posterior=diagonal"), grey)
    assert vae.levels == 17 and vae.observed.num_params == 2 and not vae.uses_xla
    assert np.isfinite(vae.elbo(grey.numpy("test", limit=2), seed=0)).all()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--posterior=mafia"], "--posterior must be one of .*maf, n"),
        (['--posterior={"model": "iaf", "x": 1}'], "--posterior iaf has no argument 'x'"),
        (["--likelihood=bernoulli"], "is of 2 levels, got levels=17"),
        (["--num_layers=3"], "vae has no argument 'num_layers'; it takes activation"),
    ],
)
def test_wrong_flags_are_told(argv, message, prepared):
    with pytest.raises(ValueError, match=message):
        families.build(options_of(PLAIN, *argv), datasets.load("digits", prepared))


def test_a_run_ends_with_both_bounds(run, data):
    result, vae = json.loads((run / "result.json").read_text()), zoo.load(run)
    assert result["model"] == "vae" and result["importance_samples"] == 8
    assert result["noise"] is None and result["draws"] == 2
    assert result["elbo"]["mean"] < result["nats"]["mean"] < 0
    x = data.numpy("test")
    again = metrics.mean_and_error(vae.importance_bound(x, 8, seed=0))
    assert abs(again["mean"] - result["nats"]["mean"]) < again["error"]
    line = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
    assert {"loss", "val_loss", "val_nats", "val_bits_per_dim"} < set(line) and "nats" not in line


def test_training_goes_on_from_it(run, prepared, tmp_path):
    where = (f"--data_dir={prepared}", f"--model_dir={tmp_path / 'further'}")
    argv = ["--dataset=digits", *QUIET, *ONE_EPOCH, f"--init_from={run}", "--jit=false", *where]
    result = train.train(flagfiles.new_options(train.define_flags, argv))
    assert result["elbo"]["mean"] > json.loads((run / "result.json").read_text())["elbo"]["mean"]
    with pytest.raises(ValueError, match="keeps its prior: omit --base"):
        train.train(flagfiles.new_options(train.define_flags, [*argv, "--base=logistic"]))


def test_evaluate_and_explore(run, data, prepared, tmp_path):
    vae = zoo.load(run)
    result = {"model": "vae", "dataset": "digits"} | evaluate.evaluate(vae, data, draws=2)
    assert result["round_trip"] is None and result["deviation"]["nats"] > 0
    report = evaluate.report(result)
    assert "evidence lower bound" in report and "8 importance samples" in report
    with pytest.raises(ValueError, match="--outside is for flows"):
        evaluate.foreign(vae, ["digits"])
    args = flagfiles.new_options(explore.define_flags, [f"--output_dir={tmp_path}"])
    with pytest.raises(ValueError, match="for flows, whose encoding is exact"):
        explore.Explorer(vae, data, args)


def test_latents_of_rows(run, data, tmp_path):
    np.save(tmp_path / "x.npy", x := data.numpy("test", limit=3))
    argv = [f"--model={run}", f"--input={tmp_path / 'x.npy'}", "--what=latents"]
    score.main(flagfiles.new_options(score.define_flags, [*argv, f"--output={tmp_path / 'z.npz'}"]))
    found = np.load(tmp_path / "z.npz")
    np.testing.assert_allclose(
        np.stack([found[f"z{i}"] for i in range(3)], 1), zoo.load(run).encode(x), atol=1e-5
    )


def test_sample_and_export(run, tmp_path):
    argv = [f"--model={run}", "--num=5", f"--output={tmp_path / 'x.npy'}", "--seed=0"]
    sample.main(flagfiles.new_options(sample.define_flags, argv))
    drawn = np.load(tmp_path / "x.npy")
    assert drawn.shape == (5, 8, 8, 1) and set(np.unique(drawn)) <= {0, 1}
    argv = [f"--model={run}", f"--export_dir={tmp_path / 'saved'}"]
    export.main(flagfiles.new_options(export.define_flags, argv))
    exported = zoo.load_exported(tmp_path / "saved")
    floats = drawn.astype("float32")
    np.testing.assert_allclose(
        exported.log_prob(floats), zoo.load(run).log_prob(drawn, seed=0), rtol=1e-5
    )


@pytest.mark.slow
def test_an_entry_and_its_card(run, prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(baselines, "_FLOORS", (0.1,))
    argv = [f"--model_dir={run}", "--name=vae_iaf-digits", f"--zoo_dir={tmp_path}"]
    argv += [f"--data_dir={prepared}", "--noise_draws=2"]
    publish.main(flagfiles.new_options(publish.define_flags, argv))
    folder = tmp_path / "vae_iaf-digits"
    card = (folder / "README.md").read_text()
    for text in (
        *("`zoo.VAE`", "importance-weighted bound of 8 latents", "evidence lower bound"),
        *("binarized", "drawn once from a fixed seed", "anew at each pass", "D = 64"),
        *("--binarize=dynamic", "`log_prob` of the SavedModel is the bound"),
    ):
        assert text in card
    assert "round-trip" not in card and "The flow adds" not in card
    monkeypatch.setenv("FLOW_ZOO_DIR", str(tmp_path))
    exec(card.partition("```python\n")[2].partition("```")[0], used := {})
    assert used["x"].shape == (16, 8, 8, 1)
