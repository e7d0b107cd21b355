"""What the profiler sees of a call."""

import pytest

from benchmarks import processes, profiler


def measure():
    """Two arrays of 4 MiB at once, the first of them in memory before; then one after the other."""
    import tensorflow as tf

    import zoo  # noqa: F401  (It has TensorFlow keep the memory of freed tensors.)

    first = tf.random.normal((2**20,))
    double = tf.function(lambda x: tf.reduce_sum(tf.exp(x)))
    double(first)
    calls = {
        "together": lambda: [first + 1.0, first + 2.0],
        "one by one": lambda: [double(first) for _ in range(3)],
    }
    return {name: profiler.tensors_mib(profiler.events(call)) for name, call in calls.items()}


@pytest.mark.slow
def test_tensors_are_counted_by_what_they_ask_for():
    with processes.Process(1) as process:
        found = process.call(measure)
    assert found == {
        "together": pytest.approx(8.0, abs=0.1),
        "one by one": pytest.approx(4.0, abs=0.1),
    }


def event(name, start, addr, size=0):
    return name, start, 0, {"addr": addr, "requested_bytes": size * 2**20}


def test_where_tensorflow_does_not_tell_that_is_said():
    silent = [("MatMul:MatMul", 25, 5, {}), event(profiler.DEALLOCATION, 30, 1)]
    with pytest.raises(RuntimeError, match="expected TF_CPU_ALLOCATOR_USE_BFC=true"):
        profiler.tensors_mib(silent)


def test_the_peak_is_the_most_at_one_time():
    found = [
        event(profiler.DEALLOCATION, 40, 2),
        event(profiler.ALLOCATION, 10, 1, 3),
        event(profiler.ALLOCATION, 20, 2, 4),
        ("MatMul:MatMul", 25, 5, {}),
        # An address may be taken again; one from before the call has no size here.
        event(profiler.DEALLOCATION, 30, 1),
        event(profiler.DEALLOCATION, 31, 7),
        event(profiler.ALLOCATION, 35, 1, 2),
        event(profiler.ALLOCATION, 50, 2, 1),
    ]
    assert profiler.tensors_mib(found) == 7.0
