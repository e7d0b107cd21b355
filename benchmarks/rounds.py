"""The rounds in which competitors take turns, and what is said of their times."""

import dataclasses
import statistics
import time

import numpy as np

from benchmarks import worker

# Short calls are repeated within a round for about so many seconds.
ROUND = 0.3


@dataclasses.dataclass
class Times:
    """What one competitor needed for one operation.

    Attributes:
      first: Seconds of the first call, which compiles.
      rounds: Seconds of a call in each round: the median of the calls in it.
      error: Why there are none, or no more.
      spent: Seconds of all turns, without the first call: what compiles slowly is timed as often as
        what does not.
    """

    first: float | None = None
    rounds: list = dataclasses.field(default_factory=list)
    error: str | None = None
    spent: float = 0.0

    def turn(self, process, operation):
        """Takes the turn of one round, and before the first one compiles."""
        if self.first is None:
            self.first, *_ = self._ask(process, operation, 0.0)
        if not self.error:
            begin = time.perf_counter()
            first, *others = self._ask(process, operation, ROUND)
            self.spent += time.perf_counter() - begin
            if not self.error:
                self.rounds.append(statistics.median(others or [first]))

    def _ask(self, process, operation, seconds):
        answer = process.call(worker.time, operation, seconds)
        self.error = answer.get("error")
        return answer.get("seconds", [0.0])


def interleave(able, operation, rounds, budget=60.0, pause=0.3):
    """Lets competitors take turns, A, B, C, A, B, C, ..., so that all meet the same disturbances.

    Args:
      able: Dictionary from names to `processes.Process`es that have built their models.
      operation: `"log_prob"`, `"sample"` or `"train"`, which is timed by the step.
      rounds: Number of rounds.
      budget: Seconds after which a competitor drops out, though not before its first round.
      pause: Seconds between turns: idle threads of some libraries spin for a while.

    Returns:
      Dictionary from names to `Times`.
    """
    found = {name: Times() for name in able}
    for _ in range(rounds):
        for name, times in found.items():
            if not times.error and (not times.rounds or times.spent < budget):
                time.sleep(pause)
                times.turn(able[name], operation)
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
