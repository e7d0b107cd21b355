"""T1 to T5: the same models and batches, ours and the peers' in turns."""

from benchmarks import competitors, driver, report
from benchmarks.tasks import AIMS, TASKS

# Counts of parameters may differ by activation normalisations and the like.
TOLERANCE = 0.02


def start(names, threads, log):
    """The workers of these competitors; one that is missing is told in one line and left out."""
    workers = {}
    for name in names:
        worker = driver.Worker(name, threads)
        if worker.missing:
            log(f"{name}: left out, {worker.missing}")
        else:
            workers[name] = worker
    return workers


def matmul_rate(workers):
    """The best rate of float32 matrix products that any framework here reaches, FLOP/s."""
    rates = [worker.ask(do="gemm").get("flops", 0.0) for worker in workers.values()]
    if not any(rates):
        raise RuntimeError("No competitor could measure the rate of matrix products.")
    return max(rates)


def peers(names):
    """Those that are libraries to compare with."""
    return [name for name in names if competitors.COMPETITORS[name].peer]


def build(workers, task, steps, log):
    """Has every worker build a task; those that have it, and their counts of parameters.

    Raises:
      RuntimeError: A count differs from the task's by more than 2 %: times could not be compared.
    """
    able, counts, expected = {}, {}, task.parameters()
    for name, worker in workers.items():
        answer = worker.ask(do="build", task=task.to_dict(), steps=steps)
        why = answer.get("left_out") or answer.get("error")
        if why:
            log(f"{task.name} {name}: left out, {why}")
            continue
        count = answer["parameters"]
        if abs(count - expected) > TOLERANCE * expected:
            raise RuntimeError(
                f"{task.name}: {name} has {count:,} unmasked parameters and the task {expected:,}, "
                f"more than {TOLERANCE:.0%} apart."
            )
        able[name], counts[name] = worker, count
    log(f"{task.name}: {expected:,} unmasked parameters; {counts}")
    return able, counts


def compare_task(workers, task, rate, options, log):
    """Times every operation of one task.

    Args:
      workers: From `start`.
      task: A `Task`.
      rate: FLOP/s of matrix products.
      options: Has `rounds`, `steps`, `seconds` and `operations`.
      log: Prints a line.

    Returns:
      Dictionary from operations to `{"entries", "best_peer", "limit_ms", "left_out"}`.
    """
    able, counts = build(workers, task, options.steps, log)
    results = {}
    for operation in options.operations:
        found = driver.interleave(able, operation, options.rounds, options.seconds, options.steps)
        entries, failed = {}, {}
        for name, times in found.items():
            if times.rounds:
                entries[name] = report.summary(times.rounds) | {
                    "parameters": counts[name],
                    "first_s": times.first,
                    "seconds": times.rounds,
                }
            if times.error:
                failed[name] = times.error
        limit_ms = 1e3 * task.flops(operation) / rate
        best = report.compare(entries, peers(entries), limit_ms)
        results[operation] = {
            "entries": entries,
            "best_peer": best,
            "limit_ms": limit_ms,
            "failed": failed,
        }
        log(f"\n{task.name} {operation}\n{report.operation_table(entries)}")
        for name, error in failed.items():
            log(f"{task.name} {operation} {name}: {error}")
    return results


def run(options, log, keep=lambda results: None):
    """T1 to T5, as far as they are among `options.tasks`; the results as JSON can carry them.

    Args:
      options: As in `compare_task`, and has `tasks`, `competitors` and `threads`.
      log: Prints a line.
      keep: Takes the results so far, after each task.
    """
    workers, results, rate = start(options.competitors, options.threads, log), {}, 0.0
    try:
        for name in (name for name in TASKS if name in options.tasks):
            # Again before each task: on a shared machine the best of some is the rate.
            rate = max(rate, matmul_rate(workers))
            results[name] = compare_task(workers, TASKS[name], rate, options, log)
            keep(_record(results, rate, workers))
        rate = max(rate, matmul_rate(workers))
        record = _record(results, rate, workers)
    finally:
        for worker in workers.values():
            worker.close()
    log(f"\nmatrix products: {rate / 1e9:.0f} GFLOP/s\n")
    log(report.verdicts(results, competitors.OURS, AIMS))
    return record


def _record(results, rate, workers):
    """What `run` returns; the ratios to the limit are those at this rate, in `results` too."""
    for name, operations in results.items():
        for operation, result in operations.items():
            result["limit_ms"] = 1e3 * TASKS[name].flops(operation) / rate
            report.compare(result["entries"], peers(result["entries"]), result["limit_ms"])
    versions = {p: v for worker in workers.values() for p, v in worker.versions.items()}
    return {"matmul_gflops": rate / 1e9, "versions": versions, "tasks": dict(results)}


def merged(earlier, later):
    """A part of the record with the tasks of both; `earlier` may be `None`.

    Beside what `run` gives, "measured" has for each task the "about", "matmul_gflops" and
    "versions" of the run that measured it.
    """
    parts = [part for part in (earlier, later) if part]
    measured, tasks = {}, {}
    for part in parts:
        results = part["results"]
        own = {"about": part["about"]}
        own |= {name: results[name] for name in ("matmul_gflops", "versions")}
        tasks |= results["tasks"]
        measured |= results.get("measured", dict.fromkeys(results["tasks"], own))
    ordered = {name: tasks[name] for name in sorted(tasks, key=list(TASKS).index)}
    return later | {"results": later["results"] | {"tasks": ordered, "measured": measured}}
