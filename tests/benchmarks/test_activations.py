"""Memory by depth, and by the terms of a series."""

import pytest

from benchmarks import activations, processes
from benchmarks.tasks import Task
from tests.benchmarks import fakes


def test_a_batch_is_the_slope_where_there_is_one():
    found = activations.of_a_batch([(4, 500.0), (8, 605.0), (12, 700.0)])
    assert found == {"activations_mib": 25.0, "baseline_mib": 400.0}
    # Something else makes the first two peaks.
    found = activations.of_a_batch([(4, 600.0), (8, 600.0), (12, 700.0)])
    assert found == {"activations_mib": None, "baseline_mib": 550.0}


def test_growth_and_differences_are_told(monkeypatch):
    def answer(study, way, value):
        if way == "checkpoint":
            return {"error": "unknown argument"}
        memory = 10.0 if way == "inverse" else 10.0 * value
        losses = [2.0, 1.0 + 1e-5 * (way == "inverse")]
        return {"activations_mib": memory, "baseline_mib": 7.0, "losses": losses}

    fakes.answers(monkeypatch, answer)
    lines = []
    text = activations.section("T7", activations.run("T7", lines.append))
    assert "| `none` | 40.0 (7) | 80.0 (7) | 160 (7) | 320 (7) | 8.00 | - |" in text
    assert "| `inverse` | 10.0 (7) | 10.0 (7) | 10.0 (7) | 10.0 (7) | 1.00 | 1e-05 |" in text
    assert "activations T7 checkpoint 4: left out, unknown argument" in lines
    # Where something else makes the peak.
    found = {str(n): {"activations_mib": None, "baseline_mib": 7.0} for n in (2, 5, 10, 20)}
    text = activations.section("terms", {"series": found, "neumann": {}})
    assert "| `series` | - (7) | - (7) | - (7) | - (7) | - | - |" in text


def measured(study, way, value, task):
    """What a study finds in one of a few tries: operations side by side may hide it."""
    for _ in range(3):
        with processes.Process(1) as process:
            found = process.call(activations.measure, study, way, value, task)
        assert "error" not in found, found
        if found["activations_mib"] is not None:
            return found
    raise AssertionError("the peak was not made by activations, 3 times")


@pytest.mark.slow
def test_rebuilt_activations_do_not_grow_with_depth():
    task = Task("tiny", "glow", (16, 16, 3), 16, 1, (16,), 1)
    found = {
        (mode, steps): measured("T7", mode, steps, task)
        for mode in ("none", "inverse")
        for steps in (2, 6)
    }
    mib = {key: one["activations_mib"] for key, one in found.items()}
    # Two maps of hidden units a step at the least.
    assert mib["none", 2] > 2 * 2 * 16 * 8 * 8 * 16 * 4 / 2**20
    assert mib["none", 6] > 2 * mib["none", 2]
    assert mib["inverse", 6] < activations.AIM * mib["inverse", 2]
    assert found["none", 6]["losses"] == pytest.approx(found["inverse", 6]["losses"], rel=1e-3)
    assert len(found["none", 6]["losses"]) == 6


@pytest.mark.slow
def test_the_neumann_gradient_keeps_no_terms():
    task = Task("tiny", "residual", (16,), 512, 2, (256, 256))
    few, many = (
        [measured("terms", gradient, n, task)["activations_mib"] for n in (2, 8)]
        for gradient in ("neumann", "series")
    )
    assert many[1] > 1.5 * many[0]
    assert few[1] < 1.25 * few[0]
