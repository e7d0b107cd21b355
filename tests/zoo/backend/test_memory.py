"""Memory of freed tensors stays with the process, that of flows that are gone does not."""

import os
import subprocess
import sys

import numpy as np
import pytest

import zoo
from tests import memory as process
from zoo.backend import memory

KEEPS, LIMIT = "TF_CPU_ALLOCATOR_USE_BFC", "TF_CPU_BFC_MEM_LIMIT_IN_MB"
# Prints the page faults of a compiled function that needs 64 MiB on its way, called anew.
PROGRAM = """
import resource
import zoo
import tensorflow as tf

@tf.function(jit_compile=True, autograph=False)
def call(x):
    return tf.reduce_sum(tf.random.stateless_normal([2**24], x))

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    call(tf.constant([1, 2])).numpy()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

[faults() for _ in range(3)]
print(min(faults() for _ in range(3)))
"""


@pytest.fixture
def environ(monkeypatch):
    """An environment in which nothing is said, and which is as before afterwards."""
    found = {k: v for k, v in os.environ.items() if k not in (KEEPS, LIMIT)}
    monkeypatch.setattr(os, "environ", found)
    return found


def faults(environ, **more):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environ | more, capture_output=True, check=False
    )
    assert not done.returncode, done.stderr.decode()
    return int(done.stdout.split()[-1])


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts Linux's page faults")
def test_a_call_takes_its_memory_once(environ):
    told_not_to = faults(environ, **{KEEPS: "false"})
    # Where pages are huge, there are fewer of them; some machines keep freed memory by themselves.
    if told_not_to <= 20:
        pytest.skip(f"without the variable a call has {told_not_to} page faults here")
    assert faults(environ) < told_not_to / 10


def test_variables_are_set(environ):
    memory.keep_freed()
    assert environ[KEEPS] == "true"
    assert int(environ[LIMIT]) >= 64 * 1024


def test_a_large_machine_may_use_its_memory(environ, monkeypatch):
    monkeypatch.setattr(memory, "_physical", lambda: 2**20)
    memory.keep_freed()
    assert environ[LIMIT] == str(2**20)


@pytest.mark.parametrize("given", [{KEEPS: "false"}, {LIMIT: "1000"}, {KEEPS: "true"}])
def test_what_the_environment_says_holds(environ, given):
    environ.update(given)
    memory.keep_freed()
    assert given.items() <= environ.items()
    if KEEPS in given:
        assert LIMIT not in environ


def test_a_system_that_tells_nothing(environ, monkeypatch):
    monkeypatch.delattr(os, "sysconf")
    memory.keep_freed()
    assert environ[LIMIT] == str(64 * 1024)


def growth(use, times):
    """MiB by which the process grows with each use: the lesser of two counts, for the first has
    what is done once."""
    use()
    counts = []
    for _ in range(2):
        before = process.reset_peak()
        for _ in range(times):
            use()
        counts.append((process.reset_peak() - before) / times)
    return min(counts)


X = np.zeros((4, 2), "float32")


def small():
    return zoo.MAF((2,), num_layers=2, hidden_units=(8, 8), seed=0, jit_compile=False)


def train():
    flow = small()
    flow.compile(run_eagerly=True)
    flow.fit(X, verbose=0)


linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is Linux's count")


@linux
@pytest.mark.parametrize("use", [small, train])
def test_weights_of_a_flow_that_is_gone_take_no_memory(use):
    assert growth(use, 4) < 0.5


@linux
@pytest.mark.parametrize("call", [lambda: small().log_prob(X), lambda: small().sample(4, seed=0)])
def test_graphs_of_a_flow_that_is_gone_take_little_memory(call):
    assert growth(call, 3) < 1.0


@linux
@pytest.mark.slow
def test_so_does_a_flow_that_was_trained():
    """Of which Keras' own part, of whatever model, is the larger one."""

    def use():
        flow = small()
        flow.compile()
        flow.fit(X, verbose=0)

    growth(use, 2)
    assert growth(use, 8) < 2.0
