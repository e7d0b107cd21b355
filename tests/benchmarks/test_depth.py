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
def test_rebuilt_activations_do_not_grow_with_depth():
    found = {
        (mode, steps): fakes.measured(
            "depth", Task("tiny", "glow", (16, 16, 3), 16, steps, (16,), 1), mode, keeps="true"
        )
        for mode in ("none", "inverse")
        for steps in (2, 6)
    }
    mib = {key: one["activations_mib"] for key, one in found.items()}
    # Two maps of hidden units a step at the least.
    assert mib["none", 2] > 2 * 2 * 16 * 8 * 8 * 16 * 4 / 2**20
    assert mib["none", 6] > 2 * mib["none", 2]
    assert mib["inverse", 6] < depth.AIM * mib["inverse", 2]
    assert found["none", 6]["losses"] == pytest.approx(found["inverse", 6]["losses"], rel=1e-3)
    assert len(found["none", 6]["losses"]) == 4
