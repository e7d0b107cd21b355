"""Invertible residual networks: invertible and contractive after training, and their forms."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from tests.helpers import raises_one_line


def moons(n, seed=0):
    """Two half circles with noise."""
    generator = np.random.default_rng(seed)
    angle, upper = generator.uniform(0, np.pi, n), generator.integers(0, 2, n)
    sign = 1.0 - 2.0 * upper
    x = np.stack([np.cos(angle) * sign + upper, np.sin(angle) * sign + 0.5 * upper], axis=1)
    return (2.0 * x + generator.normal(scale=0.1, size=x.shape)).astype("float32")


@functools.cache
def trained(family):
    """A flow that has learned steep branches, and its losses."""
    flow = family((2,), num_layers=4, hidden_units=(32, 32), seed=0, jit_compile=False)
    x = moons(2048)
    flow.adapt(x)
    flow.compile(keras.optimizers.Adam(5e-3))
    history = flow.fit(x, batch_size=256, epochs=15, verbose=0).history["loss"]
    return flow, history


@pytest.mark.parametrize("family", [zoo.IResNet, zoo.ResidualFlow])
def test_a_trained_flow_stays_invertible(family):
    flow, losses = trained(family)
    assert losses[-1] < losses[0] - 0.1
    x = moons(1000, seed=1)
    constants = [np.max(norms) for _, norms in zoo.layers.lipschitz_constants(flow, x)]
    print("Lipschitz constants", np.round(constants, 3))
    assert len(constants) == 4
    assert max(constants) < 1 and max(constants) > 0.3
    error = np.abs(flow.decode(flow.encode(x)) - x).max()
    print("inverse error", error)
    assert error <= 1e-5


def test_log_det_of_many_dimensions_is_estimated():
    assert not zoo.IResNet((8,), num_layers=1, hidden_units=(4,)).stochastic
    for family, kind in ((zoo.IResNet, "series"), (zoo.ResidualFlow, "roulette")):
        flow = family((9,), num_layers=1, hidden_units=(4,))
        assert flow.stochastic and flow.flow_layers[1].how.kind == kind


def test_the_multi_scale_form():
    flow = zoo.IResNet((8, 8, 1), levels=4, scales=2, width=6, blocks=2, log_det="exact", seed=0)
    first, second = (stack.layers for stack in flow.flow_layers[-1].scales)
    assert [type(layer).__name__ for layer in first] == [
        "Squeeze", "ActNorm", "Residual", "ActNorm", "Residual", "ActNorm",
    ]  # fmt: skip
    blocks = [layer for layer in first + second if isinstance(layer, zoo.layers.Residual)]
    assert [block.event_shape for block in blocks] == [(4, 4, 4)] * 2 + [(2, 2, 8)] * 2
    kernels = [tuple(lin.kernel.shape) for lin in blocks[0].network.linear]
    assert kernels == [(3, 3, 4, 6), (6, 6), (3, 3, 6, 4)]
    # Only the very first block starts without an activation.
    assert [len(block.network.activations) for block in blocks] == [2, 3, 3, 3]


def test_the_form_of_residual_flows_for_images():
    flow = zoo.ResidualFlow((8, 8, 1), levels=4, scales=2, width=6, blocks=1, seed=0)
    names = [type(layer).__name__ for layer in flow.flow_layers]
    assert names[-10:] == ["Reshape"] + ["ActNorm", "Residual"] * 4 + ["ActNorm"]
    assert names.count("Squeeze") == 1 and names.count("Residual") == 2 + 4
    assert flow.latent_shape == (64,)


@pytest.mark.parametrize("family", [zoo.IResNet, zoo.ResidualFlow])
def test_training_images_and_exporting(family, tmp_path):
    flow = family((4, 4, 1), levels=4, scales=1, width=4, blocks=1, seed=0, jit_compile=False)
    x = helpers.data(flow, 16)
    flow.adapt(x)
    flow.compile(keras.optimizers.Adam(1e-2))
    losses = flow.fit(x, batch_size=8, epochs=4, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    loaded = tf.saved_model.load(str(zoo.export(flow, tmp_path / "export")))
    np.testing.assert_allclose(loaded.sample(3, 7), flow.sample(3, seed=7), rtol=1e-4, atol=1e-4)
    floats = helpers.floats(flow, 3)
    np.testing.assert_allclose(
        loaded.log_prob(floats), flow.distribution().log_prob(floats), rtol=1e-4
    )


BAD = [
    ({"coefficient": 1}, ["coefficient", "1"]),
    ({"tolerance": 0}, ["tolerance", "0"]),
    ({"terms": 0}, ["terms"]),
    ({"probes": 0}, ["probes"]),
    ({"num_layers": 0}, ["num_layers"]),
    ({"width": 8}, ["width", "needs scales"]),
    ({"scales": 1}, ["image", "(2,)"]),
    ({"scales": 1, "num_layers": 3}, ["num_layers", "without scales"]),
    ({"recompute": "inverse"}, ["recompute", "Spectral"]),
]


@pytest.mark.parametrize(("changes", "words"), BAD)
@pytest.mark.parametrize("family", [zoo.IResNet, zoo.ResidualFlow])
def test_bad_arguments_are_refused(family, changes, words):
    with raises_one_line(*words):
        family((2,), **{"hidden_units": None} | changes)
