"""The program: its flags, and the record it leaves."""

import json
import subprocess
import sys
import types
from pathlib import Path

import pytest

from benchmarks import run

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


def test_the_record_has_the_machine_and_every_study(monkeypatch, tmp_path):
    monkeypatch.setattr(run.comparison, "run", lambda options, log: {"tasks": options.tasks})
    monkeypatch.setitem(run.STUDIES, "T7", lambda options, log: {"none": 1})
    output = tmp_path / "folder" / "results.json"
    options = types.SimpleNamespace(tasks=["T2", "T7"], threads=2, output=str(output))
    run.measure(options)
    record = json.loads(output.read_text())
    assert record["comparison"]["results"] == {"tasks": ["T2", "T7"]}
    assert record["T7"]["results"] == {"none": 1}
    for part in record.values():
        assert set(part["about"]) == {"date", "command", "machine", "threads"}
        assert part["about"]["machine"]["cores"] >= 1


def test_another_part_joins_the_record(monkeypatch, tmp_path):
    monkeypatch.setattr(run.comparison, "run", lambda options, log: "times")
    monkeypatch.setitem(run.STUDIES, "T7", lambda options, log: "memory")
    output = tmp_path / "results.json"
    for task in ("T1", "T7"):
        run.measure(types.SimpleNamespace(tasks=[task], threads=2, output=str(output)))
    record = json.loads(output.read_text())
    assert {name: part["results"] for name, part in record.items()} == {
        "comparison": "times",
        "T7": "memory",
    }
