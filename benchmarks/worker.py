"""What a competitor's process does: it holds the model of the task at hand, and times its calls."""

import timeit
import types

# A call as long as this needs no warming up.
LONG = 1.0
held = types.SimpleNamespace(name=None, model=None, steps=1)


def load(name):
    """Takes a competitor; an empty answer."""
    from benchmarks import competitors

    competitors.builder(name, "")  # Imports it.
    held.name = name
    return {}


def build(task, steps):
    """Builds the model of a task, whose training runs `steps` steps a call; `{"parameters"}`."""
    from benchmarks import competitors

    builder, held.model, held.steps = competitors.builder(held.name, task.family), None, steps
    if builder is None:
        raise NotImplementedError(f"{held.name} has no {task.family}")
    held.model = builder(task, steps)
    return {"parameters": held.model.parameters}


def time(operation, budget):
    """`{"seconds"}`: of each call, one after the other; of one step where it trains.

    Args:
      operation: Name of a method of the model.
      budget: Seconds of calls after the first one, which warms up: other processes have used the
        caches meanwhile. At most 100; none where the first one is long, or the budget zero.
    """
    call, steps = getattr(held.model, operation), held.steps if operation == "train" else 1
    times = _once(call)
    while times[0] < LONG and sum(times[1:]) < budget and len(times) <= 100:
        times += _once(call)
    return {"seconds": [t / steps for t in times]}


def _once(call):
    return timeit.repeat(call, "gc.enable()", repeat=1, number=1)


def gemm(size=2048, calls=10):
    """`{"flops"}`: the best rate of float32 matrix products of this framework, FLOP/s."""
    from benchmarks import competitors

    times = timeit.repeat(competitors.matmul(held.name, size), repeat=calls + 1, number=1)
    return {"flops": 2 * size**3 / min(times[1:])}
