"""T7: memory by depth."""

import types

import pytest

from benchmarks import depth, driver
from benchmarks.tasks import Task

from . import fakes

OPTIONS = types.SimpleNamespace(rounds=2, threads=1)


def test_depth_tells_growth_and_differences(monkeypatch):
    def answer(steps, mode):
        if mode == "checkpoint":
            return {"error": "unknown argument"}
        memory = 10.0 if mode == "inverse" else 10.0 * int(steps)
        losses = [2.0, 1.0 + 1e-5 * (mode == "inverse")]
        return {"activations_mib": memory, "losses": losses}

    monkeypatch.setattr(driver, "child", lambda module, arguments, threads: answer(*arguments))
    lines = []
    depth.run(OPTIONS, lines.append)
    table = lines[-1].splitlines()
    assert table[2].split() == ["none", "40", "80", "160", "320", "8.00"]
    assert table[3].split() == ["inverse", "10", "10", "10", "10", "1.00"]
    assert "T7 recompute=checkpoint: left out, unknown argument" in lines
    assert any("losses differ by 1.0e-05 at most" in line for line in lines)


@pytest.mark.slow
def test_depth_measures_a_tiny_flow():
    task = Task("tiny", "glow", (16, 16, 3), 64, 2, (32,), 1)
    found = fakes.measured("depth", task)
    # Two maps of hidden units a step at the least: 64 * 8 * 8 * 32 floats each.
    assert found["activations_mib"] > 2 * 2 * 64 * 8 * 8 * 32 * 4 / 2**20 / 2
    assert len(found["losses"]) == 8
