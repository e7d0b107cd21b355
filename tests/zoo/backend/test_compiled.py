"""Graphs that are remembered give what TensorFlow's own lookup gives."""

import functools
import gc
import threading
import weakref

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("TensorFlow's graphs", allow_module_level=True)

import tensorflow as tf

import zoo
from tests import helpers
from zoo import backend, computations
from zoo.backend.compiled import _MOST, RememberedGraphs


def counted(jit=False, **options):
    """A remembered `w x + more`, its variable, and what it was traced for."""
    w, traced = tf.Variable(3.0), []

    def function(x, more=None):
        traced.append(x.shape)
        return w * x if more is None else w * x + more

    options.setdefault("reduce_retracing", not jit)
    return RememberedGraphs(function, jit_compile=jit, autograph=False, **options), w, traced


class Unasked:
    """In place of a `tf.function` that is not to be asked for anything."""

    def __getattr__(self, name):
        raise AssertionError("TensorFlow was asked")


def asks_tensorflow(graphs, monkeypatch):
    """Makes the lookup fail."""
    monkeypatch.setattr(graphs, "function", Unasked())


def traces_of(function):
    return function.experimental_get_tracing_count()


@pytest.mark.parametrize("jit", [False, True])
def test_a_known_graph_is_not_looked_up(jit, monkeypatch):
    graphs, w, traced = counted(jit)
    x = tf.constant([1.0, 2.0])
    np.testing.assert_array_equal(graphs(x, None), [3.0, 6.0])
    asks_tensorflow(graphs, monkeypatch)
    w.assign(5.0)
    np.testing.assert_array_equal(graphs(2.0 * x, None), [10.0, 20.0])
    assert len(traced) == 1
    with pytest.raises(AssertionError, match="was asked"):
        graphs(tf.constant([1.0]), None)


def test_shapes_types_and_numbers_have_graphs_of_their_own():
    graphs, _, _ = counted()
    for _ in range(2):
        for n in range(1, 6):
            np.testing.assert_array_equal(graphs(tf.ones(n), None), np.full(n, 3.0))
        np.testing.assert_array_equal(graphs(tf.ones(2), 1.0), [4.0, 4.0])
        np.testing.assert_array_equal(graphs(tf.ones(2), 2.0), [5.0, 5.0])
        np.testing.assert_array_equal(graphs(tf.ones(2), tf.constant(4.0)), [7.0, 7.0])
        np.testing.assert_array_equal(graphs(tf.ones(2), np.float32(6.0)), [9.0, 9.0])
    assert len(graphs._known) == 8


def test_tensorflow_traces_no_more_than_it_would():
    graphs, _, traced = counted()
    plain = tf.function(
        lambda x, more: 3.0 * x, reduce_retracing=True, autograph=False, jit_compile=False
    )
    for n in (1, 2, 3, 4, 3, 2, 1):
        graphs(tf.ones(n), None), plain(tf.ones(n), None)
    assert len(traced) == traces_of(plain) == 2 and len(graphs._known) == 4


def test_gradients_pass(monkeypatch):
    graphs, w, _ = counted()
    x = tf.constant([1.0, 2.0])
    graphs(x, None)
    asks_tensorflow(graphs, monkeypatch)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = tf.reduce_sum(graphs(x, None))
    np.testing.assert_array_equal(tape.gradient(y, x), [3.0, 3.0])
    assert float(tape.gradient(y, w)) == 3.0


def test_gradients_are_built_as_tensorflow_builds_them():
    """Of a branch, whose gradient outside of XLA needs what XLA lacks."""

    def function(x):
        return tf.cond(tf.reduce_sum(x) > 0.0, lambda: tf.sin(x) * x, lambda: tf.exp(x))

    graphs = RememberedGraphs(function, jit_compile=True, autograph=False)
    x = tf.constant([0.5, 1.0])
    graphs(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = graphs(x)
    np.testing.assert_allclose(tape.gradient(y, x), np.sin(x) + x * np.cos(x), rtol=1e-5)
    assert graphs._known == {((x.dtype, (2,)),): graphs.function}


@pytest.mark.parametrize("jit", [False, True])
def test_second_derivatives(jit):
    graphs = RememberedGraphs(lambda x: x**3, jit_compile=jit, autograph=False)
    x = tf.constant([0.5, 2.0])
    graphs(x)
    with tf.GradientTape() as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch(x)
            y = graphs(x)
        slope = inner.gradient(y, x)
    np.testing.assert_allclose(slope, 3 * x**2, rtol=1e-6)
    np.testing.assert_allclose(outer.gradient(slope, x), 6 * x, rtol=1e-6)


def test_many_flows_do_not_look_like_one_that_is_traced_often(caplog):
    for _ in range(8):
        RememberedGraphs(functools.partial(_plus, 1.0), autograph=False)(tf.ones(1))
        backend.compiled(_double, None, jit=False)(tf.ones(1))
        backend.traced(_double)(tf.ones(1))
        backend.with_gradient(_tuple, lambda x, y, upstream: upstream)(tf.ones(1))
    assert "retracing" not in caplog.text


def _plus(more, x):
    return x + more


def _double(x):
    return 2.0 * x


def _tuple(x):
    return (x + 0.0,)


def test_op_by_op_if_told_to():
    graphs, _, traced = counted()
    x = tf.constant([1.0])
    graphs(x)
    tf.config.run_functions_eagerly(True)
    try:
        graphs(x), graphs(x)
    finally:
        tf.config.run_functions_eagerly(False)
    assert len(traced) == 3


def test_within_functions_and_strategies_and_devices():
    graphs, _, traced = counted()
    x = tf.constant([1.0, 2.0])
    outer = tf.function(graphs, autograph=False)
    for _ in range(2):
        np.testing.assert_array_equal(graphs(x), [3.0, 6.0])
        np.testing.assert_array_equal(outer(x), [3.0, 6.0])
        with tf.device("/CPU:0"):
            np.testing.assert_array_equal(graphs(x), [3.0, 6.0])
        with tf.distribute.OneDeviceStrategy("/CPU:0").scope():
            np.testing.assert_array_equal(graphs(x), [3.0, 6.0])
    # By itself, in the scope of a device too; TensorFlow traces for the strategy.
    assert len(graphs._known) == 1 and len(traced) >= 1


def test_nested_arguments():
    graphs = RememberedGraphs(lambda x, rest: x + rest[0], autograph=False)
    for _ in range(2):
        np.testing.assert_array_equal(graphs(tf.ones(2), [tf.ones(2)]), [2.0, 2.0])
        np.testing.assert_array_equal(graphs(tf.ones(2), [tf.ones(1), 3.0]), [2.0, 2.0])
    assert not graphs._known


def test_after_an_error():
    def function(x):
        if x.shape[0] == 1:
            raise ValueError("on purpose")
        return x + 1.0

    graphs = RememberedGraphs(function, autograph=False)
    with pytest.raises(ValueError, match="on purpose"):
        graphs(tf.ones(1))
    np.testing.assert_array_equal(graphs(tf.ones(2)), [2.0, 2.0])
    with pytest.raises(ValueError, match="on purpose"):
        graphs(tf.ones(1))


def test_threads_do_not_mix_graphs():
    graphs, _, _ = counted(jit=True)
    start, wrong = threading.Barrier(4), []

    def work(i):
        try:
            start.wait()
            for turn in range(10):
                n = 1 + (i + turn) % 4
                np.testing.assert_array_equal(graphs(tf.ones(n), None), np.full(n, 3.0))
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(graphs._known) == 4
    for key, graph in graphs._known.items():
        assert tuple(graph.inputs[0].shape) == key[0][1]


def test_few_are_kept_and_none_when_the_function_is_gone():
    graphs, _, _ = counted(reduce_retracing=False)
    for n in range(1, _MOST + 3):
        graphs(tf.ones(n))
    assert 0 < len(graphs._known) <= _MOST
    graph = weakref.ref(next(iter(graphs._known.values())).graph)
    assert graph() is not None
    del graphs
    gc.collect()
    assert graph() is None


def test_a_flow_follows_its_weights(monkeypatch):
    flow = zoo.RealNVP((3,), num_layers=2, hidden_units=(8,), seed=0, jit_compile=False)
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    before = np.array(flow.log_prob(x))
    helpers.randomize(flow, seed=1)
    asks_tensorflow(flow._calls.function(computations.density, jit=False), monkeypatch)
    after = np.array(flow.log_prob(x))
    assert np.abs(after - before).max() > 0.1
    np.testing.assert_allclose(after, flow.distribution().log_prob(x), rtol=1e-4)
