"""What a page tells of a run."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks import page

ROOT = Path(__file__).parents[2]
ABOUT = {
    "date": "2026-01-02T03:04:05+00:00",
    "command": "python -m benchmarks.run --rounds=4",
    "machine": {"cores": 2, "memory_gib": 23.5, "processor": "Chip", "python": "3.11"},
    "threads": 2,
}


def entry(ratio, limit=2.0):
    times = {"low_ms": 9.0 * ratio, "median_ms": 10.0 * ratio, "high_ms": 12.0 * ratio}
    return {"to_best_peer": ratio, "to_limit": limit, **times}


def comparison(ours):
    entries = {"zoo": entry(ours, 3.0), "distrax": entry(1.0), "nflows": entry(2.5)}
    operations = {"train": {"entries": entries, "best_peer": "distrax", "limit_ms": 1.0}}
    return {"matmul_gflops": 210.0, "tasks": {"T1": operations}}


def test_ratios_that_reach_their_aim_stand_out():
    met, missed = (
        page.text({"comparison": {"about": ABOUT, "results": comparison(ratio)}})
        for ratio in (0.7, 0.9)
    )
    assert "| T1 train | **0.70** (0.63–0.84) | 0.80 | distrax | nflows 2.50 | 3.0 |" in met
    assert "| T1 train | 0.90 (0.81–1.08) | 0.80 | distrax |" in missed
    for words in ("2026-01-02", "2 cores (Chip)", "`python -m benchmarks.run --rounds=4`", "210"):
        assert words in met


def test_runs_that_measured_other_tasks_are_told_apart():
    results = comparison(0.7)
    results["tasks"]["T2"] = results["tasks"]["T1"]
    other = {"about": ABOUT | {"date": "2026-02-03T04:05:06+00:00"}, "matmul_gflops": 190.0}
    results["measured"] = {"T1": {"about": ABOUT, "matmul_gflops": 210.0}, "T2": other}
    text = page.text({"comparison": {"about": other["about"], "results": results}})
    assert "T1: 2026-01-02" in text and "the 210 GFLOP/s" in text
    assert "T2: 2026-02-03" in text and "the 190 GFLOP/s" in text


def test_every_part_is_told():
    own = {"own": 4.0, "compile": 7.5, "train_mib": 1200.0}
    memory = {
        str(k): {"activations_mib": 10.0 + k, "baseline_mib": 900.0} for k in page.depth.DEPTHS
    }
    groups = dict(zip(page.operations.GROUPS, (8.0, 0.5, 0.0, 1.5), strict=True))
    record = {
        "operations": {
            "about": ABOUT,
            "results": {"T1 train": {"call_ms": 10.0, "groups": groups}},
        },
        "T6": {"about": ABOUT, "results": {"T4": {"zoo": own, "nflows": own | {"own": 1.0}}}},
        "T7": {"about": ABOUT, "results": {"none": memory, "checkpoint": {}}},
        "terms": {
            "about": ABOUT,
            "results": {"neumann": {str(n): {"activations_mib": 7.04} for n in page.terms.TERMS}},
        },
        "losses": {
            "about": ABOUT,
            "results": {
                "none": {"losses": [9.0, 4.0, 4.0, 4.0, 4.0, 4.0]},
                "inverse": {"losses": [9.0, 5.0, 4.0, 4.0, 4.0, 6.0]},
            },
        },
        "T8": {"about": ABOUT, "results": {"share": 0.031}},
    }
    text = page.text(record)
    assert text.index("| T4 | nflows | 1.0 | 7.5 | 1200 |") < text.index("| T4 | **zoo** | 4.0 |")
    assert "| `none` | 14 (900) | 18 (900) | 26 (900) | 42 (900) | 3.00 |" in text
    assert "| `neumann` | 7.0 | 7.0 | 7.0 | 7.0 |" in text
    assert "| T1 train | 80% | 5% | 0% | 15% | 100% |" in text
    assert "for 60 steps" in text and "is with `inverse` 2.5e-01 and 5.0e-01." in text
    assert "3.1% of a step" in text


def test_the_program_fills_a_page(tmp_path):
    results, readme = tmp_path / "results.json", tmp_path / "README.md"
    results.write_text(json.dumps({"comparison": {"about": ABOUT, "results": comparison(0.7)}}))
    readme.write_text("<!-- benchmarks: how -->\nold\n<!-- /benchmarks -->\n")
    command = [sys.executable, "-m", "benchmarks.page", f"--results={results}"]
    subprocess.run([*command, f"--readme={readme}"], cwd=ROOT, check=True, capture_output=True)
    assert "**0.70**" in readme.read_text() and "old" not in readme.read_text()
    missing = [*command, f"--readme={tmp_path / 'none.md'}"]
    done = subprocess.run(missing, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode and len(done.stderr.splitlines()) == 1


def test_a_study_that_failed_is_left_out():
    assert page.text({"losses": {"about": ABOUT, "results": {}}}) == ""
