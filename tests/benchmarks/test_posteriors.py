"""The table of posteriors, from runs that are finished."""

import json

import pytest

from benchmarks import posteriors
from trainers.runs import flagfiles, options

FIGURE = {"mean": -90.123, "error": 0.456}
RESULT = {
    "parameters": 12345,
    "elbo": FIGURE,
    "nats": FIGURE | {"mean": -88.0},
    "training_seconds": 120.0,
    "examples": 10000,
    "importance_samples": 128,
}


def args_of(root, *argv):
    given = [f"--model_dir={root}", *argv]
    return flagfiles.new_options(posteriors.define_flags, given)


def fake(root, name, *more):
    """A finished run, as far as the table looks."""
    argv = posteriors.options_of(name, root, args_of(root, *more))
    lines = [f"--{flag}={posteriors.shown(argv[flag].value)}" for flag in posteriors.SAME]
    (root / name).mkdir(parents=True)
    lines = [line for line in lines if not line.endswith("=None")]
    (root / name / "flags.txt").write_text("\n".join(["--model=vae", *lines]) + "\n")
    (root / name / "result.json").write_text(json.dumps(RESULT))


def test_rows_share_all_but_posterior_and_prior(tmp_path):
    rows = {n: posteriors.options_of(n, tmp_path, args_of(tmp_path)) for n in posteriors.ROWS}
    differing = {"posterior", "base", "model_dir"}
    for flag in options.names(options.train_flags) - differing:
        assert len({str(row[flag].value) for row in rows.values()}) == 1, flag
    assert rows["maf_prior"].posterior == "diagonal" and "maf" in rows["maf_prior"].base


def test_the_table_shows_finished_runs_of_the_same_flags(tmp_path):
    with pytest.raises(ValueError, match="no run"):
        posteriors.table(tmp_path)
    for name in ("diagonal", "sylvester"):
        fake(tmp_path, name)
    text = posteriors.table(tmp_path)
    assert (
        "| diagonal Gaussian | 12,345 | -90.12 ± 0.46 | -88.00 ± 0.46 | −84.08 / −81.08 | 2 |"
        in text
    )
    assert "Sylvester" in text and "IAF" not in text.partition("Nats a test image")[0]
    assert "128 importance samples" in text and "`--binarize=dynamic`" in text
    fake(tmp_path, "iaf", "--changes=--epochs=3")
    with pytest.raises(ValueError, match="diagonal and iaf were trained by different flags"):
        posteriors.table(tmp_path)
