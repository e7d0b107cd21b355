"""The rounds in which competitors take turns, and what is said of their times."""

import dataclasses
import statistics
import time

import numpy as np

from benchmarks import worker

# A call as long as this needs no warming up in later rounds, and is made once a round.
LONG = 1.0
# Short calls are repeated within a round for about so many seconds.
ROUND = 0.3


@dataclasses.dataclass
class Times:
    """What one competitor needed for one operation.

    Attributes:
      first: Seconds of the first call, which compiles.
      last: Seconds of the last call.
      rounds: Seconds of a call in each round: the median of the calls in it.
      error: Why there are none, or no more.
      spent: Seconds of all turns, without the first call.
    """

    first: float | None = None
    last: float | None = None
    rounds: list = dataclasses.field(default_factory=list)
    error: str | None = None
    spent: float = 0.0

    def turn(self, process, operation, steps):
        """Takes the turn of one round, and before the first one learns how long calls are.

        Short calls are warmed up, for other processes have used the caches meanwhile.
        """

        def ask(calls):
            answer = process.call(worker.time, operation, calls)
            self.error = answer.get("error")
            return answer.get("seconds") or [0.0]

        if self.first is None:
            # It compiles, and tells nothing of the time of another; one more does.
            self.first = self.last = ask(1)[0]
            if not self.error and self.first * steps < 5 * LONG:
                self.last = ask(1)[0]
        if not self.error:
            length = self.last * steps
            calls = 1 if length >= LONG else 1 + max(1, min(100, round(ROUND / max(length, 1e-6))))
            seconds = ask(calls)
        if not self.error:
            self.last = statistics.median(seconds[1:] or seconds)
            self.rounds.append(self.last)


def interleave(able, operation, rounds, budget=60.0, steps=1, pause=0.3):
    """Lets competitors take turns, A, B, C, A, B, C, ..., so that all meet the same disturbances.

    Args:
      able: Dictionary from names to `processes.Process`es that have built their models.
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
    found = {name: Times() for name in able}
    for _ in range(rounds):
        for name, process in able.items():
            times = found[name]
            if times.error or (times.rounds and times.spent >= budget):
                continue
            time.sleep(pause)
            begin, compiles = time.perf_counter(), times.first is None
            times.turn(process, operation, steps)
            times.spent += time.perf_counter() - begin
            if compiles:  # What compiles slowly is timed as often as what does not.
                times.spent = max(0.0, times.spent - times.first * steps)
    return found


def summary(seconds):
    """Median and quartiles, in milliseconds, of the times of several rounds, at least one."""
    times = 1e3 * np.quantile(seconds, (0.5, 0.25, 0.75))
    names = ("median_ms", "low_ms", "high_ms")
    return dict(zip(names, times.tolist(), strict=True)) | {"rounds": len(seconds)}


def number(x, digits=2):
    """`x` as text, whole from 100 on; a dash where there is none."""
    if x is None:
        return "-"
    return f"{x:.{digits}f}" if x < 100 else f"{x:.0f}"
