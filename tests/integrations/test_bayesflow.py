"""Families as inference networks of BayesFlow; needs the extra bayesflow."""

import json

import keras
import numpy as np
import pytest

import zoo
from tests import helpers

bayesflow = pytest.importorskip("bayesflow", reason="needs the extra bayesflow")
FlowNetwork = pytest.importorskip("zoo.integrations.bayesflow").FlowNetwork

SMALL = {
    "maf": {"num_layers": 2, "hidden_units": (8,)},
    "nsf": {"kind": "autoregressive", "num_layers": 1, "hidden_units": (8, 8), "num_bins": 4},
    "naf": {"num_layers": 1, "hidden_units": (8,)},
    "residual_flow": {"num_layers": 1},
    "continuous": {"hidden_units": (8,)},
}
X = np.random.default_rng(0).normal(size=(6, 3)).astype("float32")
CONDITIONS = np.random.default_rng(1).normal(size=(6, 2)).astype("float32")


def build(name, conditions_shape=(None, 2), **more):
    network = FlowNetwork(name, seed=0, jit_compile=False, **(SMALL[name] | more))
    network.build((None, 3), conditions_shape)
    helpers.randomize(network.flow, seed=1)
    return network


@pytest.fixture
def maf():
    return build("maf")


@pytest.mark.parametrize("name", SMALL)
def test_both_directions_and_the_density(name):
    network = build(name)
    z, log_density = network(X, conditions=CONDITIONS, density=True)
    expected = network.flow.log_prob(X, CONDITIONS)
    # Of a flow that estimates, two estimates.
    np.testing.assert_allclose(log_density, expected, atol=5 if network.flow.estimates else 1e-5)
    np.testing.assert_allclose(z, network.flow.encode(X, CONDITIONS), atol=1e-5)
    back = network(z, conditions=CONDITIONS, inverse=True)
    np.testing.assert_allclose(back, X, atol=1e-3)
    assert network.trainable_variables and network.sample((6,), CONDITIONS, seed=1).shape == (6, 3)


def test_the_density_of_both_directions_is_one(maf):
    z = maf(X, conditions=CONDITIONS)
    back, log_density = maf(z, conditions=CONDITIONS, inverse=True, density=True)
    np.testing.assert_allclose(log_density, maf.log_prob(X, CONDITIONS), atol=1e-4)
    np.testing.assert_allclose(back, X, atol=1e-4)


def test_sets_are_vectors_each(maf):
    x, conditions = X.reshape(2, 3, 3), CONDITIONS.reshape(2, 3, 2)
    log_density = maf.log_prob(x, conditions)
    assert log_density.shape == (2, 3)
    flat = np.reshape(log_density, -1)
    np.testing.assert_allclose(flat, maf.log_prob(X, CONDITIONS), atol=1e-5)
    assert maf(x, conditions=conditions).shape == (2, 3, 3)
    assert maf.sample((2, 3), conditions).shape == (2, 3, 3)


def test_samples_follow_seed_and_conditions(maf):
    first = maf.sample(6, CONDITIONS, seed=1)
    helpers.assert_same(first, maf.sample((6,), CONDITIONS, seed=1))
    given = keras.random.SeedGenerator(3)
    drawn = [maf.sample(6, CONDITIONS, seed=given) for _ in range(2)]
    for other in (*drawn, maf.sample(6, CONDITIONS), maf.sample(6, -CONDITIONS, seed=1)):
        assert np.abs(first - other).max() > 1e-3
    assert np.abs(drawn[0] - drawn[1]).max() > 1e-3
    z = maf(maf.sample(6, CONDITIONS, temperature=0.0), conditions=CONDITIONS)
    np.testing.assert_allclose(z, np.zeros((6, 3)), atol=1e-4)


def test_without_conditions():
    network = build("maf", None)
    assert network.sample(4, seed=0).shape == (4, 3)
    np.testing.assert_allclose(network.log_prob(X), network.flow.log_prob(X), atol=1e-5)


def test_metrics_are_minus_the_mean_log_density(maf):
    log_prob = np.asarray(maf.log_prob(X, CONDITIONS))
    weights = np.arange(6, dtype="float32")
    for stage in ("training", "validation"):
        loss = maf.compute_metrics(X, CONDITIONS, stage=stage)["loss"]
        np.testing.assert_allclose(loss, -log_prob.mean(), rtol=1e-5)
    loss = maf.compute_metrics(X, CONDITIONS, weights)["loss"]
    np.testing.assert_allclose(loss, -(log_prob * weights).mean(), rtol=1e-5)


def test_a_configuration_makes_the_same_network(maf):
    for network in (maf, FlowNetwork(zoo.MAF, name="again", transformer="affine")):
        config = json.loads(json.dumps(network.get_config()))
        again = FlowNetwork.from_config(config)
        assert again.family is zoo.MAF
        assert json.loads(json.dumps(again.get_config())) == config
    again = FlowNetwork.from_config(maf.get_config())
    again.build((None, 3), (None, 2))
    again.set_weights(maf.get_weights())
    np.testing.assert_allclose(again.log_prob(X, CONDITIONS), maf.log_prob(X, CONDITIONS))


def workflow_of(network, **more):
    return bayesflow.BasicWorkflow(
        inference_network=network,
        inference_variables=["theta"],
        inference_conditions=["x"],
        **more,
    )


@pytest.mark.parametrize("name", ["maf", pytest.param("residual_flow", marks=pytest.mark.slow)])
def test_a_workflow_trains_samples_and_saves(name, tmp_path):
    rng = np.random.default_rng(0)
    theta = rng.normal(2.0, 3.0, size=(64, 3)).astype("float32")
    data = {"theta": theta, "x": theta[:, :2] + rng.normal(size=(64, 2)).astype("float32")}
    network = FlowNetwork(name, seed=0, jit_compile=False, **SMALL[name])
    workflow = workflow_of(network)
    history = workflow.fit_offline(data, epochs=1, batch_size=32, validation_data=data, verbose=0)
    assert np.isfinite(history.history["loss"] + history.history["val_loss"]).all()
    fresh = FlowNetwork.from_config(network.get_config())
    fresh.build((None, 3), (None, 2))
    weights = zip(fresh.trainable_weights, network.trainable_weights, strict=True)
    assert max(np.abs(a - b).max() for a, b in weights) > 1e-6
    given = {"x": data["x"][:2]}
    samples = workflow.sample(num_samples=5, conditions=given, seed=1)["theta"]
    assert samples.shape == (2, 5, 3)

    # In units of the data: the network's density with the Jacobian of the standardization.
    layer = workflow.approximator.standardize_layers["inference_variables"]
    deviation = np.asarray(layer.moving_std(0))
    scaled = (theta - np.asarray(layer.moving_mean[0])) / deviation
    if not network.flow.estimates:
        expected = network.flow.log_prob(scaled, data["x"]) - np.log(deviation).sum()
        np.testing.assert_allclose(workflow.log_prob(data), expected, rtol=1e-4, atol=1e-4)

    workflow.approximator.save(tmp_path / "approximator.keras")
    loaded = keras.saving.load_model(tmp_path / "approximator.keras")
    again = loaded.sample(num_samples=5, conditions=given, seed=1)["theta"]
    np.testing.assert_allclose(again, samples, rtol=1e-4, atol=1e-4)


def test_wrong_arguments_are_told_when_they_are_given():
    with helpers.raises_one_line("name of one, of continuous, glow"):
        FlowNetwork("mfa")
    with helpers.raises_one_line("num_layer is not taken here; arguments of MAF are"):
        FlowNetwork("maf", num_layer=2)
    with helpers.raises_one_line("event_shape follows from the data"):
        FlowNetwork("maf", event_shape=(2,))
