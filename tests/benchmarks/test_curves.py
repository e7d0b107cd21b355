"""Scaling curves."""

import dataclasses

import pytest

from benchmarks import curves
from benchmarks.tasks import TASKS
from tests.benchmarks.fakes import FakeProcess


def test_a_curve_ends_where_a_competitor_takes_too_long(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    curve = curves.CURVES["dimensions"]
    processes = {
        "fast": FakeProcess("fast", 0.5),
        "slow": FakeProcess("slow", lambda task: 0.04 * task.event_shape[0]),
    }
    points = curves.follow(curve, processes, 1, 1.0, lambda text: None)
    assert [p[0] for p in points["fast"]] == list(curve.values)
    # 256 dimensions take more than the longest time, and no more is asked for.
    assert [p[0] for p in points["slow"]] == [16, 64, 256]
    assert points["slow"][0][1] == pytest.approx(640)


def test_curves_vary_one_thing():
    for curve in curves.CURVES.values():
        before, after = map(dataclasses.asdict, (TASKS[curve.task], curve.at(curve.values[0])))
        assert sum(before[key] != after[key] for key in before) == 1


def test_curves_are_drawn(tmp_path):
    path = tmp_path / "curve.png"
    points = {"zoo": [[1, 1.0, 0.9, 1.1], [4, 2.0, 1.9, 2.1]], "zuko": [[1, 3.0, 2.9, 3.1]]}
    curves.draw("batch", points, path)
    assert path.read_bytes().startswith(b"\x89PNG")
    text = curves.section({"batch": points})
    assert "| 1 | 1.00 (1.0) | 3.00 (3.0) |" in text and "| 4 | 2.00 (1.0) | - |" in text
