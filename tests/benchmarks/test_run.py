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
    assert record["comparison"] == {"tasks": ["T2", "T7"]} and record["T7"] == {"none": 1}
    assert {"date", "command", "machine", "threads"} <= set(record)
    assert record["machine"]["cores"] >= 1
