"""One task from end to end, with workers that are none."""

import types

import pytest

from benchmarks import comparison, competitors
from benchmarks.tasks import TASKS
from tests.benchmarks.fakes import FakeWorker

OPTIONS = types.SimpleNamespace(
    rounds=1, steps=1, seconds=1.0, operations=["log_prob"], threads=1, tasks=["T1"]
)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)


def test_a_task_has_ratios_and_tells_what_failed():
    workers = {
        "zoo": FakeWorker("zoo", 1.0),
        "zuko": FakeWorker("zuko", 4.0),
        "nflows": FakeWorker("nflows", error="gone"),
        "by-hand": FakeWorker("by-hand", 0.5),
    }
    lines = []
    found = comparison.compare_task(workers, TASKS["T1"], 1e9, OPTIONS, lines.append)["log_prob"]
    assert found["best_peer"] == "zuko"
    assert found["entries"]["zoo"]["to_best_peer"] == pytest.approx(0.25)
    assert found["limit_ms"] == pytest.approx(1e3 * TASKS["T1"].flops("log_prob") / 1e9)
    assert found["failed"] == {"nflows": "gone"}
    assert "T1 log_prob nflows: gone" in lines


def test_counts_that_differ_are_refused():
    workers = {"zuko": FakeWorker("zuko", parameters=TASKS["T1"].parameters() * 21 // 20)}
    with pytest.raises(RuntimeError, match="zuko has 761,779 unmasked parameters"):
        comparison.build(workers, TASKS["T1"], 1, print)


def test_a_run_leaves_out_the_missing_and_judges_the_rest(monkeypatch):
    def worker(name, threads):
        found = FakeWorker(name, 1.0 if name == "zoo" else 2.0)
        found.missing = "No module named 'zuko'" if name == "zuko" else None
        return found

    monkeypatch.setattr(comparison.driver, "Worker", worker)
    options = types.SimpleNamespace(**vars(OPTIONS), competitors=list(competitors.COMPETITORS))
    lines = []
    results = comparison.run(options, lines.append)
    assert "zuko: left out, No module named 'zuko'" in lines
    assert results["matmul_gflops"] == pytest.approx(1.0)
    entry = results["tasks"]["T1"]["log_prob"]["entries"]["zoo"]
    assert entry["to_best_peer"] == pytest.approx(0.5)
    assert "met" in lines[-1]


def test_results_are_handed_out_after_each_task(monkeypatch):
    def worker(name, threads):
        found = FakeWorker(name, 1.0)
        found.missing = None
        return found

    monkeypatch.setattr(comparison.driver, "Worker", worker)
    options = types.SimpleNamespace(
        **vars(OPTIONS) | {"tasks": ["T1", "T2"], "competitors": ["zoo", "nflows"]}
    )
    kept = []
    results = comparison.run(options, print, kept.append)
    assert [list(found["tasks"]) for found in kept] == [["T1"], ["T1", "T2"]]
    assert kept[-1] == results
