"""Memory of a residual flow's training step by the number of terms of its series.

As a program, `python -m benchmarks.terms TERMS GRADIENT` measures once and prints a JSON object.
"""

import json
import os
import sys

from benchmarks import driver, environment, memory, report
from benchmarks.tasks import TASKS

TERMS = (2, 5, 10, 20)
# The gradient by one Neumann series, and that through the terms.
GRADIENTS = ("neumann", "series")
TASK = "T5"
# Batches in the two steps whose peaks are compared.
FEW, MANY = 8, 24


def measure(task, terms, gradient):
    """Memory that the activations of a training step take, in this process.

    The series is truncated at a fixed number of terms: a random one would take random memory.

    Args:
      task: A residual flow, as a `Task`.
      terms: Number of terms.
      gradient: `"neumann"` or `"series"`.

    Returns:
      `{"activations_mib", "baseline_mib"}`: MiB of one batch's activations, and of all else in the
      process.
    """
    import tensorflow as tf

    import zoo

    options = {"log_det": "series", "terms": terms, "gradient": gradient}
    layers = [
        zoo.layers.Residual(task.event_shape, task.hidden_units, seed=i, **options)
        for i in range(task.layers)
    ]
    flow = zoo.Flow(layers)
    flow.compile(tf.keras.optimizers.Adam(1e-4))
    data = tf.data.Dataset.from_tensor_slices(task.data(MANY))

    def peak(count):
        flow.fit(data.batch(count).take(1), verbose=0)  # Compiles for this number of events.
        memory.reset_peak()
        flow.fit(data.batch(count).take(1), epochs=2, verbose=0)
        return memory.peak_mib()

    few, many = (peak(batches * task.batch) for batches in (FEW, MANY))
    activations = (many - few) / (MANY - FEW)
    return {"activations_mib": activations, "baseline_mib": few - FEW * activations}


def run(options, log):
    """One fresh process a number of terms and a gradient."""
    results = driver.children("terms", "terms gradient", GRADIENTS, TERMS, options.threads, log)
    log("\nMiB of activations of a T5 training step, by the number of terms of the series\n")
    header = ("gradient", *(f"{n} terms" for n in TERMS))
    log(report.table(header, [[g, *numbers(found)] for g, found in results.items()]))
    return results


def numbers(found):
    """The activations of one gradient as text, MiB, a number of terms each."""
    return [report.number(found.get(str(n), {}).get("activations_mib"), 1) for n in TERMS]


def main():
    """Measures once, as the arguments say."""
    environment.pin(int(os.environ.get("BENCHMARK_THREADS", "2")))
    print(json.dumps(measure(TASKS[TASK], int(sys.argv[1]), sys.argv[2])))


if __name__ == "__main__":
    main()
