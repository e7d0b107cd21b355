"""Flows where TFP's users put distributions and bijectors."""

import numpy as np
import pytest
import tensorflow as tf

from tests import helpers
from tests.zoo import table
from zoo.backend import tfd


def slow(*names):
    return [pytest.param(name, marks=pytest.mark.slow) for name in names]


DISTRIBUTIONS = ["real_nvp_image", "maf", "maf_flow_base"]
# What takes long: those without a closed form one way, or both, and splines.
LONG = [
    "real_nvp",
    "maf_mixture_base",
    "iaf",
    "planar",
    "i_resnet",
    "residual_flow",
    "naf",
    "radial",
    "sylvester",
    "continuous",
    "nsf",
]
DISTRIBUTIONS += slow(*LONG)


@pytest.mark.parametrize("sample_shape", [(), (3,), (3, 4)])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_leading_sample_shapes(name, sample_shape):
    flow = table.shared(name)
    distribution = flow.distribution(helpers.context(flow, 1))
    event = tuple(flow.event_shape)
    assert tuple(distribution.event_shape) == event
    x = distribution.sample(sample_shape, seed=(1, 2))
    assert tuple(x.shape) == sample_shape + tuple(distribution.batch_shape) + event
    log_prob = flow.distribution(helpers.context(flow, 1)).log_prob(x)
    assert log_prob.shape == x.shape[: x.shape.rank - len(event)]
    # Not by the public call, which refuses samples beyond the grey levels.
    flat = flow.distribution(helpers.context(flow, 1)).log_prob(np.reshape(x, (-1, *event)))
    np.testing.assert_allclose(np.reshape(log_prob, -1), flat, rtol=1e-4, atol=1e-4)


BATCHES = ["maf_classes", "made_mixture", "layers"]
WITH_CONTEXT = [
    "real_nvp_context",
    "planar_context",
    "naf_context",
    "sylvester_context",
    "continuous_context",
]
BATCHES += slow(*WITH_CONTEXT)


@pytest.mark.parametrize("sample_shape", [(), (4,), (3, 4)])
@pytest.mark.parametrize("name", BATCHES)
def test_a_batch_of_contexts_is_the_batch_shape(name, sample_shape):
    flow = table.shared(name)
    given = helpers.context(flow, 5)
    distribution = flow.distribution(given)
    assert tuple(distribution.batch_shape) == (5,)
    assert tuple(distribution.batch_shape_tensor()) == (5,)
    x = distribution.sample(sample_shape, seed=(1, 2))
    assert tuple(x.shape) == (*sample_shape, 5, 3)
    assert len(np.unique(np.round(np.asarray(x)[..., 0], 6))) == np.prod((*sample_shape, 5))
    log_prob = flow.distribution(given).log_prob(x)
    assert tuple(log_prob.shape) == (*sample_shape, 5)
    each = flow.log_prob(
        np.reshape(x, (-1, 3)),
        np.broadcast_to(given, (*sample_shape, *given.shape)).reshape(-1, *given.shape[1:]),
    )
    np.testing.assert_allclose(np.reshape(log_prob, -1), each, rtol=1e-4, atol=1e-4)


def test_one_event_under_a_batch_of_contexts():
    flow = table.shared("real_nvp_context")
    given = helpers.context(flow, 5)
    x = helpers.data(flow, 1)[0]
    log_prob = flow.distribution(given).log_prob(x)
    np.testing.assert_allclose(log_prob, flow.log_prob(np.stack([x] * 5), given), atol=1e-5)


def test_a_single_context_gives_no_batch_shape():
    flow = table.shared("real_nvp_context")
    distribution = flow.distribution(helpers.context(flow, 1)[0])
    assert tuple(distribution.batch_shape) == ()
    assert distribution.sample(2, seed=(1, 2)).shape == (2, 3)


# A family of each way of being made of parts: copies and slices of what `distribution` returns.
SLICED = ["maf_classes", "real_nvp_context", "made_mixture", "layers"]
OF_PARTS = ["real_nvp_scales", "i_resnet_scales", "glow_image", "glow_recompute"]
OF_PARTS += ["nsf_image", "radial_image", "continuous_context", "planar_context", "naf_image"]
OF_PARTS += ["sylvester_context", "iaf_context", "nice_context"]


@pytest.mark.parametrize("name", [*SLICED, *slow(*OF_PARTS)])
def test_copies_and_slices(name, eagerly):
    flow = table.shared(name)
    distribution = flow.distribution(helpers.context(flow, 5))
    x = helpers.floats(flow, 1)[0]
    expected = distribution.log_prob(x).numpy()
    slices = [(..., None)] + [slice(2, 4)] * flow.conditional
    for part in slices:
        sliced = distribution[part]
        assert tuple(sliced.batch_shape) == expected[part].shape
        np.testing.assert_allclose(sliced.log_prob(x), expected[part], rtol=1e-4, atol=1e-4)
        drawn = sliced.sample(2, seed=(1, 2))
        assert tuple(drawn.shape) == (2, *expected[part].shape, *flow.event_shape)
    np.testing.assert_allclose(distribution.copy().log_prob(x), expected, rtol=1e-4, atol=1e-4)
    copied = distribution.bijector.copy().inverse(x)
    np.testing.assert_allclose(copied, distribution.bijector.inverse(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", [*SLICED, "real_nvp_image", *slow(*OF_PARTS)])
def test_event_shapes_as_tensors_are_those_that_are_known_before(name):
    flow = table.shared(name)
    bijector = flow.bijector(helpers.context(flow, 1))
    for way, shape in {"forward": flow.latent_shape, "inverse": flow.event_shape}.items():
        static = tuple(getattr(bijector, f"{way}_event_shape")(shape))
        dynamic = getattr(bijector, f"{way}_event_shape_tensor")(np.array(shape, np.int32))
        assert static == tuple(dynamic)
        assert static == tuple(flow.event_shape if way == "forward" else flow.latent_shape)


EMPTY = ["planar", "sylvester", "naf", "i_resnet", "glow_image"]
MORE_EMPTY = ["residual_flow_roulette", "continuous", "i_resnet_scales", "iaf", "maf_mixture_base"]
MORE_EMPTY += ["naf_sample", "real_nvp_scales", "planar_context"]


@pytest.mark.parametrize("name", [*EMPTY, *slow(*MORE_EMPTY)])
def test_no_events(name, eagerly):
    flow = table.shared(name)
    none = helpers.context(flow, 0)
    x, z = (np.zeros((0, *s), "float32") for s in (flow.event_shape, flow.latent_shape))
    distribution = flow.distribution(none)
    drawn = distribution.sample(*[] if flow.conditional else [0], seed=(1, 2))
    assert flow.sample(0, none).shape == drawn.shape == x.shape
    assert flow.log_prob(x, none).shape == distribution.log_prob(x).shape == (0,)
    assert (flow.decode(z, none).shape, flow.encode(x, none).shape) == (x.shape, z.shape)


def test_estimates_are_drawn_anew_in_training_alone():
    flow = table.shared("residual_flow_roulette")
    x = helpers.data(flow, 3)
    fixed, training = flow.distribution(), flow.distribution(training=True)
    assert np.abs(training.log_prob(x) - training.log_prob(x + 0.0)).max() > 1e-5
    helpers.assert_same(fixed.log_prob(x), flow.distribution().log_prob(x))


@pytest.mark.parametrize("name", ["maf_context", *slow("real_nvp_context", "planar_context")])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_inside_a_users_function(name, jit_compile):
    flow = table.shared(name)
    x, given = helpers.data(flow, 4), helpers.context(flow, 4)

    @tf.function(jit_compile=jit_compile)
    def run(x, given):
        distribution = flow.distribution(given)
        samples = distribution.sample(2, seed=(1, 2))
        return distribution.log_prob(x), samples, distribution.log_prob(samples)

    log_prob, samples, of_samples = run(x, given)
    np.testing.assert_allclose(log_prob, flow.log_prob(x, given), atol=1e-5)
    again = flow.distribution(given).log_prob(samples)
    np.testing.assert_allclose(of_samples, again, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["maf", "i_resnet", *slow("real_nvp", "iaf", "continuous", "naf")])
def test_gradient_with_respect_to_the_data(name):
    flow = table.shared(name)
    x = tf.constant(helpers.data(flow, 2))
    with tf.GradientTape() as tape:
        tape.watch(x)
        log_prob = flow.distribution().log_prob(x)
    gradient = tape.gradient(log_prob, x).numpy()
    step = 1e-2 * np.eye(3, dtype="float32")
    for i in range(3):
        ends = [flow.log_prob(x + sign * step[i]).numpy() for sign in (1, -1)]
        np.testing.assert_allclose((ends[0] - ends[1]) / 2e-2, gradient[:, i], atol=0.02)


@pytest.mark.parametrize("name", ["maf", *slow("real_nvp", "iaf", "planar", "continuous")])
def test_samples_are_reparameterised(name):
    """The gradient of a sample with respect to every variable, against finite differences."""
    flow = table.build(name, jit_compile=False)
    assert flow.distribution().reparameterization_type == tfd.FULLY_REPARAMETERIZED

    def loss():
        return tf.reduce_sum(tf.sin(flow.distribution().sample(3, seed=(1, 2))))

    variables = list(flow.distribution().trainable_variables)
    with tf.GradientTape() as tape:
        value = loss()
    gradients = tape.gradient(value, variables)
    assert all(g is not None and np.isfinite(g).all() for g in gradients)
    generator = np.random.default_rng(0)
    directions = [
        generator.normal(size=g.shape).astype("float32") * (g.numpy() != 0) for g in gradients
    ]
    start = [v.numpy() for v in variables]
    ends = []
    for sign in (1, -1):
        for v, s, d in zip(variables, start, directions, strict=True):
            v.assign(s + sign * 1e-3 * d)
        ends.append(float(loss()))
    slope = sum(float(np.sum(g * d)) for g, d in zip(gradients, directions, strict=True))
    assert abs(slope) > 0.1
    assert abs((ends[0] - ends[1]) / 2e-3 - slope) < 0.02 * abs(slope) + 0.02
