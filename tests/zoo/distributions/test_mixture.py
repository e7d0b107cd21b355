"""Autoregressive mixtures of Gaussians against TFP's, with the parameters of the plain network."""

import numpy as np
import pytest
from scipy import stats

from tests import helpers
from zoo.backend import tfd
from zoo.distributions import MixtureBase


def base_of(context_shape=None):
    base = MixtureBase(
        (3,), 4, hidden_units=(8,), context_shape=context_shape, seed=0, dtype="float64"
    )
    return helpers.randomize(base, scale=1.5)


@pytest.mark.parametrize("context_shape", [None, (2,)])
def test_density_is_a_mixture_of_gaussians(context_shape):
    base = base_of(context_shape)
    generator = np.random.default_rng(0)
    x = generator.normal(size=(5, 3))
    context = None if context_shape is None else generator.normal(size=(5, 2))
    log_weights, means, log_scales = base._split(base.network(x, context))
    mixture = tfd.MixtureSameFamily(
        tfd.Categorical(logits=log_weights), tfd.Normal(means, np.exp(log_scales))
    )
    expected = np.sum(mixture.log_prob(x), axis=-1)
    np.testing.assert_allclose(base.distribution(context).log_prob(x), expected)


def test_samples_have_the_cumulative_distribution_of_the_density():
    base = base_of()
    x = np.asarray(base.distribution().sample(4000, seed=(1, 2)))
    log_weights, means, log_scales = (np.asarray(v) for v in base._split(base.network(x)))
    below = stats.norm.cdf((x[..., None] - means) / np.exp(log_scales))
    # Each conditional's own distribution function makes its dimension uniform.
    uniform = (np.exp(log_weights) * below).sum(-1)
    for i in range(3):
        assert stats.kstest(uniform[:, i], "uniform").pvalue > 1e-3
    assert np.abs(np.corrcoef(uniform.T) - np.eye(3)).max() < 0.06


def test_components_start_apart():
    base = MixtureBase((2,), 3, hidden_units=(4,), seed=0)
    means = base._split(base.network(np.zeros((1, 2), "float32")))[1]
    assert len(np.unique(np.asarray(means)[0, 0])) == 3


@pytest.mark.parametrize("sample_shape", [(), (3,), (3, 4)])
def test_shapes(sample_shape):
    context = np.zeros((5, 2))
    distribution = base_of((2,)).distribution(context)
    assert tuple(distribution.batch_shape) == (5,)
    x = distribution.sample(sample_shape, seed=(1, 2))
    assert tuple(x.shape) == (*sample_shape, 5, 3)
    assert tuple(distribution.log_prob(x).shape) == (*sample_shape, 5)


def test_it_is_no_bijection_and_says_so():
    assert base_of().distribution().reparameterization_type == tfd.NOT_REPARAMETERIZED


def test_refuses():
    with helpers.raises_one_line("components", "at least 1", "0"):
        MixtureBase((3,), 0)
