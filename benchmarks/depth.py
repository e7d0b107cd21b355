"""T7: memory of the activations of a training step of Glow as it gets deeper.

As a program, `python -m benchmarks.depth STEPS RECOMPUTE` does so once and prints a JSON object.
"""

import dataclasses
import json
import os
import sys

from benchmarks import driver, environment, memory, report, traces
from benchmarks.tasks import TASKS

DEPTHS = (4, 8, 16, 32)
MODES = ("none", "checkpoint", "inverse")
# Batches in the steps whose peaks are compared.
BATCHES = (1, 2, 3)
# More than one would run operations side by side, and what is in memory at once be chance.
THREADS = 1
# Growth from the first depth to the last with activations rebuilt by the inverse.
AIM = 1.10


def measure(task, recompute="none"):
    """Memory that the activations of a training step take, in this process.

    By how the peak of a step's tensors grows with its batches: gradients and the optimizer's work
    are in all, weights in none. The tensors are counted by what they ask for, not by the size of
    the process: an allocator may give a tensor a block of twice its size, and keeps what is freed.

    Args:
      task: A Glow, as a `Task`.
      recompute: `"none"`, or what `zoo.Glow` is given as `recompute`.

    Returns:
      `{"activations_mib", "baseline_mib", "parameters", "losses"}`: the first two as
      `memory.of_a_batch` has them.
    """
    import tensorflow as tf

    from benchmarks.competitors import ours

    kwargs = {} if recompute == "none" else {"recompute": recompute}
    model = ours.glow(task, 1, **kwargs)
    data = tf.data.Dataset.from_tensor_slices(task.data(max(BATCHES)))

    def fit(count):
        # One compiled step takes any batch size.
        losses.extend(model.flow.fit(data.batch(count).take(1), verbose=0).history["loss"])

    losses = []
    fit(1)  # Compiles.
    peaks = [(n, traces.tensors_mib(lambda n=n: fit(n * task.batch))) for n in BATCHES]
    return {
        **memory.of_a_batch(peaks),
        "parameters": model.num_params(),
        "losses": losses,
    }


def run(options, log):
    """One fresh process a depth and a way of recomputing."""
    results = driver.children("depth", "T7 recompute", MODES, DEPTHS, THREADS, log)
    for mode in MODES:
        if mode != "none" and results[mode]:
            log(f"T7 recompute={mode}: losses differ by {difference(results, mode):.1e} at most")
    log("\nT7: MiB of activations of a T4 training step, by the number of steps K a scale\n")
    log(_table(results))
    return results


def difference(results, mode):
    """The largest relative difference between the losses with and without recomputing."""
    pairs = [
        (one, other)
        for steps, found in results[mode].items()
        for one, other in zip(found["losses"], results["none"][steps]["losses"], strict=True)
    ]
    return max(abs(one - other) / abs(other) for one, other in pairs)


def growth(found):
    """MiB of activations at each depth, and by what factor they grow; `None` where not known.

    Args:
      found: What `run` returns of one mode.
    """
    values = [found.get(str(steps), {}).get("activations_mib") for steps in DEPTHS]
    return values, values[-1] / values[0] if values[-1] and values[0] else None


def _table(results):
    rows = []
    for mode, found in results.items():
        if not found:
            continue
        values, grown = growth(found)
        rows.append([mode, *(report.number(v, 0) for v in values), report.number(grown)])
    header = ("recompute", *(f"K={k}" for k in DEPTHS), f"K={DEPTHS[-1]} / K={DEPTHS[0]}")
    return report.table(header, rows)


def main():
    """Measures once, as the arguments say."""
    environment.pin(int(os.environ.get("BENCHMARK_THREADS", str(THREADS))))
    task = dataclasses.replace(TASKS["T4"], layers=int(sys.argv[1]))
    print(json.dumps(measure(task, sys.argv[2])))


if __name__ == "__main__":
    main()
