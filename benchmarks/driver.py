"""Worker processes, and the rounds in which competitors take turns."""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import time

from benchmarks import environment

# A call as long as this needs no warming up in later rounds, and is made once a round.
LONG = 1.0
# Short calls are repeated within a round for about so many seconds.
ROUND = 0.3


class Worker:
    """A process that serves one competitor; see `benchmarks.worker`.

    Args:
      name: Of the competitor.
      threads: Number of threads, the same for all.

    Attributes:
      missing: Why the competitor cannot be had, or `None`.
      versions: Of its packages.
    """

    def __init__(self, name, threads):
        self.name, self.missing, self.versions = name, None, {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", name, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | environment.variables(threads),
            text=True,
        )
        hello = self._read()
        self.versions = hello.get("versions", {})
        if "ready" not in hello:
            self.missing = hello.get("missing") or hello.get("error")
            self.close()

    def _read(self):
        line = self._process.stdout.readline()
        if not line:
            return {"error": f"its process ended with status {self._process.wait()}"}
        return json.loads(line)

    def ask(self, **command):
        """The answer to a command; `{"error": ...}` where the process is gone."""
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
        except OSError:
            return {"error": f"its process ended with status {self._process.wait()}"}
        return self._read()

    def close(self):
        """Ends the process."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


class Times:
    """What one competitor needed for one operation.

    Attributes:
      first: Seconds of the first call, which compiles.
      last: Seconds of the last call.
      rounds: Seconds of a call in each round: the median of the calls in it.
      error: Why there are none, or no more.
      spent: Seconds of all turns, without the first call.
    """

    def __init__(self):
        self.first = self.last = self.error = None
        self.rounds, self.spent = [], 0.0

    def plan(self, steps):
        """How many calls to warm up with, and to time, in the next round.

        Short calls are warmed up, for other processes have used the caches meanwhile.
        """
        last = self.last * steps
        if last >= LONG:
            return 0, 1
        return 1, max(1, min(100, round(ROUND / max(last, 1e-6))))


def interleave(workers, operation, rounds, budget=60.0, steps=1, pause=0.3):
    """Lets competitors take turns, A, B, C, A, B, C, ..., so that all meet the same disturbances.

    Args:
      workers: Dictionary from names to `Worker`s that have built their models.
      operation: `"log_prob"`, `"sample"` or `"train"`.
      rounds: Number of rounds.
      budget: Seconds after which a competitor drops out, though not before its first round; those
        of its first call, which compiles, do not count.
      steps: Training steps of one call, for `"train"`; times are of one step.
      pause: Seconds between turns: idle threads of some libraries spin for a while.

    Returns:
      Dictionary from names to `Times`.
    """
    steps = steps if operation == "train" else 1
    found = {name: Times() for name in workers}
    for _ in range(rounds):
        for name, worker in workers.items():
            times = found[name]
            if times.error or (times.rounds and times.spent >= budget):
                continue
            if pause:
                time.sleep(pause)
            begin, compiled = time.perf_counter(), times.first is not None
            _turn(worker, operation, times, steps)
            times.spent += time.perf_counter() - begin
            if not compiled and times.first is not None:
                # What compiles slowly is timed as often as what does not.
                times.spent = max(0.0, times.spent - times.first * steps)
    return found


def _turn(worker, operation, times, steps):
    if times.first is None:
        # The first call compiles, and tells nothing of the time of another; one more does.
        first = worker.ask(do="time", operation=operation, calls=0, warmup=1)
        if "error" not in first:
            times.first = times.last = first["warmup"][0]
            if times.first * steps < 5 * LONG:
                first = worker.ask(do="time", operation=operation, calls=1, warmup=0)
                times.last = first.get("seconds", [0.0])[0]
        times.error = first.get("error")
        if times.error:
            return
    warmup, calls = times.plan(steps)
    answer = worker.ask(do="time", operation=operation, calls=calls, warmup=warmup)
    times.error = answer.get("error")
    if not times.error:
        times.last = statistics.median(answer["seconds"])
        times.rounds.append(times.last)


def child(module, arguments, threads):
    """Runs a module of this package in a fresh process; the JSON object that it prints last.

    Args:
      module: Name, such as `"startup"`.
      arguments: Strings.
      threads: Number of threads.
    """
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *arguments],
        env=os.environ
        | environment.variables(threads)
        | {"BENCHMARK_START": repr(time.time()), "BENCHMARK_THREADS": str(threads)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        reason = (done.stderr.strip().splitlines() or ["no output"])[-1]
        return {"error": reason[:300]}
    return json.loads(lines[-1])


def children(module, what, ways, values, threads, log):
    """A fresh process for each value and way; a way ends with its first failure, which is told.

    Args:
      module: As in `child`; its arguments are a value and a way.
      what: What the ways are ways of, for that line.
      ways: Strings.
      values: Numbers, in the order of their turns.
      threads: As in `child`.
      log: Takes a line.

    Returns:
      Dictionary from ways to dictionaries from values, as strings, to answers.
    """
    results = {}
    for way in ways:
        results[way] = {}
        for value in values:
            answer = child(module, [str(value), way], threads)
            if "error" in answer:
                log(f"{what}={way}: left out, {answer['error']}")
                break
            results[way][str(value)] = answer
    return results
