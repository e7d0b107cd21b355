"""The base bijector: everything TFP asks, from one evaluation."""

import numpy as np
import pytest
import tensorflow as tf

from zoo import bijectors, transformers
from zoo.backend import tfb, tfd
from zoo.bijectors.one_pass import forward_and_log_det, inverse_and_log_det
from zoo.layers.coupling import Partition

AFFINE = transformers.Affine()


class Cube(bijectors.OnePassBijector):
    """`y = x^3`, counting its evaluations."""

    def __init__(self, **kwargs):
        self.calls = []
        super().__init__(event_ndims=1, **kwargs)

    def forward_and_log_det(self, x):
        self.calls.append("forward")
        return x**3, tf.reduce_sum(tf.math.log(3 * x**2), axis=-1)

    def inverse_and_log_det(self, y):
        self.calls.append("inverse")
        x = tf.sign(y) * tf.abs(y) ** (1 / 3)
        return x, -tf.reduce_sum(tf.math.log(3 * x**2), axis=-1)


X = np.array([[0.5, -1.5], [2.0, 0.7]])


def test_log_prob_costs_one_evaluation_and_that_of_a_sample_none():
    cube = Cube()
    flow = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(np.zeros(2)), cube)
    flow.log_prob(X)
    assert cube.calls == ["inverse"]
    flow.log_prob(flow.sample(3, seed=0))
    assert cube.calls == ["inverse", "forward"]


def test_both_log_dets_follow_from_either_direction():
    expected = np.log(3 * X**2).sum(-1)
    np.testing.assert_allclose(Cube().forward_log_det_jacobian(X, 1), expected)
    np.testing.assert_allclose(Cube().inverse_log_det_jacobian(X**3, 1), -expected)
    cube = Cube()
    y = cube.forward(X)
    np.testing.assert_allclose(cube.inverse_log_det_jacobian(y, 1), -expected)
    assert cube.inverse(y) is not None
    assert cube.calls == ["forward"]


def test_works_under_tfps_invert_and_chain():
    x = tf.constant(X)
    inverted = tfb.Invert(Cube())
    np.testing.assert_allclose(inverted.forward(x**3), X)
    chain = tfb.Chain([tfb.Shift(np.array([1.0, 2.0])), Cube(), tfb.Scale(np.float64(2.0))])
    np.testing.assert_allclose(chain.forward(x), (2 * X) ** 3 + [1, 2])
    expected = np.log(3 * (2 * X) ** 2).sum(-1) + 2 * np.log(2)
    np.testing.assert_allclose(chain.forward_log_det_jacobian(x, 1), expected)
    np.testing.assert_allclose(chain.inverse(chain.forward(x)), X)


def test_bijectors_of_one_class_do_not_share_a_cache():
    """A bijector over weights that changed since must not answer with what another one found."""
    first, second = Cube(), Cube()
    y = first.forward(tf.constant(X))
    second.inverse(y)
    assert second.calls == ["inverse"]


def test_the_context_is_the_batch_shape():
    plain, one = Cube(), Cube(context=tf.zeros((4, 3)))
    assert plain.experimental_batch_shape() == ()
    assert one.experimental_batch_shape() == (4,)
    assert tuple(one.experimental_batch_shape_tensor()) == (4,)


# Ours and what they stand for among TFP's own.
SCALAR = {
    "shift": (lambda v: bijectors.Shift(v), tfb.Shift),
    "affine": (lambda v: bijectors.Affine(v, 0.1 * v), tfb.Shift),
    "gate": (lambda v: bijectors.Gate(v[0], tf.exp(v)), tfb.Shift),
    "spline": (
        lambda v: bijectors.RationalQuadraticSpline(
            tf.ones((*v.shape, 2)), tf.ones((*v.shape, 2)), tf.ones((*v.shape, 1)), 1.0
        ),
        tfb.Shift,
    ),
}


@pytest.mark.parametrize("name", SCALAR)
def test_batch_shapes_of_parameters_are_those_of_tfp(name):
    v = tf.reshape(tf.range(6.0), (2, 3))
    ours, theirs = (make(v) for make in SCALAR[name])
    for ndims in (0, 1, 2):
        expected = theirs.experimental_batch_shape(x_event_ndims=ndims)
        assert ours.experimental_batch_shape(x_event_ndims=ndims) == expected
        found = ours.experimental_batch_shape_tensor(x_event_ndims=ndims)
        assert tuple(found) == tuple(expected)
    base = tfd.Normal(0.0, 1.0)
    assert tfd.TransformedDistribution(base, ours).batch_shape == (2, 3)


@pytest.mark.parametrize("name", sorted(transformers.TRANSFORMERS))
def test_scalar_bijectors_have_the_batch_of_their_parameters_and_a_cdf(name):
    """The derivative of the CDF is the density, and the quantile is its inverse."""
    transformer = transformers.get(name)
    params = 0.5 * np.random.default_rng(0).normal(size=(5, transformer.num_params))
    bijector = transformer.bijector(tf.constant(params))
    assert bijector.experimental_batch_shape() == tfb.Shift(params[:, 0]).experimental_batch_shape()
    flow = tfd.TransformedDistribution(tfd.Normal(np.float64(0.0), np.float64(1.0)), bijector)
    assert flow.batch_shape == (5,) and flow.sample(seed=0).shape == (5,)
    x = tf.constant([[-1.5], [0.0], [0.3], [2.0]], tf.float64) + tf.zeros(5, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(x)
        share = flow.cdf(x)
    np.testing.assert_allclose(tape.gradient(share, x), flow.prob(x), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(flow.quantile(share), x, rtol=0, atol=1e-6)


def test_only_scalar_bijectors_are_asked_whether_they_increase():
    base = tfd.Normal(np.float64(0.0), np.float64(1.0))
    with pytest.raises(NotImplementedError, match="not known to increase"):
        tfd.TransformedDistribution(base, bijectors.Permute([1, 0])).cdf(X)


def conditional(context):
    """A chain whose parts look at the context in their own ways."""

    def parameters(context):
        return tf.stack([context, tf.sin(context)], axis=-1)

    def conditioner(x, context):
        return tf.stack([x * context[..., :1], x + context[..., :1]], axis=-1)

    parts = [
        bijectors.Permute([1, 0]),
        bijectors.Elementwise(parameters, AFFINE, context=context),
        bijectors.Coupling(Partition([True, False]), conditioner, AFFINE, context=context),
        bijectors.Reshape((2,), (1, 2)),
    ]
    return bijectors.Chain(parts, (2,), (1, 2), context=context)


@pytest.mark.parametrize(
    "slices", [slice(2, 4), 1, (..., None), (None,), (slice(None, None, 2), None)], ids=str
)
def test_slices_and_copies(slices):
    context = tf.constant(np.random.default_rng(0).normal(size=(5, 2)))
    base = tfd.Independent(tfd.Normal(tf.zeros((1, 2), tf.float64), 1.0), 2)
    flow = tfd.TransformedDistribution(base, conditional(context))
    assert flow.batch_shape == (5,)
    sliced = flow[slices]
    x = np.random.default_rng(1).normal(size=2)
    expected = flow.log_prob(x).numpy()[slices]
    assert sliced.batch_shape == expected.shape
    np.testing.assert_allclose(sliced.log_prob(x), expected)
    assert sliced.sample(3, seed=0).shape == (3, *expected.shape, 2)
    np.testing.assert_allclose(flow.copy().log_prob(x), flow.log_prob(x))
    for part in (flow.bijector, *flow.bijector.bijectors):
        assert part.copy().parameters == part.parameters


def test_a_direction_that_is_not_written_says_so():
    with pytest.raises(NotImplementedError, match="half has no inverse direction"):
        bijectors.OnePassBijector(name="half").inverse(X)
    with pytest.raises(NotImplementedError, match="half has no forward direction"):
        bijectors.OnePassBijector(name="half").forward(X)


def test_value_and_log_det_of_tfps_own_bijectors():
    exp = tfb.Exp()
    y, log_det = forward_and_log_det(exp, tf.constant(X), 1)
    np.testing.assert_allclose(y, np.exp(X))
    np.testing.assert_allclose(log_det, X.sum(-1))
    x, log_det = inverse_and_log_det(exp, y, 1)
    np.testing.assert_allclose(x, X)
    np.testing.assert_allclose(log_det, -X.sum(-1))


def test_finds_its_raw_variables():
    variable = tf.Variable(1.0)
    assert Cube(variables=[variable]).trainable_variables == (variable,)
