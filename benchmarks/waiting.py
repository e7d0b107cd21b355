"""T8: the share of a training step that waits for the input pipeline."""

import statistics
import tempfile
import timeit

from benchmarks import processes, rounds
from trainers.reports import markdown


def measure(turns, steps=100, batch_size=64, **sizes):
    """Trains a MAF on the digits dataset, and on one of its batches held in memory, in turns.

    Returns:
      Milliseconds of a step on the pipeline and in memory, and of a batch of the pipeline by
      itself; the share of a step that is waiting.
    """
    import zoo
    from trainers import datasets
    from trainers.datasets.timing import milliseconds_a_batch

    with tempfile.TemporaryDirectory() as folder:
        data = datasets.load("digits", data_dir=folder)
        batches = data.batches("train", batch_size, shuffle=True, seed=0, repeat=True).take(steps)
        sources = {"pipeline": batches, "memory": batches.take(1).cache().repeat(steps)}
        flow = zoo.MAF(data.event_shape, levels=data.levels, seed=0, **sizes)
        flow.compile("adam", steps_per_execution=8)
        times = {name: [] for name in sources}
        for turn in range(turns + 1):
            for name, source in sources.items():
                seconds = timeit.timeit(lambda s=source: flow.fit(s, verbose=0), number=1)
                if turn:  # The first one compiles, and reads the data.
                    times[name].append(1e3 * seconds / steps)
        batch_ms = milliseconds_a_batch(batches)
    piped, memory = (statistics.median(times[name]) for name in sources)
    share = max(0.0, 1.0 - memory / piped)
    return {"pipeline_ms": piped, "memory_ms": memory, "batch_ms": batch_ms, "share": share}


def run(options, log):
    """One fresh process."""
    found = processes.each("T8", measure, [(options.rounds,)], options.threads, log)
    return next(iter(found.values()), {})


def section(results):
    """The share, and what it comes of."""
    row = [rounds.number(results[key]) for key in ("pipeline_ms", "memory_ms", "batch_ms")]
    header = ("share waiting", "ms a step", "ms from memory", "ms a batch by itself")
    return markdown.table([[f"{results['share']:.1%}", *row]], header, range(4))
