"""One task from end to end, with processes that are none."""

import types

import pytest

from benchmarks import comparison, competitors, rounds
from benchmarks.tasks import TASKS
from tests.benchmarks.fakes import OPTIONS, FakeProcess
from tests.benchmarks.fakes import competitors as fake_competitors


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def test_a_task_has_ratios_and_tells_what_failed():
    processes = {
        "zoo": FakeProcess("zoo", 1.0),
        "zuko": FakeProcess("zuko", 4.0),
        "nflows": FakeProcess("nflows", error="gone"),
        "by-hand": FakeProcess("by-hand", 0.5),
    }
    lines = []
    found = comparison.compare_task(processes, TASKS["T1"], OPTIONS, lines.append)
    comparison.judge(found, TASKS["T1"], 1e9)
    found = found["log_prob"]
    assert found["best_peer"] == "zuko"
    assert found["entries"]["zoo"]["to_best_peer"] == pytest.approx(0.25)
    assert found["entries"]["by-hand"]["to_best_peer"] == pytest.approx(0.125)
    assert found["entries"]["zoo"]["to_limit"] == pytest.approx(1e3 / found["limit_ms"])
    assert found["limit_ms"] == pytest.approx(1e3 * TASKS["T1"].flops("log_prob") / 1e9)
    assert found["failed"] == {"nflows": "gone"}
    assert "T1 log_prob nflows: gone" in lines


def test_without_peers_there_is_no_ratio_to_one():
    found = {"sample": {"entries": {"zoo": rounds.summary([3.0])}}}
    comparison.judge(found, TASKS["T1"], 1e9)
    assert found["sample"]["best_peer"] is None
    assert found["sample"]["entries"]["zoo"]["to_best_peer"] is None


def test_counts_that_differ_are_refused():
    processes = {"zuko": FakeProcess("zuko", parameters=TASKS["T1"].parameters() * 21 // 20)}
    with pytest.raises(RuntimeError, match="zuko has 761,779 unmasked parameters"):
        comparison.build(processes, TASKS["T1"], 1, print)


def test_a_run_leaves_out_the_missing_and_tells_the_rest_task_by_task(monkeypatch):
    def make(name):
        missing = "No module named 'zuko'" if name == "zuko" else None
        return FakeProcess(name, 1.0 if name == "zoo" else 2.0, missing=missing)

    fake_competitors(monkeypatch, make)
    options = vars(OPTIONS) | {"tasks": ["T2", "T1"], "competitors": [*competitors.COMPETITORS]}
    lines = []
    found = comparison.run(types.SimpleNamespace(**options), lines.append)
    name, results, gflops = next(found)
    assert "zuko: left out, No module named 'zuko'" in lines
    assert name == "T1" and gflops == pytest.approx(1.0)
    assert results["log_prob"]["entries"]["zoo"]["to_best_peer"] == pytest.approx(0.5)
    # The fastest first.
    assert lines[-1].startswith("T1 log_prob, ms: zoo 1000.00, by-hand 2000.00, ")
    assert [name for name, *_ in found] == ["T2"]
