import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import zoo
from tests import helpers
from zoo import distributions
from zoo.backend import tfb, tfd


@pytest.mark.parametrize(
    ("name", "reference"), [("normal", stats.norm), ("logistic", stats.logistic)]
)
def test_standard_bases(name, reference):
    distribution = distributions.base(name, (3,), "float64").distribution()
    x = np.random.default_rng(0).normal(size=(4, 3))
    np.testing.assert_allclose(distribution.log_prob(x), reference.logpdf(x).sum(-1))
    assert distribution.dtype == tf.float64
    z = distributions.sample_base(distributions.base(name, (1,)), 4000, None, (1, 2), 1.0)
    assert stats.kstest(np.ravel(z), reference.cdf).pvalue > 1e-3


def test_a_distribution_of_the_wrong_shape():
    with helpers.raises_one_line("base", "(3,)", "(2,)"):
        distributions.base(tfd.MultivariateNormalDiag(np.zeros(2, "float32")), (3,))


def test_a_scalar_distribution_is_no_vector():
    with helpers.raises_one_line("base", "(3,)", "()"):
        zoo.MAF((3,), base=tfd.Normal(0.0, 1.0))


def test_a_distribution_with_a_batch_shape():
    with helpers.raises_one_line("base", "batch shape", "(3,)"):
        zoo.MAF((1,), base=tfd.Independent(tfd.Normal(tf.zeros((3, 1)), 1.0), 1))


def cauchy():
    return tfd.Independent(tfd.Cauchy(np.zeros(2, "float32"), 1.0), 1)


def test_a_base_without_a_mean_is_sampled_all_the_same():
    flow = zoo.RealNVP((2,), num_layers=1, hidden_units=(4,), base=cauchy(), jit_compile=False)
    x = flow.sample(1000, seed=0)
    assert np.isfinite(x).all()
    assert stats.kstest(np.ravel(flow.encode(x)), "cauchy").pvalue > 1e-3


def test_a_base_without_a_mean_has_no_temperature():
    base = tfd.TransformedDistribution(
        tfd.MultivariateNormalDiag(np.zeros(2, "float32")), tfb.Softplus()
    )
    flow = zoo.RealNVP((2,), num_layers=1, hidden_units=(4,), base=base, jit_compile=False)
    with helpers.raises_one_line("temperature", "mean", "temperature=1"):
        flow.sample(3, seed=0, temperature=0.5)


def test_the_variables_of_a_base_are_trained_by_keras_and_used_by_tfp():
    loc = tf.Variable([1.0, 2.0])
    flow = zoo.Flow(
        [zoo.layers.ActNorm((2,))], base=tfd.MultivariateNormalDiag(loc), jit_compile=False
    )
    assert any(v.value is loc for v in flow.trainable_variables)
    before = flow.log_prob(np.zeros((1, 2), "float32"))
    loc.assign([5.0, 5.0])
    assert np.abs(flow.log_prob(np.zeros((1, 2), "float32")) - before) > 1.0


def test_a_conditional_flow_as_a_base_gets_the_context():
    base = zoo.RealNVP((2,), context_shape=(3,), num_layers=1, hidden_units=(4,), seed=0)
    flow = zoo.Flow([zoo.layers.ActNorm((2,))], context_shape=(3,), base=base, jit_compile=False)
    helpers.randomize(flow, scale=1.0)
    x, context = helpers.data(flow, 4), helpers.context(flow, 4)
    z, log_det = flow.stack.layers[0](x)
    np.testing.assert_allclose(
        flow.log_prob(x, context), base.log_prob(z, context) + log_det, atol=1e-5
    )
    moved = flow.sample(4, context, seed=1) - flow.sample(4, -context, seed=1)
    assert np.abs(moved).max() > 1e-3
