"""What a competitor's process does: it holds the model of the task at hand, and times its calls."""

import timeit
import types

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


def time(operation, calls):
    """`{"seconds"}`: of each call, one after the other; of one step where it trains."""
    count = held.steps if operation == "train" else 1
    times = timeit.repeat(getattr(held.model, operation), "gc.enable()", repeat=calls, number=1)
    return {"seconds": [t / count for t in times]}


def gemm(size=2048, calls=10):
    """`{"flops"}`: the best rate of float32 matrix products of this framework, FLOP/s."""
    from benchmarks import competitors

    times = timeit.repeat(competitors.matmul(held.name, size), repeat=calls + 1, number=1)
    return {"flops": 2 * size**3 / min(times[1:])}
