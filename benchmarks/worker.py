"""One competitor in a process of its own: commands on standard input, timings on standard output.

Commands and answers are one JSON object a line. `{"do": "build", "task": {...}, "steps": n}` builds
the model of a task; `{"do": "time", "operation": "train", "calls": n, "warmup": n}` calls it;
`{"do": "gemm"}` measures the rate of matrix products; `{"do": "stop"}` ends the process.
"""

import json
import os
import sys
import time

from benchmarks import environment, memory
from benchmarks.tasks import Task


def clock(call):
    """Seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


class Session:
    """What a worker holds: one competitor, and the model of the task at hand.

    Args:
      competitor: A `benchmarks.competitors.Competitor`.
    """

    def __init__(self, competitor):
        self._competitor = competitor
        self._model, self._steps = None, 1

    def build(self, command):
        """Builds the model of a task; answers its number of parameters, or why it has none."""
        task, self._steps = Task.from_dict(command["task"]), command["steps"]
        why = self._competitor.left_out(task)
        if why:
            return {"left_out": why}
        self._model = None
        start = time.perf_counter()
        self._model = self._competitor.build(task, self._steps)
        seconds = time.perf_counter() - start
        return {"parameters": self._model.num_params(), "seconds": seconds}

    def time(self, command):
        """Seconds of each call, of a step where the operation is training.

        The first `warmup` calls are told apart: they compile, and fill the caches again that other
        processes have used meanwhile.
        """
        call = getattr(self._model, command["operation"])
        count = self._steps if command["operation"] == "train" else 1
        warm = [clock(call) / count for _ in range(command.get("warmup", 1))]
        return {
            "seconds": [clock(call) / count for _ in range(command.get("calls", 1))],
            "warmup": warm,
            "peak_mib": memory.peak_mib(),
        }

    def gemm(self, command):
        """The best rate of float32 matrix products that this framework reaches, FLOP/s."""
        size = command.get("size", 2048)
        call = self._competitor.matmul(size)
        call()
        return {"flops": 2 * size**3 / min(clock(call) for _ in range(command.get("calls", 10)))}

    def answer(self, command):
        """The answer to one command; what goes wrong is told in one line."""
        try:
            if command["do"] not in ("build", "time", "gemm"):
                raise ValueError(f"unknown command {command['do']!r}")
            return getattr(self, command["do"])(command)
        except Exception as error:  # A peer's failure leaves it out, and ends no run.
            text = " ".join(str(error).split())
            return {"error": f"{type(error).__name__}: {text[:300]}"}


def serve(name, commands, answers):
    """Answers commands until there are no more.

    Args:
      name: Of a competitor.
      commands: Lines of JSON.
      answers: File to write lines of JSON to.
    """
    from benchmarks import competitors

    def put(value):
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    try:
        session = Session(competitors.load(name))
    except ImportError as error:
        put({"missing": " ".join(str(error).split())})
        return
    put({"ready": name, "versions": competitors.versions(name)})
    for line in commands:
        command = json.loads(line)
        if command["do"] == "stop":
            return
        put(session.answer(command))


def main():
    """Serves the competitor named by the first argument, on as many cores as the second says."""
    environment.pin(int(sys.argv[2]))
    # Libraries print; what they print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.argv[1], sys.stdin, answers)


if __name__ == "__main__":
    main()
