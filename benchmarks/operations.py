"""Where the time of this library's calls goes: operations, by TensorFlow's profiler."""

import collections
import re
import statistics
import timeit

from benchmarks import processes, profiler
from benchmarks.tasks import OPERATIONS, TASKS
from trainers.reports import markdown

PRODUCTS = "products and convolutions"
OTHERS = "elementwise and others"
# Parts of names, without regard to case, of TensorFlow's operations and of XLA's.
GROUPS = {
    PRODUCTS: r"matmul|conv(?!ert)|^dot",
    "reductions": r"reduce|^sum|biasaddgrad",
    "copies": r"copy|concat|split|transpose|slice|pack|gather|pad|bitcast",
    OTHERS: r"",
}
# What a fusion does beside copying is in its name.
COPIES = {"fusion", "wrapped", "copy", "concatenate", "transpose", "slice", "pad", "bitcast"}
# XLA's operations; those of TensorFlow end in a colon and their type.
XLA = re.compile(
    r"MatMul|dot|convolution|[\w-]*fusion|wrapped_[\w-]+|reduce|reduce-window|broadcast|copy|slice|"
    r"concat|concatenate|transpose|pad|gather|scatter|dynamic-slice|dynamic-update-slice"
)
GRAPH = re.compile(r"[^ :]+:(?P<kind>\w+)$")
# They run what is inside them.
CONTAINERS = re.compile(
    r"While|If|.*PartitionedCall|XlaLaunch|_Xla.*|.*Dataset.*|.*Iterator.*|__inference.*"
)


def operation(event):
    """The operation that an event, `"scope/name:Type"` or XLA's `"add_fusion.3"`, runs, if any."""
    found = GRAPH.match(event)
    if found:
        return None if CONTAINERS.fullmatch(found["kind"]) else found["kind"]
    plain = re.sub(r"[._]\d+", "", event)
    return plain if XLA.fullmatch(plain) else None


def group(name):
    """The group of an operation, by what `operation` returned: one of `GROUPS`."""
    if name.endswith("fusion") and "reduce" not in name and set(name.split("_")) - COPIES:
        return OTHERS
    return next(key for key, part in GROUPS.items() if re.search(part, name, re.IGNORECASE))


def traced(call):
    """Runs a call under the profiler: `collections.Counter` from groups to milliseconds."""
    total = collections.Counter(dict.fromkeys(GROUPS, 0.0))
    for event, _, duration, _ in profiler.events(call, level=3):
        name = operation(event)
        if name is not None:
            total[group(name)] += duration / 1e9
    return total


def measure(task, operation_name, steps=10, calls=None):
    """Times a call, and then its operations.

    Operations may run side by side, on a core each: their sum may be more than the whole.

    Returns:
      `{"call_ms", "groups"}`, of one step: milliseconds of the whole call without the profiler, and
      of its operations by group.
    """
    from benchmarks import competitors

    task = TASKS.get(task, task)
    call = getattr(competitors.builder(competitors.OURS, task.family)(task, steps), operation_name)
    parts = steps if operation_name == "train" else 1
    calls = calls or (5 if operation_name == "train" else 21)
    call(), call()
    seconds = statistics.median(timeit.repeat(call, "gc.enable()", repeat=calls, number=1))
    found = traced(lambda: [call() for _ in range(calls)])
    groups = {key: milliseconds / calls / parts for key, milliseconds in found.items()}
    return {"call_ms": 1e3 * seconds / parts, "groups": groups}


def run(options, log):
    """One fresh process a task and operation."""
    cases = [(task, name) for task in TASKS for name in OPERATIONS]
    found = processes.each("operations", measure, cases, options.threads, log)
    return {" ".join(case): answer for case, answer in found.items()}


def section(results):
    """Each group's share of all operations, and theirs of the call."""
    rows = []
    for name, found in results.items():
        total = sum(found["groups"].values())
        parts = [f"{found['groups'][key] / total:.0%}" for key in GROUPS]
        rows.append([name, *parts, f"{total / found['call_ms']:.0%}"])
    header = ("task", *GROUPS, "all, of the call")
    return markdown.table(rows, header, range(1, len(header)))
