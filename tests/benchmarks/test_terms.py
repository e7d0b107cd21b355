"""Memory by the number of terms of a series."""

import types

import pytest

from benchmarks import driver, terms
from benchmarks.tasks import Task

from . import fakes


def test_every_number_of_terms_is_told(monkeypatch):
    def answer(count, gradient):
        if (count, gradient) == ("10", "series"):
            return {"error": "out of memory"}
        return {"activations_mib": 3.0 if gradient == "neumann" else float(count)}

    monkeypatch.setattr(driver, "child", lambda module, arguments, threads: answer(*arguments))
    lines = []
    results = terms.run(types.SimpleNamespace(threads=1), lines.append)
    table = lines[-1].splitlines()
    assert table[2].split() == ["neumann", "3.0", "3.0", "3.0", "3.0"]
    assert table[3].split()[:3] == ["series", "2.0", "5.0"]
    assert "terms gradient=series: left out, out of memory" in lines
    assert set(results["series"]) == {"2", "5"}


@pytest.mark.slow
def test_the_neumann_gradient_keeps_no_terms():
    task = Task("tiny", "residual", (16,), 512, 2, (256, 256))
    few, many = (
        [fakes.measured("terms", task, n, gradient)["activations_mib"] for n in (2, 8)]
        for gradient in ("neumann", "series")
    )
    assert many[1] > 1.5 * many[0]
    assert few[1] < 1.25 * few[0]
