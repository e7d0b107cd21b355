"""T8: the share of a training step that waits for the input pipeline.

As a program, `python -m benchmarks.waiting ROUNDS DATA_DIR` measures it and prints a JSON object.
"""

import json
import os
import statistics
import sys
import tempfile

from benchmarks import driver, environment, report


def measure(rounds, data_dir, steps=100, batch_size=64, **sizes):
    """Trains a MAF on the digits dataset, and on one of its batches held in memory, in turns.

    Args:
      rounds: Number of turns of each.
      data_dir: Folder for the prepared dataset.
      steps: Training steps of one turn.
      batch_size: Events a step.
      **sizes: Arguments of `zoo.MAF`.

    Returns:
      Milliseconds of a step on the pipeline and in memory, and of a batch of the pipeline by
      itself; the share of a step that is waiting.
    """
    import zoo
    from benchmarks.worker import clock
    from trainers import datasets
    from trainers.datasets.timing import milliseconds_a_batch

    data = datasets.load("digits", data_dir=data_dir)
    batches = data.batches("train", batch_size, shuffle=True, seed=0, repeat=True).take(steps)
    held = batches.take(1).cache().repeat(steps)
    flow = zoo.MAF(data.event_shape, levels=data.levels, seed=0, **sizes)
    flow.compile("adam")
    times = {"pipeline": [], "memory": []}
    for turn in range(rounds + 1):
        for name, dataset in (("pipeline", batches), ("memory", held)):
            seconds = clock(lambda dataset=dataset: flow.fit(dataset, verbose=0))
            if turn:  # The first one compiles, and reads the data.
                times[name].append(1e3 * seconds / steps)
    piped, memory = (statistics.median(times[name]) for name in ("pipeline", "memory"))
    return {
        "pipeline_ms": piped,
        "memory_ms": memory,
        "batch_ms": milliseconds_a_batch(batches),
        "share": max(0.0, 1.0 - memory / piped),
    }


def run(options, log):
    """One fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        answer = driver.child("waiting", [str(options.rounds), folder], options.threads)
    if "error" in answer:
        log(f"T8: left out, {answer['error']}")
        return {}
    log("\nT8: flow.fit of a MAF on digits, batches of 64\n")
    row = ["fit", f"{answer['share']:.1%}"]
    row += [report.number(answer[key]) for key in ("pipeline_ms", "memory_ms", "batch_ms")]
    header = ("", "share waiting", "ms a step", "from memory", "ms a batch by itself")
    log(report.table(header, [row]))
    return answer


def main():
    """Measures as the arguments say."""
    environment.pin(int(os.environ.get("BENCHMARK_THREADS", "2")))
    print(json.dumps(measure(int(sys.argv[1]), sys.argv[2])))


if __name__ == "__main__":
    main()
