"""Processes that measure, and what a competitor's does."""

import os

import pytest

from benchmarks import competitors, processes, rounds, worker
from benchmarks.tasks import Task

TASK = Task("tiny", "real_nvp", (6,), 5, 2, (16, 16))


def around():
    """What a process finds around it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    return {"cores": cores, "environment": dict(os.environ)}


def fail(kind):
    """Fails in a way."""
    print("what libraries print is no answer")
    if kind == "ends":
        os._exit(3)
    raise MemoryError("all of it\nis gone")


def test_all_libraries_get_the_same_threads():
    with processes.Process(1) as process:
        found = process.call(around)
        assert process.call(fail, "raises") == {"error": "MemoryError: all of it is gone"}
        assert process.call(fail, "ends") == {"error": "its process ended"}
        assert process.call(around) == {"error": "its process ended"}
    assert found["cores"] == 1
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "NPROC"):
        assert found["environment"][name] == "1"
    assert found["environment"]["CUDA_VISIBLE_DEVICES"] == "-1"


def test_the_machine_is_told():
    assert processes.machine()["cores"] >= 1
    assert "numpy" in competitors.versions() or "keras" in competitors.versions()


class Model:
    parameters = 7

    def log_prob(self):
        pass


def test_a_worker_times_the_model_it_holds(monkeypatch):
    def builder(name, family):
        return (lambda task, steps: Model()) if family == "real_nvp" else None

    monkeypatch.setattr(competitors, "builder", builder)
    assert worker.load("zuko") == {}
    with pytest.raises(NotImplementedError, match="zuko has no glow"):
        worker.build(Task("t", "glow", (8, 8, 3), 2, 1, (8,), 2), 1)
    assert worker.build(TASK, 1) == {"parameters": 7}
    assert len(worker.time("log_prob", 0.0)["seconds"]) == 1


@pytest.mark.parametrize(
    ("seconds", "calls"), [(1 / 64, 1 + 20), (2.0, 1), (0.5, 1 + 1), (1e-9, 1 + 100)]
)
def test_short_calls_are_warmed_up_and_repeated(monkeypatch, seconds, calls):
    monkeypatch.setattr(worker.timeit, "repeat", lambda *args, repeat, number: [seconds])
    monkeypatch.setattr(worker.held, "model", type("Model", (), {"train": None, "sample": None}))
    monkeypatch.setattr(worker.held, "steps", 4)
    assert worker.time("sample", rounds.ROUND) == {"seconds": [seconds] * calls}
    # A step is a share of a call.
    assert worker.time("train", rounds.ROUND) == {"seconds": [seconds / 4] * calls}


def test_products_are_measured(monkeypatch):
    monkeypatch.setattr(competitors, "matmul", lambda name, size: lambda: None)
    assert worker.gemm(size=10, calls=2)["flops"] > 0


@pytest.mark.slow
def test_a_process_of_the_zoo_builds_and_times():
    with processes.Process(1) as process:
        assert process.call(worker.load, "zoo") == {}
        assert process.call(worker.build, TASK, 1)["parameters"] > 500
        found = rounds.interleave({"zoo": process}, "sample", 2, pause=0.0)["zoo"]
        assert len(found.rounds) == 2 and 0 < min(found.rounds) < found.first
        assert "nothing" in process.call(worker.time, "nothing", 1)["error"]
