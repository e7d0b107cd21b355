"""The public calls: shapes, seeds, padding, compiling, and use inside a user's own function."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from tests.zoo import table
from zoo.backend.compiled import bucket


@pytest.mark.parametrize("name", table.params())
def test_every_model(name, eagerly):
    flow = table.shared(name)
    x, context = helpers.data(flow, 4), helpers.context(flow, 4)
    log_prob = flow.log_prob(x, context, seed=1)
    assert log_prob.shape == (4,)
    assert np.isfinite(log_prob).all()
    helpers.assert_same(log_prob, flow.log_prob(x, context, seed=1))
    bits = -np.asarray(log_prob) / (np.prod(flow.event_shape) * np.log(2))
    np.testing.assert_allclose(flow.bits_per_dim(x, context, seed=1), bits, rtol=1e-6)
    samples = flow.sample(4, context, seed=3)
    assert samples.shape == (4, *flow.event_shape)
    assert samples.dtype == flow.variable_dtype
    helpers.assert_same(samples, flow.sample(4, context, seed=3))
    assert np.abs(samples - flow.sample(4, context, seed=4)).max() > 1e-3
    if name == "made_mixture":  # A density without a latent.
        return
    x = helpers.floats(flow, 4)
    z = flow.encode(x, context)
    assert z.shape == (4, *flow.latent_shape)
    assert np.abs(np.reshape(z, -1) - x.reshape(-1)).max() > 1e-2
    np.testing.assert_allclose(flow.decode(z, context), x, rtol=0, atol=1e-4)


def test_samples_without_a_seed_differ():
    flow = table.shared("real_nvp")
    assert np.abs(flow.sample(4) - flow.sample(4)).max() > 1e-3


def test_one_context_for_all():
    for name in ("real_nvp_context", "maf_classes"):
        flow = table.shared(name)
        x, context = helpers.data(flow, 4), helpers.context(flow, 4)
        rows = np.repeat(context[:1], 4, axis=0)
        helpers.assert_same(flow.log_prob(x, context[0]), flow.log_prob(x, rows))
        helpers.assert_same(flow.encode(x, context[0]), flow.encode(x, rows))
        first = flow.sample(4, context[0], seed=1)
        helpers.assert_same(first, flow.sample(4, rows, seed=1))
        assert np.abs(first - flow.sample(4, context, seed=1)).max() > 1e-3


@pytest.mark.parametrize("name", ["maf_classes", "maf_image"])
def test_without_a_label_a_flow_is_the_mixture_over_its_classes(name):
    flow = table.shared(name)
    x = helpers.floats(flow, 5)
    expected = helpers.mixture_log_prob(flow, x)
    np.testing.assert_allclose(flow.log_prob(x), expected, rtol=1e-5)
    np.testing.assert_allclose(flow.distribution().log_prob(x), expected, rtol=1e-5)


def test_a_mixture_over_classes_that_no_layer_looks_at_is_the_flow_itself():
    layers = [zoo.layers.ActNorm((3,))]
    flow = zoo.Flow(layers, num_classes=4, jit_compile=False)
    x = helpers.data(flow, 5)
    np.testing.assert_allclose(flow.log_prob(x), zoo.Flow(layers).log_prob(x), rtol=1e-6)
    np.testing.assert_allclose(flow.log_prob(x), flow.log_prob(x, 2), rtol=1e-6)


@pytest.mark.parametrize("name", ["maf_distribution_base", "real_nvp_context", "nice"])
def test_temperature_zero_is_the_mode_of_the_base(name):
    flow = table.shared(name)
    context = helpers.context(flow, 3)
    mode = [0.1, -0.2, 0.3] if name == "maf_distribution_base" else [0.0] * 3
    expected = flow.decode(np.array([mode] * 3, "float32"), context)
    np.testing.assert_allclose(
        flow.sample(3, context, seed=1, temperature=0.0), expected, atol=1e-6
    )


def test_temperature_scales_the_latent():
    flow = table.shared("real_nvp")
    whole, half = (flow.encode(flow.sample(50, seed=1, temperature=t)) for t in (1.0, 0.5))
    np.testing.assert_allclose(half, 0.5 * whole, atol=1e-5)


def test_temperature_of_a_flow_with_a_mixture_base():
    flow = table.shared("maf_mixture_base")
    frozen = [flow.sample(200, seed=1, temperature=t).numpy().std(0).mean() for t in (0.01, 1.0)]
    assert frozen[0] < frozen[1]


def test_to_levels():
    flow = table.shared("maf_image")
    x = np.array([-0.3, 0.2, 3.999, 5.0], "float32").reshape(1, 2, 2, 1)
    levels = flow.to_levels(x)
    np.testing.assert_array_equal(np.reshape(levels, -1), [0, 0, 3, 4])
    assert levels.dtype == "uint8"


def test_a_logit_flow_takes_its_own_samples_though_some_lie_beyond_the_ends():
    flow = table.shared("maf_image")
    far = flow.decode(np.array([[1e3] * 4, [-1e3] * 4], "float32"), 0)
    assert np.isfinite(flow.log_prob(far)).all()


def test_samples_of_a_discrete_flow_lie_in_its_range():
    flow = table.shared("maf_image")
    samples = flow.sample(64, seed=0).numpy()
    assert samples.min() > -0.1 and samples.max() < flow.levels + 0.1
    assert np.isfinite(flow.log_prob(samples)).all()
    assert set(np.unique(flow.to_levels(samples))) <= set(range(flow.levels))


@pytest.mark.parametrize("batch", [None, 3])
def test_interpolate(batch):
    flow = table.shared("maf_context")
    x = helpers.data(flow, 6)
    context = helpers.context(flow, 1)[0]
    a, b = (x[0], x[3]) if batch is None else (x[:3], x[3:])
    path = flow.interpolate(a, b, steps=5, context=context)
    assert path.shape == (5, *np.shape(a))
    np.testing.assert_allclose(path[0], a, atol=1e-4)
    np.testing.assert_allclose(path[-1], b, atol=1e-4)
    ends = [flow.encode(np.atleast_2d(v), context) for v in (a, b)]
    middle = flow.decode(0.5 * (ends[0] + ends[1]), context)
    np.testing.assert_allclose(np.atleast_2d(path[2]), middle, atol=1e-4)


# Compiling.


class Counting(zoo.layers.Elementwise):
    """Counts how often its Python code runs."""

    runs = 0

    def bijector(self, context=None, randomness=None):
        self.runs += 1
        return super().bijector(context, randomness)


def counting(jit_compile):
    layer = Counting((3,))
    return zoo.Flow([layer], jit_compile=jit_compile), layer


@pytest.mark.parametrize("jit_compile", [False, True])
def test_repeated_calls_run_no_python(jit_compile):
    flow, layer = counting(jit_compile)
    x = np.ones((4, 3), "float32")
    calls = [
        lambda: flow.log_prob(x),
        lambda: flow.encode(x),
        lambda: flow.decode(x),
        lambda: flow.sample(4, seed=1),
    ]
    for call in calls:
        call()
        before = layer.runs
        for _ in range(5):
            call()
        assert layer.runs == before


@pytest.mark.parametrize(("jit_compile", "most"), [(False, 3), (True, 13)])
def test_new_batch_sizes_do_not_retrace_without_bound(jit_compile, most):
    flow, layer = counting(jit_compile)
    for n in range(1, 65):
        assert flow.log_prob(np.ones((n, 3), "float32")).shape == (n,)
    assert layer.runs <= most


def test_buckets():
    for n in range(1, 300):
        assert n <= bucket(n) <= max(1.5 * n, n + 1)
        assert bucket(bucket(n)) == bucket(n)
    assert len({bucket(n) for n in range(1, 1025)}) <= 21


def test_padding_to_a_bucket_changes_nothing():
    flow = table.build("real_nvp_context", jit_compile=True)
    plain = table.shared("real_nvp_context")
    x, context = helpers.data(flow, 5), helpers.context(flow, 5)
    for given in (context, context[0]):
        np.testing.assert_allclose(flow.log_prob(x, given), plain.log_prob(x, given), atol=1e-5)
        np.testing.assert_allclose(flow.encode(x, given), plain.encode(x, given), atol=1e-5)
        np.testing.assert_allclose(
            flow.sample(5, given, seed=2), plain.sample(5, given, seed=2), atol=1e-5
        )


def test_calls_see_new_weights():
    flow = table.build("real_nvp", jit_compile=False)
    x = helpers.data(flow, 4)
    before = flow.log_prob(x)
    helpers.randomize(flow, seed=7)
    assert np.abs(flow.log_prob(x) - before).max() > 1e-3


def test_no_rows():
    flow = table.shared("real_nvp")
    assert flow.log_prob(np.zeros((0, 3), "float32")).shape == (0,)
    assert flow.sample(0).shape == (0, 3)


@pytest.mark.parametrize("name", ["glow_image", "maf_image"])
def test_no_images(name):
    flow = table.shared(name)
    none = np.zeros((0, *flow.event_shape), "uint8")
    context = np.zeros(0, "int32") if flow.num_classes else None
    assert flow.log_prob(none, seed=0).shape == (0,)
    assert flow.encode(none, context).shape == (0, *flow.latent_shape)
    assert flow.sample(0, context).shape == none.shape


@pytest.mark.parametrize(
    "name",
    table.params({"maf_image", "iaf"}, ["real_nvp_context", "maf_image", "maf_classes", "iaf"]),
)
def test_inside_a_users_function_of_unknown_batch_size(name):
    flow = table.shared(name)
    x, context = helpers.floats(flow, 5), helpers.context(flow, 5)
    specs = [tf.TensorSpec([None, *flow.event_shape], x.dtype)]
    if context is not None:
        specs.append(tf.TensorSpec([None, *context.shape[1:]], context.dtype))

    @tf.function(input_signature=specs)
    def everything(x, context=None):
        n = tf.shape(x)[0]
        return (
            flow.log_prob(x, context),
            flow.decode(flow.encode(x, context), context),
            flow.sample(n, context, seed=1),
        )

    args = (x,) if context is None else (x, context)
    log_prob, back, samples = everything(*args)
    np.testing.assert_allclose(log_prob, flow.log_prob(x, context), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(back, x, atol=1e-4)
    np.testing.assert_allclose(samples, flow.sample(5, context, seed=1), rtol=1e-4, atol=1e-5)
    assert everything(*(a[:2] for a in args))[0].shape == (2,)


def test_inside_a_users_function_integers_are_dequantized_anew():
    flow = table.shared("real_nvp_image")
    x = helpers.data(flow, 4)
    log_prob = tf.function(lambda x: flow.log_prob(x))
    assert np.abs(log_prob(x) - log_prob(x)).max() > 1e-6
    np.testing.assert_allclose(
        tf.function(lambda x: flow.log_prob(x, seed=5))(x), flow.log_prob(x, seed=5), rtol=1e-5
    )


def test_inside_a_users_function_with_xla():
    """Samples too, though TensorFlow draws other numbers under XLA from the same seed."""
    flow = table.shared("real_nvp_context")
    x, context = helpers.data(flow, 4), helpers.context(flow, 4)
    function = tf.function(
        lambda x, c: (flow.log_prob(x, c), flow.sample(4, c, seed=1)), jit_compile=True
    )
    log_prob, samples = function(x, context)
    np.testing.assert_allclose(log_prob, flow.log_prob(x, context), rtol=1e-5, atol=1e-5)
    assert samples.shape == (4, 3)
    helpers.assert_same(samples, function(x, context)[1])


def test_a_seed_draws_the_same_noise_with_and_without_xla():
    graph, xla = (table.build("maf_image", jit_compile=jit) for jit in (False, True))
    x = np.random.default_rng(0).integers(0, 5, size=(5, 2, 2, 1))
    np.testing.assert_allclose(graph.log_prob(x, 1, seed=3), xla.log_prob(x, 1, seed=3), rtol=1e-5)


def test_a_flow_scores_its_own_samples_beyond_the_levels():
    flow = zoo.MAF((2,), levels=5, alpha=0.05, num_layers=1, hidden_units=(4,), jit_compile=False)
    x = np.array([[-0.2, 5.2], [1.0, 2.0]], "float32")
    assert np.isfinite(flow.log_prob(x)).all()
    with pytest.raises(ValueError, match=r"must lie in \[0, 5\]"):
        flow.log_prob(x * 1.2)


def test_the_package_shows_what_a_user_needs():
    assert dir(zoo) == sorted(zoo.__all__) and "backend" not in dir(zoo)
    assert all(hasattr(zoo, name) for name in dir(zoo))
