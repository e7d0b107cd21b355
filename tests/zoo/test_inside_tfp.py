"""Flows inside TFP's own machinery: joint distributions, variational inference, MCMC, chains."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

import zoo
from tests import helpers
from tests.zoo import table
from zoo.backend import tfb, tfd


def test_joint_distribution():
    flow = table.shared("maf_context")
    joint = tfd.JointDistributionSequential(
        [
            tfd.MultivariateNormalDiag(np.zeros(2, "float32"), np.ones(2, "float32")),
            lambda context: flow.distribution(context),
        ]
    )
    context, x = joint.sample(4, seed=(1, 2))
    assert (context.shape, x.shape) == ((4, 2), (4, 3))
    expected = joint.model[0].log_prob(context) + flow.log_prob(x, context)
    np.testing.assert_allclose(joint.log_prob([context, x]), expected, rtol=1e-4, atol=1e-4)


def test_a_name_that_keras_made_is_none_to_a_joint_distribution():
    named, unnamed = (zoo.MAF((2,), num_layers=1, hidden_units=(4,), name=n) for n in ("x", None))
    joint = tfd.JointDistributionSequential(
        [unnamed.distribution(), lambda loc: tfd.Independent(tfd.Normal(loc, 1.0), 1)]
    )
    draws = joint.sample(3, seed=(1, 2))
    assert joint.log_prob(draws).shape == (3,)
    assert named.distribution().name.startswith("x")
    assert "maf" not in unnamed.distribution().parameters


SURROGATES = {"real_nvp": {}, "iaf": {}, "maf": {}, "nsf": {}, "i_resnet": {}, "continuous": {}}
SURROGATES["residual_flow"] = {}


SURROGATES |= {name: {"fast": "sample"} for name in ("naf", "planar", "radial", "sylvester")}


@pytest.mark.parametrize("name", table.params(["real_nvp"], SURROGATES))
def test_surrogate_posterior(name):
    settings = {"num_layers": 1, "hidden_units": (8,), "seed": 0, "jit_compile": False}
    settings["num_layers"] = 8 if name in ("planar", "radial", "i_resnet", "residual_flow") else 1
    flow = zoo.MODELS[name]((2,), **settings, **SURROGATES[name])
    surrogate = flow.distribution(training=True)
    variables = list(surrogate.trainable_variables)
    assert {id(v) for v in variables} == {id(v.value) for v in flow.trainable_variables}
    target = tfd.MultivariateNormalTriL(
        np.array([2.0, -1.0], "float32"), np.array([[0.5, 0.0], [1.0, 0.7]], "float32")
    )
    before = flow.get_weights()
    losses = tfp.vi.fit_surrogate_posterior(
        target.log_prob,
        surrogate,
        optimizer=keras.optimizers.Adam(0.05),
        num_steps=60,
        sample_size=32,
        seed=(1, 2),
    )
    assert np.isfinite(losses).all()
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])
    changed = [np.any(a != b) for a, b in zip(flow.get_weights(), before, strict=True)]
    # RealNVP's single coupling and every masked kernel see all of their inputs.
    assert np.mean(changed) > 0.9


def test_norms_follow_weights_that_a_distribution_is_trained_through():
    flow = zoo.IResNet((2,), num_layers=2, hidden_units=(8,), seed=0, jit_compile=False)
    helpers.randomize(flow, seed=1, scale=2.0)
    x = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")

    @tf.function
    def step(training, optimizer):
        distribution = flow.distribution(training=training)
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(distribution.log_prob(0.1 * x))
        variables = flow.trainable_variables
        optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)

    start, largest = flow.get_weights(), {}
    for training in (False, True):
        flow.set_weights(start)
        optimizer = keras.optimizers.Adam(0.2)
        optimizer.build(flow.trainable_variables)
        for _ in range(20):
            step(training, optimizer)
        largest[training] = max(np.max(n) for _, n in zoo.layers.lipschitz_constants(flow, x))
    assert largest[True] < 1 < largest[False]


@pytest.mark.parametrize("name", table.params(["real_nvp"], ["real_nvp", "planar", "i_resnet"]))
def test_transformed_transition_kernel(name):
    """HMC on the latent of a flow, whose chains have leading dimensions of their own."""
    flow = table.shared(name)
    target = tfd.MultivariateNormalDiag(np.array([1.0, 0.0, -1.0], "float32"))
    kernel = tfp.mcmc.TransformedTransitionKernel(
        tfp.mcmc.HamiltonianMonteCarlo(target.log_prob, step_size=0.2, num_leapfrog_steps=5),
        bijector=flow.bijector(),
    )

    @tf.function
    def run():
        return tfp.mcmc.sample_chain(
            200,
            tf.zeros((64, 3)),
            kernel=kernel,
            num_burnin_steps=50,
            trace_fn=lambda _, results: results.inner_results.is_accepted,
            seed=(1, 2),
        )

    states, accepted = run()
    assert states.shape == (200, 64, 3)
    assert np.mean(accepted) > 0.3
    np.testing.assert_allclose(np.mean(states, axis=(0, 1)), [1.0, 0.0, -1.0], atol=0.1)


def test_invert_and_chain():
    flow = table.shared("maf")
    x = helpers.data(flow, 4)
    inverted = tfb.Invert(flow.bijector())
    np.testing.assert_allclose(inverted.forward(x), flow.encode(x), atol=1e-5)
    log_det = flow.bijector().inverse_log_det_jacobian(x, 1)
    np.testing.assert_allclose(inverted.forward_log_det_jacobian(x, 1), log_det, atol=1e-5)
    chain = tfb.Chain([tfb.Exp(), flow.bijector(), tfb.Scale(2.0)])
    z = np.asarray(flow.encode(x)) / 2.0
    np.testing.assert_allclose(chain.forward(z), np.exp(x), rtol=1e-4)
    expected = -log_det + 3 * np.log(2.0) + x.sum(axis=-1)
    np.testing.assert_allclose(chain.forward_log_det_jacobian(z, 1), expected, atol=1e-4)
