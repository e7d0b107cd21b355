import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from zoo.backend import tfd

SMALL = {"num_layers": 2, "seed": 0, "jit_compile": False}
FAMILIES = (zoo.Planar, zoo.Sylvester)


def loops(call, *args):
    """How many loops a call's graph holds."""
    kinds = ("While", "StatelessWhile")
    return sum(helpers.operations(tf.function(call), *args, kind=kind) for kind in kinds)


@pytest.mark.parametrize("fast", ["log_prob", "sample"])
def test_only_one_direction_iterates(fast):
    x = tf.zeros((4, 3))
    bijector = zoo.Planar((3,), fast=fast, **SMALL).bijector
    found = loops(lambda x: bijector().inverse(x), x), loops(lambda x: bijector().forward(x), x)
    assert [n > 0 for n in found] == [fast == "sample", fast == "log_prob"]


def test_a_sample_carries_its_density_without_an_iteration():
    flow = zoo.Planar((3,), context_shape=(2,), fast="sample", **SMALL)

    def both(context):
        distribution = flow.distribution(context)
        x = distribution.sample(seed=(0, 1))
        return x, distribution.log_prob(x)

    assert loops(both, tf.zeros((4, 2))) == 0


@pytest.mark.parametrize("family", FAMILIES)
def test_an_inverse_that_does_not_converge_is_refused_and_reported(family, eagerly):
    flow = helpers.randomize(family((3,), max_iterations=2, **SMALL), scale=2.0)
    z = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    with pytest.raises(zoo.NotConverged, match="decode.*max_iterations"):
        flow.decode(z)
    with pytest.raises(zoo.NotConverged, match="8 of 8|of 8"):
        flow.sample(8, seed=1)
    assert np.isnan(flow.distribution().sample(8, seed=(0, 1))).any()
    reports = [report for _, report in flow.inverse_report(z)]
    assert len(reports) == 2
    assert not all(np.all(report.converged) for report in reports)
    enough = family((3,), **SMALL)
    enough.set_weights(flow.get_weights())
    for _, report in enough.inverse_report(z):
        assert report.converged.shape == report.residual.shape == (8,)
        assert np.all(report.converged) and 2 < report.iterations <= 100
    np.testing.assert_allclose(enough.encode(enough.decode(z)), z, atol=1e-4)


def train(posterior, steps, log_joint, draw, seed=0):
    """The last bounds `E_q[log p(x, z) - log q(z | x)]` of a training by their gradient."""
    optimizer = keras.optimizers.Adam(1e-2)
    optimizer.build(posterior.trainable_variables)
    generator = np.random.default_rng(seed)

    @tf.function
    def step(x, seed):
        with tf.GradientTape() as tape:
            q = posterior.distribution(x)
            z = q.sample(seed=seed)
            bound = log_joint(x, z) - q.log_prob(z)
            loss = -tf.reduce_mean(bound)
        variables = [v.value for v in posterior.trainable_variables]
        optimizer.apply(tape.gradient(loss, variables), posterior.trainable_variables)
        return bound

    bounds = [
        step(tf.constant(draw(generator), "float32"), tf.constant([i, 1])) for i in range(steps)
    ]
    return np.concatenate(bounds[-max(1, steps // 10) :])


def crescent(x, z):
    """`log p(x, z)` up to a constant: `z` normal in two dimensions, `x` its length but for noise.

    Given `x`, `z` is on a ring.
    """
    length = tf.sqrt(tf.reduce_sum(z**2, axis=-1) + 1e-6)
    prior = tfd.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    return prior.log_prob(z) + tfd.Normal(length, 0.3).log_prob(x[..., 0])


def lengths(generator, n=64):
    return np.linalg.norm(generator.normal(size=(n, 2)), axis=1, keepdims=True)


def test_an_amortised_posterior_beats_the_gaussian_it_starts_from():
    """As in a variational autoencoder, whose encoder reads the data and predicts all parameters."""
    settings = {"hidden_units": (16,), "activation": "tanh", "context_shape": (1,)}
    planar = zoo.Planar((2,), num_layers=4, fast="sample", seed=0, jit_compile=False, **settings)
    gaussian = zoo.Flow(
        [zoo.layers.Elementwise((2,), hidden_units=(16,), context_shape=(1,), seed=0)],
        context_shape=(1,),
        jit_compile=False,
    )
    ours, theirs = (train(flow, 200, crescent, lengths) for flow in (planar, gaussian))
    error = np.sqrt(ours.var() / len(ours) + theirs.var() / len(theirs))
    assert ours.mean() - theirs.mean() > 0.1 + 3 * error
    # What was trained by its samples has a density at any point.
    x, z = np.full((5, 1), 1.5, "float32"), np.random.default_rng(0).normal(size=(5, 2))
    assert np.isfinite(planar.log_prob(z.astype("float32"), x)).all()
