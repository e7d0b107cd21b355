"""Scaling curves."""

import pytest

from benchmarks import curves
from benchmarks.tasks import TASKS
from tests.benchmarks.fakes import FakeWorker


def test_a_curve_ends_where_a_competitor_takes_too_long(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    curve = next(c for c in curves.CURVES if c.name == "dimensions")
    workers = {
        "fast": FakeWorker("fast", 0.5),
        "slow": FakeWorker("slow", lambda task: 0.04 * task["event_shape"][0]),
    }
    points = curves.follow(curve, workers, 1, 1.0, lambda text: None)
    assert [p[0] for p in points["fast"]] == list(curve.values)
    # 256 dimensions take more than the longest time, and no more is asked for.
    assert [p[0] for p in points["slow"]] == [16, 64, 256]
    assert points["slow"][0][1] == pytest.approx(640)


def test_curves_vary_one_thing():
    for curve in curves.CURVES:
        task = curve.vary(TASKS[curve.task], curve.values[0])
        before, after = TASKS[curve.task].to_dict(), task.to_dict()
        assert sum(before[key] != after[key] for key in before) == 1


def test_curves_are_drawn(tmp_path):
    path = tmp_path / "curve.png"
    points = {"zoo": [[1, 1.0, 0.9, 1.1], [4, 2.0, 1.9, 2.1]], "zuko": [[1, 3.0, 2.9, 3.1]]}
    curves.draw(curves.CURVES[-1], points, path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert "3.00 (3.00x)" in curves._table(curves.CURVES[-1], points)
