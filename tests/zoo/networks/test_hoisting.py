"""What is computed from weights alone: layer by layer is the reference."""

import collections

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from zoo import backend
from zoo.networks.hoisting import WAYS, Hoisting, hoisted

SHAPE = (4, 4, 4)


def step(seed, kind="lu", network="glow"):
    linear = zoo.layers.ActNormConv1x1(SHAPE, kind, seed=seed, dtype="float64")
    coupling = zoo.layers.ConvCoupling(
        SHAPE, network=network, width=5, blocks=1, seed=seed, dtype="float64"
    )
    return helpers.randomize(zoo.layers.Stack([linear, coupling], dtype="float64"), seed, 0.3)


def values(layer):
    return [backend.value(v) for v in layer.variables]


@pytest.mark.parametrize("kind", ["lu", "plain"])
@pytest.mark.parametrize("network", ["glow", "residual"])
@pytest.mark.parametrize("way", WAYS)
def test_of_many_at_once_as_of_each(kind, network, way):
    layers = [step(i, kind, network) for i in range(3)]
    hoisting = Hoisting(layers[0], way)
    many = hoisting.of([tf.stack(row) for row in zip(*map(values, layers), strict=True)])
    for i, layer in enumerate(layers):
        single = hoisting.of(values(layer))
        assert len(single) == len(many) > 6
        for found, expected in zip(many, single, strict=True):
            np.testing.assert_allclose(found[i], expected, rtol=1e-12, atol=1e-12)


def test_what_is_handed_in_stands_in():
    layer, other, x = step(0), step(1), np.random.default_rng(2).normal(size=(2, *SHAPE))
    encoding, decoding = (Hoisting(layer, way) for way in WAYS)
    assert not encoding.rest and not decoding.rest
    with encoding.given(encoding.of(values(other))):
        z, log_det = layer(x)
    with decoding.given(decoding.of(values(other))):
        back = layer.bijector().forward(z)
    expected, expected_log_det = other(x)
    np.testing.assert_allclose(z, expected, rtol=1e-12)
    np.testing.assert_allclose(log_det, expected_log_det, rtol=1e-12)
    np.testing.assert_allclose(back, x, rtol=1e-9, atol=1e-9)
    assert np.abs(layer(x)[0] - z).max() > 0.1


def test_weights_beside_stay():
    layer = zoo.layers.ConvCoupling(SHAPE, width=5, context_shape=(2,), seed=0)
    rest = [layer.variables[i] for i in Hoisting(layer, "inverse").rest]
    assert [v.path for v in rest] == [v.path for v in layer.network.embedding.variables]


def test_a_layer_by_itself_computes_its_own():
    conv = zoo.networks.NormConv(2, 3, seed=0)
    for found, expected in zip(
        hoisted(conv, "kernel_and_bias"), conv.kernel_and_bias(), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_each_computation_is_there_once_however_many_steps():
    def operations(count):
        layer = zoo.layers.Scan([step(i) for i in range(count)], dtype="float64")
        run = tf.function(lambda x: layer(x), autograph=False)
        x = tf.constant(np.zeros((2, *SHAPE)))
        graph = run.get_concrete_function(x).graph.as_graph_def()
        nodes = [*graph.node, *(n for f in graph.library.function for n in f.node_def)]
        return collections.Counter(n.op for n in nodes if n.op in ("Softplus", "Tanh", "Exp"))

    assert operations(2) == operations(5) and operations(2)["Softplus"] == 1


def test_another_number_of_tensors_than_said_is_refused(monkeypatch):
    conv = zoo.networks.NormConv(2, 3, seed=0)
    monkeypatch.setattr(conv, "hoists", {"inverse": {"kernel_and_bias": 3}}, raising=False)
    with pytest.raises(ValueError, match="must return 3 tensors.*got 2"):
        Hoisting(conv, "inverse").of(values(conv))
