"""What the page tells of a run."""

from pathlib import Path

import pytest

from benchmarks import run
from benchmarks.tasks import TASKS
from trainers.reports import markdown

ROOT = Path(__file__).parents[2]
ABOUT = {
    "date": "2026-01-02T03:04:05+00:00",
    "command": "python -m benchmarks --rounds=4",
    "machine": {"cores": 2, "memory_gib": 23.5, "processor": "Chip", "python": "3.11"},
    "threads": 2,
    "matmul_gflops": 210.0,
}


def entry(ratio, limit=2.0):
    times = {"low_ms": 9.0 * ratio, "median_ms": 10.0 * ratio, "high_ms": 12.0 * ratio}
    return {"to_best_peer": ratio, "to_limit": limit, **times}


def part(ours, **about):
    entries = {"zoo": entry(ours, 3.0), "distrax": entry(1.0), "nflows": entry(2.5)}
    results = {"train": {"entries": entries, "best_peer": "distrax", "limit_ms": 1.0}}
    return {"about": ABOUT | about, "results": results}


def test_ratios_that_reach_their_aim_stand_out():
    met, missed = (run.text("comparison", {"T1": part(ratio)}) for ratio in (0.7, 0.9))
    assert "| T1 train | **0.70** (0.63–0.84) | 0.80 | distrax | nflows 2.50 | 3.0 |" in met
    assert "| T1 train | 0.90 (0.81–1.08) | 0.80 | distrax |" in missed
    for words in ("2026-01-02", "2 cores (Chip)", "`python -m benchmarks --rounds=4`", "210"):
        assert words in met


def test_runs_that_measured_other_tasks_are_told_apart():
    other = {"date": "2026-02-03T04:05:06+00:00", "matmul_gflops": 190.0}
    record = {"T1": part(0.7), "T2": part(0.7), "T3": part(0.7, **other)}
    text = run.text("comparison", record)
    assert "T1, T2: 2026-01-02" in text and "at 210 GFLOP/s" in text
    assert "T3: 2026-02-03" in text and "at 190 GFLOP/s" in text


def test_a_page_is_filled_and_its_prose_stays(tmp_path):
    path = tmp_path / "page.md"
    path.write_text("prose\n<!-- comparison: how -->\nold\n<!-- /comparison -->\nmore\n")
    run.write(path, {"T1": part(0.7)})
    text = path.read_text()
    assert "**0.70**" in text and "old" not in text
    assert text.startswith("prose\n") and text.endswith("\nmore\n")
    with pytest.raises(ValueError, match="losses"):
        run.write(path, {"losses": {"about": ABOUT, "results": {}}})


def test_a_study_that_failed_is_told():
    failed = {"losses": {"about": ABOUT, "results": {}}}
    assert run.text("losses", failed) == "This study failed in the last run."


def test_the_page_is_that_of_the_record():
    record = run.read(ROOT / "benchmarks/results.json")
    assert set(record) == {*TASKS, *run.SECTIONS} - {"comparison"}
    for name in run.SECTIONS:
        assert markdown.filled(ROOT / "docs/benchmarks.md", name) == run.text(name, record)
