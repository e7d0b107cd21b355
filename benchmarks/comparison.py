"""T1 to T5: the same models and batches, ours and the peers' in turns."""

import contextlib

from benchmarks import competitors, processes, rounds, worker
from benchmarks.tasks import AIMS, TASKS
from trainers.reports import markdown

# Counts of parameters may differ by activation normalisations and the like.
TOLERANCE = 0.02


@contextlib.contextmanager
def started(names, threads, log):
    """A process for each of these competitors; one that is missing is told and left out."""
    with contextlib.ExitStack() as stack:
        found = {}
        for name in names:
            process = stack.enter_context(processes.Process(threads))
            if why := process.call(worker.load, name).get("error"):
                log(f"{name}: left out, {why}")
            else:
                found[name] = process
        yield found


def matmul_rate(started):
    """The best rate of float32 matrix products that any framework here reaches, FLOP/s."""
    rates = [process.call(worker.gemm).get("flops", 0.0) for process in started.values()]
    if not any(rates):
        raise RuntimeError("No competitor could measure the rate of matrix products.")
    return max(rates)


def build(started, task, steps, log):
    """Has every process build a task; those that have it, and their counts of parameters.

    Raises:
      RuntimeError: A count differs from the task's by more than 2 %: times could not be compared.
    """
    able, counts, expected = {}, {}, task.parameters()
    for name, process in started.items():
        answer = process.call(worker.build, task, steps)
        if "error" in answer:
            log(f"{task.name} {name}: left out, {answer['error']}")
            continue
        count = answer["parameters"]
        if abs(count - expected) > TOLERANCE * expected:
            raise RuntimeError(
                f"{task.name}: {name} has {count:,} unmasked parameters and the task {expected:,}, "
                f"more than {TOLERANCE:.0%} apart."
            )
        able[name], counts[name] = process, count
    log(f"{task.name}: {expected:,} unmasked parameters; {counts}")
    return able, counts


def compare_task(started, task, options, log):
    """Times every operation of one task: from operations to `{"entries", "failed"}`."""
    able, counts = build(started, task, options.steps, log)
    results = {}
    for operation in options.operations:
        found = rounds.interleave(able, operation, options.rounds, options.seconds)
        entries, failed = {}, {}
        for name, times in found.items():
            if times.rounds:
                extra = {"parameters": counts[name], "first_s": times.first}
                entries[name] = rounds.summary(times.rounds) | extra | {"seconds": times.rounds}
            if times.error:
                failed[name] = times.error
                log(f"{task.name} {operation} {name}: {times.error}")
        results[operation] = {"entries": entries, "failed": failed}
    return results


def judge(results, task, rate):
    """Adds to what `compare_task` returned the best peer, the limit, and the ratios to both."""
    for operation, result in results.items():
        entries, limit_ms = result["entries"], 1e3 * task.flops(operation) / rate
        peers = [name for name in entries if competitors.COMPETITORS[name].peer]
        best = min(peers, key=lambda name: entries[name]["median_ms"], default=None)
        for entry in entries.values():
            entry["to_limit"] = entry["median_ms"] / limit_ms
            entry["to_best_peer"] = (
                entry["median_ms"] / entries[best]["median_ms"] if best else None
            )
        result |= {"limit_ms": limit_ms, "best_peer": best}


def run(options, log):
    """Yields the name, the results and GFLOP/s of matrix products of each of `options.tasks`.

    The rate is measured before and after a task: on a shared machine the best of some is the rate.
    """
    with started(options.competitors, options.threads, log) as found:
        rate = matmul_rate(found)
        for name in (name for name in TASKS if name in options.tasks):
            results = compare_task(found, TASKS[name], options, log)
            rate = max(rate, matmul_rate(found))
            judge(results, TASKS[name], rate)
            for operation, result in results.items():
                times = sorted((e["median_ms"], n) for n, e in result["entries"].items())
                log(f"{name} {operation}, ms: " + ", ".join(f"{n} {ms:.2f}" for ms, n in times))
            yield name, results, rate / 1e9


def section(tasks):
    """Ratios of all tasks to the fastest peer, in bold where ours reaches its aim."""
    rows = []
    for task, found in tasks.items():
        for operation, result in found.items():
            entry, aim = result["entries"].get(competitors.OURS), AIMS[task][operation]
            if entry is None or not result["best_peer"]:
                continue
            ratio = entry["to_best_peer"]
            shown = f"**{ratio:.2f}**" if ratio <= aim else f"{ratio:.2f}"
            low, high = (ratio * entry[end] / entry["median_ms"] for end in ("low_ms", "high_ms"))
            others = sorted(
                (other["to_best_peer"], name)
                for name, other in result["entries"].items()
                if name not in (competitors.OURS, result["best_peer"])
            )
            rows.append(
                [
                    f"{task} {operation}",
                    f"{shown} ({low:.2f}–{high:.2f})",
                    f"{aim:.2f}",
                    result["best_peer"],
                    ", ".join(f"{name} {rounds.number(x)}" for x, name in others),
                    rounds.number(entry["to_limit"], 1),
                ]
            )
    header = ("task", "ours", "aim", "fastest peer = 1", "others", "ours, times the limit")
    return markdown.table(rows, header, (1, 2, 5))
