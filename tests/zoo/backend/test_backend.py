import gc
import runpy
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.ops import gradient_registry

import zoo
from tests import helpers
from zoo import backend, computations
from zoo.backend import which


def test_seeds():
    np.testing.assert_array_equal(backend.make_seed(5), [0, 5])
    np.testing.assert_array_equal(backend.make_seed(np.int64(5)), [0, 5])
    np.testing.assert_array_equal(backend.make_seed(tf.constant(5)), [0, 5])
    np.testing.assert_array_equal(backend.make_seed((3, 4)), [3, 4])
    np.testing.assert_array_equal(backend.make_seed(2**31 - 1), [0, 2**31 - 1])
    np.testing.assert_array_equal(backend.make_seed(tf.constant([3, 4])), [3, 4])
    assert np.any(backend.make_seed() != backend.make_seed())


@pytest.mark.parametrize(
    "seed",
    ["abc", 1.5, True, np.float32(2.0), -1, 2**31, np.int64(2**40), [1, 2, 3], [1, 2.5], (1,)]
    + [[1, 2**31], np.zeros(3, int), np.array(-2)],
)
def test_refuses_seeds(seed):
    with helpers.raises_one_line("seed", "integer", repr(seed)):
        backend.make_seed(seed)


def test_loop():
    total, count = tf.function(
        lambda: backend.loop(5, lambda i, s: (s[0] + i, s[1] + 1), (tf.constant(0), tf.constant(0)))
    )()
    assert (int(total), int(count)) == (10, 5)


def test_tracers():
    assert not backend.has_tracers([None, tf.constant(1.0)])
    seen = []
    tf.function(lambda x: seen.append(backend.has_tracers([x])))(tf.constant(1.0))
    assert seen == [True]


def test_a_gradient_of_ones_own():
    def gradient(args, outputs, upstream):
        # Nobody's derivative: what counts is that it is this one.
        return 10.0 * args[0] * upstream[0] + outputs[0], [upstream[1]]

    own = backend.with_gradient(lambda x, rest: (x + 1.0, rest[0] * 2.0), gradient)
    x, y = tf.constant(3.0), tf.constant(4.0)
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(x)
        with tf.GradientTape() as inner:
            inner.watch([x, y])
            a, b = own(x, [y])
            loss = a + 5.0 * b
        dx, dy = inner.gradient(loss, [x, y])
    assert (float(a), float(b)) == (4.0, 8.0)
    assert (float(dx), float(dy)) == (34.0, 5.0)
    # 10 from the gradient's own use of x, and 10 x upstream + output from that of the output.
    assert float(outer.gradient(dx, x)) == 10.0 + 34.0


def test_vjp():
    value, pull = backend.vjp(lambda x, y: x * y, tf.constant(2.0), tf.constant(3.0))
    assert float(value) == 6.0
    assert [float(g) for g in pull(tf.constant(10.0))] == [30.0, 20.0]


def test_other_backends_are_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ImportError, match=r"\A(?=.*KERAS_BACKEND)(?=.*'torch')[^\n]+\Z"):
        runpy.run_path(which.__file__)


def test_the_graphs_of_a_flow_go_with_it():
    """TensorFlow's registry of gradients does not keep them."""
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    flow = zoo.MAF((3,), num_layers=1, hidden_units=(8,), seed=0, jit_compile=False)
    before = set(gradient_registry.list())
    flow.log_prob(x)
    flow.compile("adam")
    flow.fit(x, verbose=0)
    remembered = flow._calls.function(computations.density, jit=False)
    graph = weakref.ref(next(iter(remembered._known.values())).graph)
    assert set(gradient_registry.list()) - before and graph() is not None
    del flow, remembered
    gc.collect()
    assert not set(gradient_registry.list()) - before and graph() is None


def test_a_graph_that_a_layer_keeps_has_its_gradient_when_the_flow_is_gone():
    flow = zoo.Planar((2,), num_layers=1, seed=0, jit_compile=False)
    helpers.randomize(flow, seed=1)
    z = tf.constant(np.random.default_rng(0).normal(size=(4, 2)).astype("float32"))
    expected = flow.decode(z)
    distribution = flow.distribution()
    del flow
    gc.collect()
    with tf.GradientTape() as tape:
        tape.watch(z)
        x = distribution.bijector.forward(z)
    np.testing.assert_allclose(x, expected, atol=1e-5)
    assert np.all(tape.gradient(x, z).numpy() != 0)


@tf.custom_gradient
def square(x):
    """TensorFlow's own way, which it registers where a graph is traced."""
    return x * x, lambda upstream: 3.0 * upstream


def registered():
    gc.collect()
    return set(gradient_registry.list())


def test_what_tensorflow_registers_goes_with_the_graph():
    before, x = registered(), tf.constant(2.0)
    graph = backend.compiled(square, None, jit=False)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = graph(x)
    assert len(registered() - before) == 1 and float(tape.gradient(y, x)) == 3.0
    del graph, tape, y
    assert registered() == before


def test_so_it_does_after_an_error():
    def broken(x):
        square(x)
        raise ValueError("on purpose")

    before = registered()
    with pytest.raises(ValueError, match="on purpose"):
        backend.compiled(broken, None, jit=False)(tf.constant(2.0))
    assert registered() == before


def test_what_another_graph_looks_up_stays():
    inner, x = tf.function(square), tf.constant(2.0)
    outer = backend.compiled(lambda x: inner(x), None, jit=False)
    outer(x)
    del outer
    gc.collect()
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = inner(x)
    assert float(tape.gradient(y, x)) == 3.0


def test_the_gradient_of_a_bias_does_not_keep_what_it_is_added_to():
    def run(x, bias):
        with tf.GradientTape() as tape:
            tape.watch(bias)
            product = 2.0 * x
            y = tf.reduce_sum(tf.nn.relu(backend.add_bias(product, bias)))
        products.append(product)
        return tape.gradient(y, bias)

    products = []
    rows, bias = tf.TensorSpec((None, 3)), tf.constant([0.5, -1.0, 2.0])
    found = tf.function(run, autograph=False).get_concrete_function(rows, bias)
    x = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    expected = (2.0 * x + bias.numpy() > 0).sum(axis=0)
    np.testing.assert_array_equal(found(x, bias), expected)
    assert [op.type for op in products[0].consumers()] == ["BiasAdd"]
