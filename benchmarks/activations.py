"""Memory of the activations of a training step, in ways of having them, by what they might grow
with: T7, a Glow by its depth, and `terms`, a residual flow by the terms of its series.
"""

import dataclasses

from benchmarks import processes, profiler, rounds
from benchmarks.tasks import TASKS
from trainers.reports import markdown

# Numbers of batches in the steps whose peaks are compared, at equal distances.
BATCHES = (1, 2, 3)
# More than one would run operations side by side, and what is in memory at once be chance.
THREADS = 1
# Growth of T7 from the first depth to the last with activations rebuilt by the inverse, at most.
AIM = 1.10


def glow(task, recompute, steps):
    """A Glow of so many steps a scale, with activations kept (`"none"`) or recomputed."""
    from benchmarks.competitors import ours

    task, recompute = dataclasses.replace(task, layers=steps), recompute.replace("none", "")
    return ours.glow(task, 1, recompute=recompute or None).flow


def residual(task, gradient, terms):
    """A residual flow with the gradient by one Neumann series, or through the terms (`"series"`).

    The series is truncated at a fixed number of terms: a random one would take random memory.
    """
    import zoo

    options = {"log_det": "series", "terms": terms, "gradient": gradient}
    return zoo.Flow(
        [
            zoo.layers.Residual(task.event_shape, task.hidden_units, seed=i, **options)
            for i in range(task.layers)
        ]
    )


@dataclasses.dataclass(frozen=True)
class Study:
    """Which flow, of which task, in which ways, by which values of what."""

    build: object
    task: str
    ways: tuple
    what: str
    values: tuple


STUDIES = {
    "T7": Study(glow, "T4", ("none", "checkpoint", "inverse"), "K", (4, 8, 16, 32)),
    "terms": Study(residual, "T5", ("neumann", "series"), "terms", (2, 5, 10, 20)),
}


def measure(study, way, value, task=None):
    """Memory that the activations of a training step take, in this process.

    By how the peak of a step's tensors grows with its batches: gradients and the optimizer's work
    are in all, weights in none. The tensors are counted by what they ask for, not by the size of
    the process: an allocator may give a tensor a block of twice its size, and keeps what is freed.

    Returns:
      `{"activations_mib", "baseline_mib", "losses"}`: the first two as `of_a_batch` has them.
    """
    import tensorflow as tf

    study = STUDIES[study]
    task = task or TASKS[study.task]
    flow = study.build(task, way, value)
    flow.compile(tf.keras.optimizers.Adam(1e-4))
    data, losses, peaks = tf.data.Dataset.from_tensor_slices(task.data(max(BATCHES))), [], []

    def fit(size):
        losses.extend(flow.fit(data.batch(size).take(1), verbose=0).history["loss"])

    for count in BATCHES:
        fit(count * task.batch)  # Compiles, where that is done for a number of events.
        found = profiler.events(lambda count=count: fit(count * task.batch))
        peaks.append((count, profiler.tensors_mib(found)))
    return of_a_batch(peaks) | {"losses": losses}


def of_a_batch(peaks):
    """What one batch adds to the peak of a step, MiB, and all else in the peak.

    By the line from the first to the last of three pairs of a number of batches and a peak, at
    equal distances; `None` where the second is off it by more than a fifth of the rise to it:
    something else then makes the peak.
    """
    (few, low), (_, middle), (many, high) = peaks
    slope = (high - low) / (many - few)
    straight = abs(middle - (low + high) / 2) <= 0.1 * (high - low)
    return {"activations_mib": slope if straight else None, "baseline_mib": low - few * slope}


def study(name):
    """How a study is run, and told."""
    return lambda options, log: run(name, log), lambda results: section(name, results)


def run(name, log):
    """One fresh process a way and a value: dictionary from ways to values, as text, to answers."""
    study = STUDIES[name]
    cases = [(name, way, value) for way in study.ways for value in study.values]
    found = processes.each("activations", measure, cases, THREADS, log)
    results = {way: {} for way in study.ways}
    for (_, way, value), answer in found.items():
        results[way][str(value)] = answer
    return results


def difference(one, other):
    """The largest relative difference between two lists of losses."""
    return max(abs(a - b) / abs(b) for a, b in zip(one, other, strict=True))


def section(name, results):
    """MiB of activations, in brackets of what else the peak has, and by what factor they grow."""
    study, number, rows = STUDIES[name], rounds.number, []
    for way, found in results.items():
        each = [found.get(str(value), {}) for value in study.values]
        grown = [e.get("activations_mib") for e in each]
        cells = [
            f"{number(e.get('activations_mib'), 1)} ({number(e.get('baseline_mib'), 0)})"
            for e in each
        ]
        growth = grown[-1] / grown[0] if grown[-1] and grown[0] else None
        losses = [
            difference(e["losses"], results[study.ways[0]][value]["losses"])
            for value, e in found.items()
            if "losses" in e and value in results[study.ways[0]]
        ]
        apart = f"{max(losses):.0e}" if any(losses) else "-"
        rows.append([f"`{way}`", *cells, number(growth), apart])
    header = ("", *(f"{study.what}={v}" for v in study.values), "growth", "losses differ by")
    return markdown.table(rows, header, range(1, len(header)))
