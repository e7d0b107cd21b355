"""Processes that are none, which answer from a list of times."""

import types

from benchmarks import processes, worker

OPTIONS = types.SimpleNamespace(
    rounds=1, steps=1, seconds=1.0, operations=["log_prob"], threads=1, tasks=["T1"]
)


class FakeProcess:
    """Answers as the process of a competitor does, and writes down what it was asked.

    Args:
      name: Of the competitor.
      seconds: Seconds of every call, or a function of the model's task.
      turns: List that the name, operation and seconds of each timing are appended to.
      parameters: The count that `build` answers; the task's own by default.
      error: What every timing answers in place of times.
      missing: Why there is no such competitor.
    """

    def __init__(self, name, seconds=0.1, turns=None, parameters=None, error=None, missing=None):
        self.name, self.task, self._seconds, self._parameters = name, None, seconds, parameters
        self.error, self._missing = error, missing
        self.turns = [] if turns is None else turns

    def call(self, function, *args):
        return getattr(self, "_" + function.__name__)(*args)

    def _load(self, name):
        return {"error": self._missing} if self._missing else {}

    def _gemm(self):
        return {"flops": 1e9}

    def _build(self, task, steps):
        self.task = task
        return {"parameters": self._parameters or task.parameters()}

    def _time(self, operation, budget):
        self.turns.append((self.name, operation, budget))
        if self.error:
            return {"error": self.error}
        seconds = self._seconds(self.task) if callable(self._seconds) else self._seconds
        return {"seconds": [seconds]}


def answers(monkeypatch, function):
    """Has every fresh process answer what a function of the arguments returns."""

    def call(self, measure, *args):
        return function(*args)

    monkeypatch.setattr(processes.Process, "call", call)


def competitors(monkeypatch, make):
    """Has the comparison start what `make(name)` returns for each competitor."""
    names = []

    class Started(FakeProcess):
        def __init__(self, threads):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *args):
            pass

        def call(self, function, *args):
            if function is worker.load:
                names.append(args[0])
                vars(self).update(vars(make(args[0])))
            return super().call(function, *args)

    monkeypatch.setattr(processes, "Process", Started)
    return names
