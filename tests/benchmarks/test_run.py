"""The program: its flags, and the record it leaves."""

import json
import subprocess
import sys
import types
from pathlib import Path

import pytest

from benchmarks import competitors, run
from benchmarks.tasks import OPERATIONS, TASKS
from tests import helpers

ROOT = Path(__file__).parents[2]


def test_wrong_flags_end_with_one_line():
    command = [sys.executable, "-m", "benchmarks", "--tasks=T1,T9"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0 and not done.stdout
    assert "--tasks must be among T1, T2" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"operations": ["dance"]},
            "--operations must be among train, log_prob, sample, got dance",
        ),
        ({"competitors": ["nobody"]}, "--competitors must be among zoo, "),
    ],
)
def test_unknown_values_are_refused(tmp_path, given, message):
    with helpers.raises_one_line(message):
        run.check(flags(tmp_path / "results.json", **given))


def compared(options, log):
    """Results that say how many flags of tasks there were."""
    count = len(options.tasks)
    for name in TASKS:
        if name in options.tasks:
            yield name, {"count": count}, 100.0 * count


@pytest.fixture(autouse=True)
def no_measuring(monkeypatch):
    monkeypatch.setattr(run.comparison, "run", compared)
    monkeypatch.setattr(run, "text", lambda name, record: "")
    for name in run.STUDIES:
        monkeypatch.setitem(
            run.STUDIES, name, (lambda options, log, name=name: {"study": name}, None)
        )


def flags(output, **given):
    plain = {"tasks": ["T2"], "operations": list(OPERATIONS), "threads": 2}
    plain |= {"competitors": list(competitors.COMPETITORS), "pictures": str(output.parent)}
    return types.SimpleNamespace(**plain | given, output=str(output))


def measured(output, *tasks):
    run.measure(flags(output, tasks=tasks))
    return json.loads(output.read_text())


def test_the_record_has_the_machine_and_every_study(tmp_path):
    record = measured(tmp_path / "folder" / "results.json", "T2", "T7", "T8")
    assert {name: part["results"] for name, part in record.items()} == {
        "T2": {"count": 1 + 2},
        "T7": {"study": "T7"},
        "T8": {"study": "T8"},
    }
    assert [record[name]["about"]["threads"] for name in ("T2", "T7", "T8")] == [2, 1, 2]
    for part in record.values():
        assert {"date", "command", "versions"} < set(part["about"])
        assert part["about"]["machine"]["cores"] >= 1


def test_another_part_joins_the_record(tmp_path):
    output = tmp_path / "results.json"
    measured(output, "T2", "T5")
    measured(output, "T7")
    record = measured(output, "T1", "T5", "T3")
    assert record["T7"]["results"] == {"study": "T7"}
    rates = {n: part["about"].get("matmul_gflops") for n, part in record.items() if n != "T7"}
    assert rates == {"T1": 300.0, "T2": 200.0, "T3": 300.0, "T5": 300.0}


def test_what_was_measured_before_a_run_ends_early_is_on_record(monkeypatch, tmp_path):
    def interrupted(options, log):
        yield "T1", {"count": 1}, 100.0
        raise KeyboardInterrupt

    output = tmp_path / "results.json"
    measured(output, "T1", "T2")
    monkeypatch.setattr(run.comparison, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        measured(output, "T1", "T2")
    record = json.loads(output.read_text())
    assert {name: part["results"]["count"] for name, part in record.items()} == {"T1": 1, "T2": 2}


@pytest.mark.parametrize("given", [{"competitors": ["zoo", "zuko"]}, {"operations": ["sample"]}])
def test_a_part_of_a_task_does_not_take_its_place_in_the_record(tmp_path, given):
    output = tmp_path / "results.json"
    run.check(flags(output, **given))
    run.measure(flags(output))
    run.check(flags(output))
    run.check(flags(output, tasks=["T3"], **given))
    with helpers.raises_one_line("T2", "--output"):
        run.check(flags(output, **given))


def test_a_record_that_cannot_be_gone_on_with_is_refused_before_anything_is_measured(tmp_path):
    output = tmp_path / "results.json"
    output.write_text("{")
    with helpers.raises_one_line("no record"):
        run.measure(flags(output))
