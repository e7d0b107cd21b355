"""Workers without a process, which answer from a list of times, and studies in one of their own."""

import json
import os
import subprocess
import sys

from benchmarks import environment


class FakeWorker:
    """Answers as `benchmarks.driver.Worker` does, and writes down what it was asked.

    Args:
      name: Of the competitor.
      seconds: Seconds of every call, or a function of the model's task.
      turns: List that each timing command's name and arguments are appended to.
      parameters: The count that `build` answers; the task's own by default.
      error: What every timing command answers in place of times.
    """

    def __init__(self, name, seconds=0.1, turns=None, parameters=None, error=None):
        self.name, self.versions = name, {}
        self._seconds, self._parameters, self._error = seconds, parameters, error
        self._task = None
        self.turns = [] if turns is None else turns

    def ask(self, **command):
        if command["do"] == "gemm":
            return {"flops": 1e9}
        if command["do"] == "build":
            self._task = command["task"]
            return {"parameters": self._parameters or self._count(), "seconds": 0.0}
        self.turns.append((self.name, command["operation"], command["calls"], command["warmup"]))
        if self._error:
            return {"error": self._error}
        seconds = self._seconds(self._task) if callable(self._seconds) else self._seconds
        return {
            "seconds": [seconds] * command["calls"],
            "warmup": [seconds] * command["warmup"],
            "peak_mib": 1.0,
        }

    def close(self):
        pass

    def _count(self):
        from benchmarks.tasks import Task

        return Task.from_dict(self._task).parameters()


def measured(study, task, *arguments, keeps="false", times=3):
    """What a study of memory finds in one of a few tries: operations side by side may hide it.

    Each is a process of its own; what one try took would hide the next.

    Args:
      study: Name of a module of `benchmarks` with a function `measure`.
      task: Its first argument, a `benchmarks.tasks.Task`.
      *arguments: The others.
      keeps: Whether TensorFlow keeps the memory of freed tensors, `"true"` or `"false"`.
      times: Number of tries.
    """
    code = (
        f"import json\nfrom benchmarks import {study}\nfrom benchmarks.tasks import Task\n"
        f"print(json.dumps({study}.measure({task!r}, *{arguments!r})))"
    )
    variables = os.environ | environment.variables(1) | {"TF_CPU_ALLOCATOR_USE_BFC": keeps}
    for _ in range(times):
        done = subprocess.run(
            [sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True
        )
        found = json.loads(done.stdout.splitlines()[-1])
        if found["activations_mib"] is not None:
            return found
    raise AssertionError(f"the peak was not made by activations, {times} times")
