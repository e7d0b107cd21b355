"""T6: startup."""

import types

from benchmarks import driver, startup

OPTIONS = types.SimpleNamespace(rounds=2, threads=1, competitors=["zoo", "zuko"])


def test_startup_takes_medians_and_leaves_out(monkeypatch):
    keys = ("own", "library", "build", "log_prob", "compile")
    keys += ("framework_mib", "log_prob_mib", "train_mib")

    def answer(name, task):
        return {"error": "is missing"} if name == "zuko" else dict.fromkeys(keys, 4.5)

    monkeypatch.setattr(driver, "child", lambda module, arguments, threads: answer(*arguments))
    lines = []
    results = startup.run(OPTIONS, lines.append)
    assert results["T4"]["zoo"]["own"] == 4.5 and "zuko" not in results["T4"]
    assert lines.count("T6 T1 zuko: left out, is missing") == 1
    assert startup.median([{"own": x} for x in (3, 1, 2)]) == {"own": 2}
