"""Turns, and the plan of a round."""

import sys

import pytest

from benchmarks import driver
from tests.benchmarks.fakes import FakeWorker


def interleave(workers, rounds=3, **kwargs):
    return driver.interleave(
        {worker.name: worker for worker in workers}, "log_prob", rounds, pause=0.0, **kwargs
    )


def test_competitors_take_turns():
    turns = []
    found = interleave([FakeWorker(name, 2.0, turns) for name in "abc"])
    timed = [name for name, _, calls, _ in turns if calls]
    # Each has one call first that is not of a round, to learn how long calls are.
    assert timed == list("aabbcc") + list("abc") * 2
    assert {name: len(times.rounds) for name, times in found.items()} == dict.fromkeys("abc", 3)


def test_short_calls_are_warmed_up_and_repeated():
    worker = FakeWorker("a", 0.01)
    times = interleave([worker], rounds=1)["a"]
    assert worker.turns[-1] == ("a", "log_prob", 30, 1)
    assert times.rounds == [0.01] and times.first == 0.01


def test_long_calls_are_made_once():
    worker = FakeWorker("a", 30.0)
    times = interleave([worker], rounds=2)["a"]
    assert [turn[2:] for turn in worker.turns] == [(0, 1), (1, 0), (1, 0)]
    assert times.rounds == [30.0, 30.0]


def test_length_of_training_counts_all_steps():
    worker = FakeWorker("a", 0.1)
    workers = {"a": worker}
    driver.interleave(workers, "train", 1, steps=20, pause=0.0)
    assert worker.turns[-1][2:] == (1, 0)


def test_a_competitor_past_its_budget_drops_out_after_a_round():
    found = interleave([FakeWorker("a")], rounds=5, budget=0.0)
    assert len(found["a"].rounds) == 1


def test_compiling_does_not_count_towards_the_budget(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(driver.time, "perf_counter", lambda: now[0])

    class Slow(FakeWorker):
        def ask(self, **command):
            answer = super().ask(**command)
            now[0] += sum(answer["warmup"]) + sum(answer["seconds"])
            return answer

    worker = Slow("a", 2.0)
    times = interleave([worker], rounds=9, budget=5.0)["a"]
    # 2 s that compile, 2 s that tell how long calls are, and 2 s a round.
    assert len(times.rounds) == 2


def test_a_failure_leaves_out_one_competitor_alone():
    turns = []
    workers = [FakeWorker("a", 2.0, turns, error="OOM"), FakeWorker("b", 2.0, turns)]
    found = interleave(workers)
    assert found["a"].error == "OOM" and not found["a"].rounds
    assert len(found["b"].rounds) == 3
    assert sum(name == "a" for name, *_ in turns) == 1


def test_a_child_that_fails_is_told_in_one_line(monkeypatch):
    monkeypatch.setattr(sys, "executable", sys.executable)
    answer = driver.child("no_such_module", [], threads=1)
    assert "no_such_module" in answer["error"] and "\n" not in answer["error"]


def test_a_missing_competitor_ends_its_process(monkeypatch):
    # A process that cannot even start answers nothing.
    monkeypatch.setattr(sys, "executable", "/bin/false")
    worker = driver.Worker("zoo", 1)
    assert worker.missing == "its process ended with status 1"


@pytest.mark.slow
def test_a_worker_of_the_zoo_builds_and_times():
    from tests.benchmarks.test_competitors import TINY

    worker = driver.Worker("zoo", 1)
    try:
        assert worker.missing is None and set(worker.versions) == {"keras", "tensorflow"}
        built = worker.ask(do="build", task=TINY["maf"].to_dict(), steps=1)
        assert built["parameters"] > 1000
        found = driver.interleave({"zoo": worker}, "sample", 2, pause=0.0)["zoo"]
        assert len(found.rounds) == 2 and 0 < min(found.rounds) < found.first
        assert "unknown command" in worker.ask(do="nothing")["error"]
    finally:
        worker.close()
