"""Where the time of this library's calls goes: operations, by TensorFlow's profiler.

As a program, `python -m benchmarks.operations TASK OPERATION` does so once and prints a JSON
object.
"""

import collections
import json
import os
import re
import sys
import tempfile
from pathlib import Path

from benchmarks import driver, environment, report

TASKS = ("T1", "T2", "T3", "T4")
OPERATIONS = ("train", "log_prob")
PRODUCTS = "products and convolutions"
OTHERS = "elementwise and others"
# Parts of names, without regard to case, of TensorFlow's operations and of XLA's.
GROUPS = {
    PRODUCTS: r"matmul|conv|^dot|ynn_",
    "reductions": r"reduce|^sum|biasaddgrad",
    "copies": r"copy|concat|split|transpose|slice|pack|gather|pad",
    OTHERS: r"",
}
# XLA's operations; those of TensorFlow end in a colon and their type.
XLA = re.compile(
    r"MatMul|.*fusion|wrapped_.*|(copy|slice|concatenate|transpose|reduce|reduce-window|pad|"
    r"broadcast|gather|scatter|dynamic-slice|dynamic-update-slice|convolution|dot)$"
)
GRAPH = re.compile(r"[^ :]+:(?P<kind>\w+)$")
# They run what is inside them.
CONTAINERS = re.compile(r"While|If|.*PartitionedCall|XlaLaunch|_Xla.*|.*Dataset.*|.*Iterator.*")


def operation(event):
    """The operation that a profiler's event is the run of, or `None`.

    Args:
      event: Its name: `"scope/name:Type"`, or an instruction of XLA's such as `"add_fusion.3"`.
    """
    found = GRAPH.match(event)
    if found:
        kind = found["kind"]
        if CONTAINERS.match(kind) or kind.startswith("__inference"):
            return None
        return kind
    plain = re.sub(r"\.\d+", "", event)
    return plain if XLA.match(plain) else None


def group(name):
    """The group of an operation: one of `GROUPS`."""
    # A fusion that slices its input, say, is none of the copies: it computes.
    if name.endswith("fusion") and "reduce" not in name and "ynn_" not in name:
        return OTHERS
    return next(key for key, part in GROUPS.items() if re.search(part, name, re.IGNORECASE))


def traced(call, folder):
    """Runs a call under the profiler; milliseconds by operation."""
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=3)
    tf.profiler.experimental.start(folder, options)
    call()
    tf.profiler.experimental.stop()
    total, space = collections.Counter(), xplane_pb2.XSpace()
    for path in Path(folder).rglob("*.xplane.pb"):
        space.ParseFromString(path.read_bytes())
        for plane in space.planes:
            for event in (event for line in plane.lines for event in line.events):
                name = operation(plane.event_metadata[event.metadata_id].name)
                if name is not None:
                    total[name] += event.duration_ps / 1e9
    return total


def measure(task, operation_name, steps=10, calls=20):
    """Times a call, and then its operations.

    Operations may run side by side, on a core each: their sum may be more than the whole.

    Args:
      task: A `Task`.
      operation_name: `"train"`, `"log_prob"` or `"sample"`.
      steps: Training steps of a call.
      calls: Number of calls, fewer where they are long.

    Returns:
      `{"call_ms", "groups"}`, of one step: milliseconds of the whole call without the profiler, and
      of its operations by group.
    """
    from benchmarks.competitors import ours
    from benchmarks.worker import clock

    call = getattr(ours.FAMILIES[task.family](task, steps), operation_name)
    parts = steps if operation_name == "train" else 1
    calls = max(1, calls // parts)
    call(), call()
    times = sorted(clock(call) for _ in range(calls))
    with tempfile.TemporaryDirectory() as folder:
        found = traced(lambda: [call() for _ in range(calls)], folder)
    groups = dict.fromkeys(GROUPS, 0.0)
    for name, milliseconds in found.items():
        groups[group(name)] += milliseconds / calls / parts
    return {"call_ms": 1e3 * times[len(times) // 2] / parts, "groups": groups}


def run(options, log):
    """One fresh process a task and operation."""
    results = {}
    for task in TASKS:
        for name in OPERATIONS:
            answer = driver.child("operations", [task, name], options.threads)
            if "error" in answer:
                log(f"operations {task} {name}: left out, {answer['error']}")
            else:
                results[f"{task} {name}"] = answer
    log("\nShare of the time of a call that our operations take, by TensorFlow's profiler\n")
    log(report.table(("task", *GROUPS), shares(results)))
    return results


def shares(results):
    """A row for each task: of the time of the whole call, per cent."""
    return [
        [name, *(f"{found['groups'][key] / found['call_ms']:.0%}" for key in GROUPS)]
        for name, found in results.items()
    ]


def main():
    """Measures once, as the arguments say."""
    from benchmarks import tasks

    environment.pin(int(os.environ.get("BENCHMARK_THREADS", "2")))
    print(json.dumps(measure(tasks.TASKS[sys.argv[1]], sys.argv[2])))


if __name__ == "__main__":
    main()
