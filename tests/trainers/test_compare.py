"""One table of the finished flows of a data set."""

import json
from pathlib import Path

import pytest

from trainers import compare
from trainers.runs import flagfiles, folders

ROOT = Path(__file__).resolve().parents[2]


def run(*argv):
    compare.main(flagfiles.new_options(compare.define_flags, argv))


def cells(line):
    return [cell.strip() for cell in line.strip("|\n").split("|")]


def test_runs_and_entries_in_one_table(digits_run, toy_run, tmp_path, capsys):
    given = f"--runs={digits_run},{toy_run},{ROOT}/exported_models/*"
    run(given, "--dataset=digits", f"--output={tmp_path / 'table.md'}")
    table = (tmp_path / "table.md").read_text()
    assert table in capsys.readouterr().out
    header, _, *rows = map(cells, table.splitlines())
    by_name = {row[1]: dict(zip(header, row, strict=True)) for row in rows}
    assert {"maf-digits", "nice-digits", digits_run.name} <= set(by_name)
    assert "maf-two_moons" not in by_name
    # The best first and in bold; a flow trained for one epoch is last.
    assert rows[0][4].startswith("**") and rows[-1][1] == digits_run.name
    assert not rows[-1][4].startswith("**")
    result = json.loads((digits_run / folders.RESULT_FILE).read_text())
    own = by_name[digits_run.name]
    assert own["bits/dim"].startswith(f"{result['bits_per_dim']['mean']:.3f}")
    given = result["bits_per_dim_given_label"]["mean"]
    assert own["bits/dim given the label"].startswith(f"{given:.3f}")
    best = json.loads((ROOT / "exported_models/maf-digits/manifest.json").read_text())
    best = best["metadata"]["metrics"]["bits_per_dim"]["mean"]
    assert own["against maf-digits"] == f"{result['bits_per_dim']['mean'] - best:+.3f}"
    assert own["parameters"] == f"{result['parameters']:,}" and own["family"] == "MAF"
    assert by_name["nice-digits"]["bits/dim given the label"] == "–"


def flow(family, mean, **more):
    figure = {"mean": mean, "error": 0.1}
    about = {"name": f"my-{family}", "family": family, "parameters": 1234, "seconds": None}
    return (
        about | {"levels": None, "event_shape": [2], "nats": figure, "bits_per_dim": figure} | more
    )


def test_continuous_data_count_in_nats_the_more_the_better():
    header, _, first, second = compare.table([flow("IAF", -3.0), flow("MAF", -2.5)]).splitlines()
    assert cells(header)[4:] == ["nats", "against my-MAF"]
    assert cells(first) == ["MAF", "my-MAF", "1,234", "–", "**-2.500 ± 0.100**", "+0.000"]
    assert cells(second)[4:] == ["-3.000 ± 0.100", "-0.500"]


def test_what_the_errors_leave_open_is_in_bold_too():
    flows = [flow("MAF", 2.2), flow("IAF", 2.0), flow("NAF", 2.1), flow("NSF", 2.05)]
    rows = map(cells, compare.table([f | {"levels": 17} for f in flows]).splitlines()[2:])
    bold = {row[0]: row[4].startswith("**") for row in rows}
    assert bold == {"IAF": True, "NSF": True, "NAF": True, "MAF": False}


def test_the_reference_is_the_best_of_its_family_if_there_is_one():
    flows = [flow("MAF", 2.2, levels=17, name="worse"), flow("MAF", 2.1, levels=17, name="better")]
    assert "against better" in compare.table(flows)
    assert "against" not in compare.table(flows, against="NSF")
    assert compare.table([]) == ""


@pytest.mark.parametrize("other", [{"levels": 32}, {"event_shape": [4, 4, 1]}])
def test_figures_of_other_events_are_not_compared(other):
    one = {"levels": 17, "event_shape": [8, 8, 1]}
    with pytest.raises(ValueError, match="events of one shape .* my-IAF: .* levels"):
        compare.table([flow("MAF", 2.2, **one), flow("IAF", 2.1, **one | other)])


def test_what_is_not_there_is_said(toy_run, tmp_path):
    with pytest.raises(ValueError, match="none of the 1 finished flows .* --dataset=digits"):
        run(f"--runs={toy_run},{tmp_path}", "--dataset=digits")
    with pytest.raises(ValueError, match="there is no folder .*nowhere"):
        run("--runs=nowhere", "--dataset=digits")
    with pytest.raises(ValueError, match="--dataset is missing"):
        run(f"--runs={toy_run}")
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(ValueError, match="manifest.json cannot be read"):
        run(f"--runs={tmp_path}", "--dataset=digits")
