"""What the profiler sees of a call."""

import os
import subprocess
import sys

import pytest

from benchmarks import traces

# Two arrays of 4 MiB at once, the first of them in memory before; then one after the other.
PROGRAM = """
import zoo
import tensorflow as tf
from benchmarks import traces

first = tf.random.normal((2**20,))
double = tf.function(lambda x: tf.reduce_sum(tf.exp(x)))
double(first)
print("together", traces.tensors_mib(lambda: [first + 1.0, first + 2.0]))
print("one by one", traces.tensors_mib(lambda: [double(first) for _ in range(3)]))
"""


def _run(keeps):
    variables = os.environ | {"TF_CPU_ALLOCATOR_USE_BFC": keeps}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], env=variables, capture_output=True, text=True, check=False
    )


def test_tensors_are_counted_by_what_they_ask_for():
    done = _run("true")
    assert not done.returncode, done.stderr
    lines = done.stdout.splitlines()[-2:]
    together, one = (float(line.rsplit(maxsplit=1)[1]) for line in lines)
    assert together == pytest.approx(8.0, abs=0.1)
    assert one == pytest.approx(4.0, abs=0.1)


def test_where_tensorflow_does_not_tell_that_is_said():
    done = _run("false")
    assert done.returncode
    assert "expected TF_CPU_ALLOCATOR_USE_BFC=true" in done.stderr.splitlines()[-1]


def test_the_peak_is_the_most_at_one_time():
    def event(name, start, addr, size=0):
        return name, start, 0, {"addr": addr, "requested_bytes": size * 2**20}

    found = [
        event(traces.DEALLOCATION, 40, 2),
        event(traces.ALLOCATION, 10, 1, 3),
        event(traces.ALLOCATION, 20, 2, 4),
        ("MatMul:MatMul", 25, 5, {}),
        # An address may be taken again; one from before the call has no size here.
        event(traces.DEALLOCATION, 30, 1),
        event(traces.DEALLOCATION, 31, 7),
        event(traces.ALLOCATION, 35, 1, 2),
        event(traces.ALLOCATION, 50, 2, 1),
    ]
    assert traces.peak_mib(found) == 7.0
