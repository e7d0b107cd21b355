"""Repeated steps: the layers by themselves are the reference."""

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context as eager

import zoo
from tests import helpers
from zoo import computations
from zoo.backend import Randomness, make_seed, tfb

SHAPE = (4, 4, 4)


def step(seed=0, context=None, dtype="float64", kind="lu", network="glow"):
    linear = zoo.layers.ActNormConv1x1(SHAPE, kind, seed=seed, dtype=dtype)
    coupling = zoo.layers.ConvCoupling(
        SHAPE,
        network=network,
        width=5,
        blocks=1,
        context_shape=context,
        seed=seed,
        dtype=dtype,
    )
    return zoo.layers.Stack([linear, coupling], dtype=dtype)


def repeated(count=3, context=None, randomly=True, **options):
    steps = [step(i, context, **options) for i in range(count)]
    layer = zoo.layers.Scan(steps, dtype="float64")
    return helpers.randomize(layer, seed=1, scale=0.3) if randomly else layer


def batch(n=5, seed=0):
    return tf.constant(np.random.default_rng(seed).normal(size=(n, *SHAPE)))


def to_latent(part, x, context):
    return part(x, context)


def to_data(part, x, context):
    bijector = part.bijector(context)
    return bijector.forward(x), bijector.forward_log_det_jacobian(x, 3)


@pytest.mark.parametrize("way", [to_latent, to_data])
@pytest.mark.parametrize(
    ("context", "options"),
    [(None, {}), ((2,), {}), ((2,), {"kind": "plain", "network": "residual"})],
)
def test_values_and_gradients_are_those_of_the_layers_by_themselves(context, options, way):
    layer = repeated(context=context, **options)
    plain = zoo.layers.Stack(layer.unstacked(), dtype="float64")
    given = None if context is None else tf.constant(np.eye(2)[[0, 1, 1, 0, 1]])
    x = batch()

    def run(part, variables):
        with tf.GradientTape() as tape:
            tape.watch(x)
            z, log_det = way(part, x, given)
            value = tf.reduce_sum(z**3) + tf.reduce_sum(log_det**2)
        return z, log_det, tape.gradient(value, [x, *variables])

    z, log_det, gradients = run(layer, [v.value for v in layer.trainable_variables])
    expected_z, expected, by_layer = run(plain, [v.value for v in plain.trainable_variables])
    np.testing.assert_allclose(z, expected_z, atol=1e-12)
    np.testing.assert_allclose(log_det, expected, atol=1e-12)
    np.testing.assert_allclose(gradients[0], by_layer[0], rtol=1e-10, atol=1e-12)
    size = len(layer.trainable_variables)
    for i, found in enumerate(gradients[1:]):
        rows = by_layer[1 + i :: size]
        np.testing.assert_allclose(found, np.stack(rows), rtol=1e-9, atol=1e-11)
    if way is to_latent:
        np.testing.assert_allclose(to_data(layer, z, given)[0], x, atol=1e-10)


def test_only_the_stacked_weights_are_read():
    layer = repeated(context=(2,))
    given = tf.constant(np.eye(2)[[0, 1, 1, 0, 1]])
    for way in (to_latent, to_data):
        run = tf.function(lambda x, way=way: way(layer, x, given), autograph=False)
        captured = run.get_concrete_function(batch()).captured_inputs
        read = {id(t) for t in captured if t.dtype == tf.resource}
        assert read == {id(v.value.handle) for v in layer.variables}


def test_steps_for_recomputing_are_given_the_weights_themselves():
    """What is computed from them would stay in memory as long as they do."""
    layer = repeated()
    for (_, values), one in zip(layer.steps(), layer.unstacked(), strict=True):
        for found, variable in zip(values, one.variables, strict=True):
            np.testing.assert_array_equal(found, variable.numpy())


def test_starts_with_the_weights_of_its_layers():
    layers = [step(i) for i in range(3)]
    layer, x = zoo.layers.Scan(layers, dtype="float64"), batch()
    expected = x
    for one in layers:
        expected = one(expected)[0]
    np.testing.assert_allclose(layer(x)[0], expected, atol=1e-12)
    assert len(layer.variables) == len(layers[0].variables)
    assert layer.count_params() == 3 * layers[0].count_params()


def test_a_step_is_traced_once_however_many_there_are(monkeypatch):
    calls, network = [], zoo.networks.ConvNet

    def counted(self, x, context, hidden, original=network._run):
        calls.append(x)
        return original(self, x, context, hidden)

    monkeypatch.setattr(network, "_run", counted)
    layer = repeated(count=6)
    run = tf.function(lambda x: layer(x), autograph=False)
    run(batch())
    assert len(calls) == 1


def test_adapt_is_that_of_the_layers_in_turn():
    layer, x = repeated(randomly=False), 3.0 + 2.0 * batch(40)
    plain = zoo.layers.Stack(layer.unstacked(), dtype="float64")
    layer.adapt(x)
    plain.adapt(x)
    np.testing.assert_allclose(layer(x)[0], plain(x)[0], atol=1e-10)
    assert np.abs(plain(x)[0] - x).max() > 0.1
    for one, other in zip(layer.unstacked(), plain.layers, strict=True):
        for found, expected in zip(one.variables, other.variables, strict=True):
            np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-10)


def test_saves_and_loads(tmp_path):
    flow = zoo.Flow([repeated()], dtype="float64", jit_compile=False)
    loaded = helpers.saved_and_loaded(flow, tmp_path)
    helpers.assert_same(loaded.log_prob(batch()), flow.log_prob(batch()))


def test_frozen_weights_stay_out_of_the_trainable_ones():
    flow = zoo.Flow([repeated()], dtype="float64", jit_compile=False)
    flow.stack.layers[0].trainable = False
    assert not flow.trainable_variables
    assert np.isfinite(flow.log_prob(batch())).all()


def recomputing():
    layers = [step(0), step(1)]
    layers[0].recompute = "inverse"
    return layers


def with_own_variables():
    return [zoo.layers.Fixed(tfb.Scale(tf.Variable([2.0, 2.0])), (2,)) for _ in range(2)]


def test_layers_that_draw_are_evaluated_and_not_trained():
    """Dropout, say, would be left out of training without a word."""
    given = {"width": 4, "blocks": 1, "dropout": 0.5, "dtype": "float64"}
    layers = [zoo.layers.TokenAutoregressive((2, 2), seed=i, **given) for i in range(2)]
    layer, x = zoo.layers.Scan(layers, dtype="float64"), np.ones((1, 2, 2))
    np.testing.assert_allclose(layer(x)[0], zoo.layers.Stack(layers, dtype="float64")(x)[0])
    with pytest.raises(ValueError, match="one by one"):
        layer.bijector(None, Randomness(make_seed(0), training=True))


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (list, ["at least one layer"]),
        (lambda: [zoo.layers.Squeeze(SHAPE)], ["keep the shape", "(2, 2, 16)"]),
        (lambda: [zoo.layers.ActNorm((3,)), zoo.layers.LULinear((3,))], ["differ only"]),
        (lambda: [zoo.layers.Coupling((4,), mask) for mask in ("even", "odd")], ["differ only"]),
        (lambda: [zoo.layers.LULinear((9,), seed=seed) for seed in (0, 1)], ["differ only"]),
        (recomputing, ["recompute='inverse'", "Flow(recompute=...)"]),
        (with_own_variables, ["variables of TFP's", "one by one"]),
    ],
)
def test_refuses(layers, words):
    with pytest.raises(ValueError) as error:
        zoo.layers.Scan(layers())
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize("recompute", [None, "inverse", "checkpoint"])
def test_steps_without_a_context_in_a_flow_that_has_one(recompute):
    coupling = zoo.layers.ConvCoupling(SHAPE, width=5, context_shape=(2,), seed=3, dtype="float64")
    flow = zoo.Flow(
        [repeated(), coupling],
        context_shape=(2,),
        recompute=recompute,
        jit_compile=False,
        dtype="float64",
    )
    helpers.randomize(flow, seed=1, scale=0.3)
    x, context = batch(), np.eye(2)[[0, 1, 1, 0, 1]]
    z, log_det = flow.stack.layers[0](x)
    expected, more = coupling(z, tf.constant(context))
    np.testing.assert_allclose(flow.encode(x, context), expected, rtol=1e-10, atol=1e-10)
    base = flow.base.distribution().log_prob(expected)
    np.testing.assert_allclose(flow.log_prob(x, context), base + log_det + more, rtol=1e-10)

    def gradients(call):
        given = tf.constant(context)
        with tf.GradientTape() as tape:
            tape.watch([x, given])
            value = tf.reduce_sum(call(x, given) ** 2)
        return tape.gradient(value, [x, given, *(v.value for v in flow.trainable_variables)])

    plain = gradients(lambda x, given: flow.distribution(given).log_prob(x))
    recomputed = gradients(lambda x, given: computations.density(flow, x, given))
    for found, gradient in zip(recomputed, plain, strict=True):
        np.testing.assert_allclose(found, gradient, rtol=1e-6, atol=1e-8)


def convolutions(count, training):
    """How many of them TensorFlow has in the graph of a call, once it has optimised that."""
    layer, x = repeated(count=count), batch()

    def call(x):
        return layer(x, randomness=Randomness(training=training))

    run = tf.function(call, autograph=False)
    run.get_concrete_function(x)
    eager.context().enable_graph_collection()
    try:
        run(x)
        (graphs,) = eager.context().export_run_metadata().function_graphs
    finally:
        eager.context().disable_graph_collection()
    return sum("Conv2D" in node.op for node in graphs.post_optimization_graph.node)


def test_a_step_is_optimised_once_however_many_there_are():
    """Copies of it in one graph would take TensorFlow time for each before the first result."""
    assert convolutions(2, training=False) == convolutions(6, training=False) == 0


def test_a_training_step_has_a_copy_of_each():
    """Where all of one had to be done before the next, training took longer."""
    few, many = convolutions(2, training=True), convolutions(6, training=True)
    assert many == 3 * few > 0
