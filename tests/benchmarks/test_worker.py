"""Commands and answers of a worker."""

import io
import json

import pytest

from benchmarks import competitors, worker
from tests.benchmarks.test_competitors import TINY


class Competitor:
    """Has a model of couplings alone."""

    class Model:
        def num_params(self):
            return 7

        def log_prob(self):
            pass

        def train(self):
            raise MemoryError("all of it\nis gone")

    def left_out(self, task):
        return None if task.family == "real_nvp" else "has none"

    def build(self, task, steps):
        return self.Model()

    def matmul(self, size):
        return lambda: None


def serve(monkeypatch, *commands):
    monkeypatch.setattr(competitors, "load", lambda name: Competitor())
    monkeypatch.setattr(competitors, "versions", lambda name: {"package": "1.0"})
    answers = io.StringIO()
    worker.serve("zoo", [json.dumps(command) for command in commands], answers)
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def build(family):
    return {"do": "build", "task": TINY[family].to_dict(), "steps": 1}


def test_answers_one_line_a_command(monkeypatch):
    time = {"do": "time", "operation": "log_prob", "calls": 3, "warmup": 2}
    hello, built, timed = serve(monkeypatch, build("real_nvp"), time, {"do": "stop"}, time)
    assert hello == {"ready": "zoo", "versions": {"package": "1.0"}}
    assert built["parameters"] == 7
    assert (len(timed["seconds"]), len(timed["warmup"])) == (3, 2)
    assert timed["peak_mib"] > 1


def test_tells_what_it_cannot_do(monkeypatch):
    train = {"do": "time", "operation": "train"}
    commands = [build("glow"), build("real_nvp"), train, {"do": "dance"}]
    _, left_out, _, failed, unknown = serve(monkeypatch, *commands)
    assert left_out == {"left_out": "has none"}
    assert failed == {"error": "MemoryError: all of it is gone"}
    assert unknown == {"error": "ValueError: unknown command 'dance'"}


def test_measures_products(monkeypatch):
    (_, answer) = serve(monkeypatch, {"do": "gemm", "size": 10, "calls": 2})
    assert answer["flops"] > 0


def test_a_missing_package_is_told_in_one_line(monkeypatch):
    def load(name):
        raise ImportError("No module named 'zuko'")

    monkeypatch.setattr(competitors, "load", load)
    answers = io.StringIO()
    worker.serve("zuko", [], answers)
    assert json.loads(answers.getvalue()) == {"missing": "No module named 'zuko'"}


@pytest.mark.parametrize("name", competitors.COMPETITORS)
def test_every_competitor_has_a_module(name):
    from importlib.util import find_spec

    entry = competitors.COMPETITORS[name]
    assert find_spec(f"benchmarks.competitors.{entry.module}")
    assert find_spec(f"benchmarks.competitors.{entry.framework}_common")
