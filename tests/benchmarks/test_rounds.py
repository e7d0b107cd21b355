"""Turns, the plan of a round, medians and ratios."""

import pytest

from benchmarks import rounds
from tests.benchmarks.fakes import FakeProcess


def interleave(processes, count=3, operation="log_prob", **kwargs):
    able = {process.name: process for process in processes}
    return rounds.interleave(able, operation, count, pause=0.0, **kwargs)


def test_competitors_take_turns():
    turns = []
    found = interleave([FakeProcess(name, 2.0, turns) for name in "abc"])
    # Each has first a call that compiles.
    assert [name for name, *_ in turns] == list("aabbcc") + list("abc") * 2
    assert [turn[2] for turn in turns[:2]] == [0.0, rounds.ROUND]
    assert {name: len(times.rounds) for name, times in found.items()} == dict.fromkeys("abc", 3)


def test_warming_up_is_not_timed(monkeypatch):
    process = FakeProcess("a")
    monkeypatch.setattr(process, "_time", lambda name, budget: {"seconds": [9.0, 0.1, 0.3, 0.2]})
    times = interleave([process], 2)["a"]
    assert times.first == 9.0 and times.rounds == [0.2, 0.2]
    monkeypatch.setattr(process, "_time", lambda name, budget: {"seconds": [9.0]})
    assert interleave([process], 2)["a"].rounds == [9.0, 9.0]  # Long: one call, not warmed up.


def test_a_competitor_past_its_budget_drops_out_after_a_round():
    found = interleave([FakeProcess("a")], 5, budget=0.0)
    assert len(found["a"].rounds) == 1


def test_compiling_does_not_count_towards_the_budget(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(rounds.time, "perf_counter", lambda: now[0])

    class Slow(FakeProcess):
        def call(self, function, *args):
            answer = super().call(function, *args)
            now[0] += sum(answer["seconds"])
            return answer

    times = interleave([Slow("a", 2.0)], 9, budget=5.0)["a"]
    # 2 s that compile, and 2 s a round.
    assert len(times.rounds) == 3


def test_a_failure_leaves_out_one_competitor_alone():
    turns = []
    found = interleave([FakeProcess("a", 2.0, turns, error="OOM"), FakeProcess("b", 2.0, turns)])
    assert found["a"].error == "OOM" and not found["a"].rounds
    assert len(found["b"].rounds) == 3
    assert sum(name == "a" for name, *_ in turns) == 1


def test_summary_has_median_and_quartiles():
    assert rounds.summary([0.001, 0.005, 0.002, 0.004, 0.003]) == pytest.approx(
        {"median_ms": 3.0, "low_ms": 2.0, "high_ms": 4.0, "rounds": 5}
    )
