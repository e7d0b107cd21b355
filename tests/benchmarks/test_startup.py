"""T6: startup."""

import types

from benchmarks import startup
from tests.benchmarks import fakes


def test_startup_takes_medians_and_leaves_out(monkeypatch):
    owns = iter([3.0, 1.0, 2.0] * 2)

    def answer(task, name):
        if name == "zuko":
            return {"error": "is missing"}
        return dict.fromkeys(startup.COLUMNS.values(), 4.5) | {"own": next(owns)}

    fakes.answers(monkeypatch, answer)
    lines = []
    options = types.SimpleNamespace(rounds=9, threads=1, competitors=["zoo", "zuko", "networks"])
    results = startup.run(options, lines.append)
    assert list(results["T4"]) == ["zoo"] and results["T4"]["zoo"]["own"] == 2.0
    assert lines.count("T6 T1 zuko: left out, is missing") == 1
    assert "| T4 | **zoo** | 2.0 | 4.5 |" in startup.section(results)
