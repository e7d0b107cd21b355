"""A table of one's own through all programs."""

import json

import numpy as np
import pandas as pd
import pytest

import zoo
from tests.helpers import raises_one_line
from trainers import evaluate, publish, sample, score, showing, train
from trainers.runs import arguments, entries, flagfiles

from .conftest import QUIET, TINY

COLUMNS = ["height", "income", "share"]


def run(program, *argv):
    return program.main(flagfiles.new_options(program.define_flags, argv))


@pytest.fixture(scope="module")
def csv(tmp_path_factory):
    """A file with a column of each kind."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"height": rng.normal(170, 10, 500), "income": rng.lognormal(10, 1, 500)})
    frame["share"] = 1 / (1 + np.exp(-rng.normal(size=500)))
    frame["city"] = rng.choice(["Oslo", "Rome"], 500)
    path = tmp_path_factory.mktemp("own") / "people.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def own_run(csv, tmp_path_factory):
    """A finished run of one epoch on it. Not to be written to."""
    folder = tmp_path_factory.mktemp("runs") / "own"
    argv = [*TINY, f"--dataset=csv:{csv}", "--label=city", "--class_conditional", "--epochs=1"]
    argv += ["--bounds=income=log,share=0..1", f"--model_dir={folder}", "--noise_draws=1"]
    options = flagfiles.new_options(train.define_flags, argv)
    arguments.check_training(options)
    train.train(options)
    return folder


def test_the_run_keeps_what_was_chosen(own_run, csv, capsys):
    about = entries.about_data(str(own_run))
    assert about["columns"] == COLUMNS and about["classes"] == ["Oslo", "Rome"]
    assert about["bounds"] == {"income": "log", "share": [0.0, 1.0]}
    assert about["splits"] == {"fractions": [0.8, 0.1, 0.1], "seed": 0}
    # Without any choice told again: those of the run.
    run(evaluate, f"--model={own_run}", f"--dataset=csv:{csv}", "--round_trip_examples=10")
    said = capsys.readouterr().out
    result = json.loads((own_run / "result.json").read_text())
    assert "split: 400 train, 50 validation, 50 test rows" in said
    assert f"nats given label {result['nats_given_label']['mean']:.4f}" in " ".join(said.split())
    run(showing, f"--model={own_run}")
    assert '"csv:' in capsys.readouterr().out


def test_samples_are_a_table_in_its_units(own_run, tmp_path):
    path = tmp_path / "samples.csv"
    run(sample, f"--model={own_run}", "--num=50", "--seed=0", f"--output={path}")
    frame = pd.read_csv(path)
    assert list(frame) == [*COLUMNS, "city"] and set(frame["city"]) == {"Oslo", "Rome"}
    assert 100 < frame["height"].mean() < 240 and frame["income"].min() > 0
    assert frame["share"].between(0, 1).all()
    path = tmp_path / "samples.parquet"
    run(sample, f"--model={own_run}", "--num=3", "--context=Rome", f"--output={path}")
    assert list(pd.read_parquet(path)["city"]) == ["Rome"] * 3


def test_rows_are_scored_beside_themselves(own_run, csv, tmp_path, capsys):
    frame = pd.read_csv(csv).head(6)
    frame.loc[2, "height"], frame.loc[4, "share"] = np.nan, 1.5
    frame.to_csv(tmp_path / "new.csv", index=False)
    argv = [f"--model={own_run}", f"--input={tmp_path / 'new.csv'}", "--given_label"]
    run(score, *argv, f"--output={tmp_path / 'a.csv'}", "--what=log_prob,bits,latents")
    found = pd.read_csv(tmp_path / "a.csv")
    assert list(found) == [*frame, "log_prob", "bits_per_dim", "z0", "z1", "z2"]
    assert list(found["log_prob"].isna()) == [False, False, True, False, True, False]
    assert "2 rows lack a value" in capsys.readouterr().out
    good = found.dropna()
    x, labels = good[COLUMNS].to_numpy("float32"), (good["city"] == "Rome").to_numpy("int32")
    flow = zoo.load(own_run)
    np.testing.assert_allclose(good["log_prob"], flow.log_prob(x, labels), rtol=1e-5)
    np.testing.assert_allclose(good["bits_per_dim"], -good["log_prob"] / (3 * np.log(2)), rtol=1e-6)
    np.testing.assert_allclose(good[["z0", "z1", "z2"]], flow.encode(x, labels), atol=1e-4)
    np.save(tmp_path / "x.npy", x)
    run(score, argv[0], f"--input={tmp_path / 'x.npy'}", f"--output={tmp_path / 'b.csv'}")
    found = pd.read_csv(tmp_path / "b.csv")
    np.testing.assert_allclose(found["log_prob"], flow.log_prob(x), rtol=1e-5)


def test_a_row_without_a_label_has_no_score_given_it(own_run, csv, tmp_path):
    frame = pd.read_csv(csv).head(3)
    frame.loc[1, "city"] = np.nan
    frame.to_csv(tmp_path / "new.csv", index=False)
    argv = [f"--model={own_run}", "--given_label", f"--output={tmp_path / 'a.csv'}"]
    run(score, *argv, f"--input={tmp_path / 'new.csv'}")
    assert list(pd.read_csv(tmp_path / "a.csv")["log_prob"].isna()) == [False, True, False]
    frame[COLUMNS].to_csv(tmp_path / "new.csv", index=False)
    with raises_one_line("--input", "has no column 'city'"):
        run(score, *argv, f"--input={tmp_path / 'new.csv'}")


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_table_is_written_whole_and_never_over_its_input(tmp_path, monkeypatch, name):
    path = tmp_path / name
    score.tables.write(path, pd.DataFrame({"x": [1.0]}))
    before = path.read_bytes()
    with raises_one_line("--output", "the file of --input"):
        run(score, "--model=maf-two_moons", f"--input={path}", f"--output={path}")

    def cut(part, frame):
        part.write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(score.tables, "write", cut)
    for write in (
        lambda: sample.write(path, np.zeros((2, 2))),
        lambda: score.write(path, None, {"log_prob": np.zeros(2)}),
    ):
        with pytest.raises(OSError, match="disk full"):
            write()
        assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_training_goes_on_with_the_columns_and_splits_it_began_with(csv, tmp_path):
    def trained(name, *argv):
        argv = [*QUIET, "--batch_size=100", "--epochs=1", f"--model_dir={tmp_path / name}", *argv]
        options = flagfiles.new_options(train.define_flags, argv)
        arguments.check_training(options)
        train.train(options)
        return entries.about_data(str(tmp_path / name))

    first = trained(
        "first", *TINY, f"--dataset=csv:{csv}", "--split_seed=3", "--columns=income,height"
    )
    other = tmp_path / "other.csv"
    pd.read_csv(csv)[["share", "height", "city", "income"]].to_csv(other, index=False)
    again = trained("again", f"--init_from={tmp_path / 'first'}", f"--dataset=csv:{other}")
    assert again == first and again["columns"] == ["income", "height"]
    assert again["splits"]["seed"] == 3


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--what="], "--what is missing"),
        (["--what=prob"], "--what must be of log_prob, bits, latents; got 'prob'"),
        (["--output=a.txt"], "--output must end in .csv, .parquet or .npz"),
        (["--input=a.doc"], "--input must end in .csv, .parquet, .npy or .npz"),
        (["--input=missing.csv"], "missing.csv cannot be read"),
        (["--model=maf-digts"], "did you mean 'maf-digits'?"),
    ],
)
def test_what_score_refuses_at_once(own_run, csv, tmp_path, monkeypatch, argv, words):
    monkeypatch.setattr(score.common, "start_tensorflow", lambda: pytest.fail("too late"))
    given = [f"--model={own_run}", f"--input={csv}", f"--output={tmp_path / 'a.csv'}", *argv]
    with pytest.raises(ValueError) as caught:
        run(score, *given)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.slow
def test_the_entry_s_card_tells_of_its_data(own_run, tmp_path):
    run(publish, f"--model_dir={own_run}", "--name=people", f"--zoo_dir={tmp_path}")
    card = (tmp_path / "people" / "README.md").read_text()
    assert "- columns: height, income in (0, inf) by its logarithm, share in (0, 1)" in card
    assert "- split: 400 train, 50 validation, 50 test rows, drawn with seed 0" in card
    assert entries.about_data(str(tmp_path / "people"))["columns"] == COLUMNS


def test_from_a_dataframe(csv):
    from trainers import datasets

    bounds = {"income": "log", "share": (0, 1)}
    data = datasets.from_dataframe(pd.read_csv(csv), label="city", bounds=bounds)
    flow = zoo.MAF(
        data.event_shape,
        bounds=data.bounds,
        standardize=data.standardize,
        num_layers=1,
        hidden_units=(4,),
        jit_compile=False,
    )
    flow.adapt(data.numpy("train"))
    assert np.isfinite(flow.log_prob(data.numpy("test"))).all()
    frame = data.frame(flow.sample(20, seed=0))
    assert list(frame) == COLUMNS and frame["share"].between(0, 1).all()
