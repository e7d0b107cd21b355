"""The table of inference, from cells that are finished; one that is made needs BayesFlow."""

import functools
import json

import pytest

from benchmarks import inference
from trainers.runs import flagfiles

FIGURE = {"mean": 0.5123, "error": 0.0123}
FOUND = {"seconds": 12.3, "parameters": 12345, "c2st": FIGURE, "kl": None, "nll": FIGURE}


def args_of(root, *argv):
    return flagfiles.new_options(inference.define_flags, [f"--model_dir={root}", *argv])


def fake(root, stem, *argv, **changes):
    args = args_of(root, *argv)
    flags = {flag: getattr(args, flag) for flag in inference.SAME}
    (root / f"{stem}.json").write_text(json.dumps(FOUND | {"ks": 0.06} | flags | changes))


def test_the_table_shows_finished_cells_of_the_same_flags(tmp_path):
    with pytest.raises(ValueError, match="no cell"):
        inference.table(tmp_path)
    fake(tmp_path, "slcp-maf")
    fake(tmp_path, "two_moons-coupling", ks=0.2, kl={"mean": None, "error": None})
    text = inference.table(tmp_path)
    row = "| SLCP | MAF, 5 layers | 12,345 | 0.512 ± 0.012 | – | 0.512 ± 0.012 | 0.060 (< 0.0"
    assert row in text
    assert "| infinite |" in text and "0.200 (> 0.0" in text and "`--epochs=50`" in text
    fake(tmp_path, "slcp-nsf", "--epochs=3")
    with pytest.raises(ValueError, match="were made by different flags"):
        inference.table(tmp_path)


@pytest.mark.parametrize("name", ["coupling", "maf"])
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_cell(tmp_path, name, monkeypatch, eagerly):
    pytest.importorskip("bayesflow", reason="needs the extra bayesflow")
    monkeypatch.setattr(inference, "c2st", functools.partial(inference.c2st, most=20))
    small = ["--simulations=64", "--epochs=1", "--batch_size=32", "--observations=2"]
    small += ["--samples=50", "--ranks=4", "--draws=3"]
    found = inference.cell("two_moons", name, args_of(tmp_path, *small))
    assert found["parameters"] > 0 and 0.4 < found["c2st"]["mean"] <= 1
    assert found["kl"]["mean"] > 0 and 0 < found["ks"] < 1
