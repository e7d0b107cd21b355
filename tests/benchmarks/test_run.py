"""The program: its flags, and the record it leaves."""

import json
import subprocess
import sys
import types
from pathlib import Path

import pytest

from benchmarks import run
from benchmarks.tasks import OPERATIONS, TASKS
from tests import helpers

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "flag, message",
    [
        ("--tasks=T1,T9", "--tasks must be among T1, T2"),
        ("--operations=dance", "--operations must be among train, log_prob, sample, got dance."),
        ("--competitors=nobody", "competitors must be among zoo"),
    ],
)
def test_wrong_flags_end_with_one_line(flag, message):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", flag], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode != 0 and not done.stdout
    assert message in done.stderr and len(done.stderr.splitlines()) == 1


def compared(options, log, keep):
    """Results that say how many flags of tasks there were."""
    count = len(options.tasks)
    tasks = {name: count for name in options.tasks if name in TASKS}
    return {"tasks": tasks, "matmul_gflops": 100.0 * count, "versions": {"torch": f"{count}.0"}}


def test_the_record_has_the_machine_and_every_study(monkeypatch, tmp_path):
    monkeypatch.setattr(run.comparison, "run", compared)
    monkeypatch.setitem(run.STUDIES, "T7", lambda options, log: {"none": 1})
    output = tmp_path / "folder" / "results.json"
    options = types.SimpleNamespace(tasks=["T2", "T7"], threads=2, output=str(output))
    run.measure(options)
    record = json.loads(output.read_text())
    assert record["comparison"]["results"]["tasks"] == {"T2": 2}
    assert record["T7"]["results"] == {"none": 1}
    for part in record.values():
        assert set(part["about"]) == {"date", "command", "machine", "threads"}
        assert part["about"]["machine"]["cores"] >= 1


def test_another_part_joins_the_record(monkeypatch, tmp_path):
    monkeypatch.setattr(run.comparison, "run", compared)
    monkeypatch.setitem(run.STUDIES, "T7", lambda options, log: "memory")
    output = tmp_path / "results.json"
    for tasks in (["T2", "T5"], ["T7"], ["T1", "T5", "T3"]):
        run.measure(types.SimpleNamespace(tasks=tasks, threads=2, output=str(output)))
    record = json.loads(output.read_text())
    assert record["T7"]["results"] == "memory"
    found = record["comparison"]["results"]
    assert list(found["tasks"].items()) == [("T1", 3), ("T2", 2), ("T3", 3), ("T5", 3)]
    rates = {name: by["matmul_gflops"] for name, by in found["measured"].items()}
    assert rates == {"T1": 300.0, "T2": 200.0, "T3": 300.0, "T5": 300.0}
    assert found["measured"]["T2"]["versions"] == {"torch": "2.0"}


def test_what_was_measured_before_a_run_ends_early_is_on_record(monkeypatch, tmp_path):
    def interrupted(options, log, keep):
        done = types.SimpleNamespace(tasks=["T1"])
        keep(compared(done, log, keep))
        raise KeyboardInterrupt

    output = tmp_path / "results.json"
    monkeypatch.setattr(run.comparison, "run", compared)
    run.measure(types.SimpleNamespace(tasks=["T1", "T2"], threads=2, output=str(output)))
    monkeypatch.setattr(run.comparison, "run", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.measure(types.SimpleNamespace(tasks=["T1", "T2"], threads=2, output=str(output)))
    results = json.loads(output.read_text())["comparison"]["results"]
    assert results["tasks"] == {"T1": 1, "T2": 2}
    rates = {name: by["matmul_gflops"] for name, by in results["measured"].items()}
    assert rates == {"T1": 100.0, "T2": 200.0}


def flags(output, **given):
    plain = {"tasks": ["T2"], "competitors": [], "operations": list(OPERATIONS), "threads": 2}
    return types.SimpleNamespace(**plain | given, output=str(output))


@pytest.mark.parametrize("given", [{"competitors": ["zoo", "zuko"]}, {"operations": ["sample"]}])
def test_a_part_of_a_task_does_not_take_its_place_in_the_record(monkeypatch, tmp_path, given):
    monkeypatch.setattr(run.comparison, "run", compared)
    output = tmp_path / "results.json"
    run.check(flags(output, **given))
    run.measure(flags(output))
    run.check(flags(output))
    run.check(flags(output, tasks=["T3"], **given))
    with helpers.raises_one_line("T2", "--output"):
        run.check(flags(output, **given))


def test_a_record_that_cannot_be_gone_on_with_is_refused_before_anything_is_measured(tmp_path):
    output = tmp_path / "results.json"
    for text, message in (
        ("{", "no record"),
        ('{"comparison": {"results": {"tasks": {"T0": {}}}}}', "T0"),
    ):
        output.write_text(text)
        with helpers.raises_one_line(message):
            run.measure(flags(output))
