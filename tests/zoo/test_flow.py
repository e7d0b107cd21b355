"""A flow as a Keras model: saving, integer data, adapting, variables, and evaluations counted."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

import zoo
from tests import helpers
from tests.zoo import table
from zoo.backend import tfd

SMALL = {"num_layers": 2, "hidden_units": (8, 8), "seed": 0, "jit_compile": False}


# Saving.


@pytest.mark.parametrize("name", table.params())
def test_saved_and_loaded_it_is_the_same(name, tmp_path, eagerly):
    flow = table.shared(name)
    loaded = helpers.saved_and_loaded(flow, tmp_path)
    assert type(loaded) is type(flow)
    shapes = [(v.name, tuple(v.shape)) for v in flow.weights]
    assert [(v.name, tuple(v.shape)) for v in loaded.weights] == shapes
    assert (loaded.event_shape, loaded.levels) == (flow.event_shape, flow.levels)
    assert loaded.count_params() == flow.count_params() > 0
    x, context = helpers.data(flow, 4), helpers.context(flow, 4)
    helpers.assert_same(loaded.log_prob(x, context, seed=1), flow.log_prob(x, context, seed=1))


def test_a_transformer_instance_survives_saving(tmp_path):
    loaded = helpers.saved_and_loaded(table.shared("maf_spline"), tmp_path)
    transformers = [lay.transformer for lay in loaded.stack.layers if hasattr(lay, "transformer")]
    assert [t.num_bins for t in transformers] == [4]
    assert [t.bound for t in transformers] == [2.0]


def test_a_distribution_with_variables_survives_saving_and_stays_trainable(tmp_path):
    flow = table.build("maf_variables_base", jit_compile=False)
    loc = flow.distribution().distribution.loc
    loc.assign([4.0, 5.0, 6.0])
    loaded = helpers.saved_and_loaded(flow, tmp_path)
    found = loaded.distribution().distribution.loc
    np.testing.assert_array_equal(found, [4.0, 5.0, 6.0])
    assert any(found is v.value for v in loaded.trainable_variables)


def test_a_base_that_cannot_be_saved_says_so(tmp_path):
    class Mine(tfd.Normal):
        pass

    base = tfd.Independent(Mine(np.zeros(3, "float32"), 1.0), 1)
    flow = zoo.MAF((3,), base=base, **SMALL)
    assert np.isfinite(flow.log_prob(helpers.data(flow, 4))).all()
    with helpers.raises_one_line("Mine", "cannot be saved", "zoo.Flow"):
        flow.save(tmp_path / "flow.keras")


# Integer data.


def noise_of(n=4000, seed=None):
    """The noise that dequantization adds, read off a density that is `exp(-x)`."""
    flow = zoo.Flow([], event_shape=(1,), levels=4, base=_exponential(), jit_compile=False)
    return -np.asarray(flow.log_prob(np.zeros((n, 1), "int32"), seed=seed))


def _exponential():
    return tfd.Independent(tfd.Exponential(np.ones(1, "float32")), 1)


def test_dequantization_noise_is_uniform_and_follows_its_seed():
    noise = noise_of(seed=3)
    assert 0 <= noise.min() and noise.max() < 1
    assert stats.kstest(noise, "uniform").pvalue > 1e-3
    helpers.assert_same(noise, noise_of(seed=3))
    assert np.abs(noise - noise_of(seed=4)).mean() > 0.1
    assert np.abs(noise_of(100) - noise_of(100)).mean() > 0.1


def test_training_draws_its_noise_anew_for_every_batch():
    flow = zoo.Flow([], event_shape=(1,), levels=4, base=_exponential(), jit_compile=False)
    flow.compile()
    x = np.zeros((64, 1), "int32")
    first, second = (-flow.predict(x, batch_size=64, verbose=0) for _ in range(2))
    assert 0 <= first.min() and first.max() < 1
    assert np.abs(first - second).mean() > 0.1


def test_encode_puts_integers_at_the_middle_of_their_level():
    flow = table.shared("real_nvp_image")
    x = helpers.data(flow, 3)
    helpers.assert_same(flow.encode(x), flow.encode(x.astype("float32") + 0.5))


@pytest.mark.parametrize("preprocessing", ["logit", "center", "none"])
def test_a_discrete_density_integrates_to_one_over_its_range(preprocessing):
    flow = zoo.MAF((1,), levels=5, preprocessing=preprocessing, **SMALL)
    # Of a density on the whole line, little lies outside of the range when it sits in its middle.
    flow.adapt(np.random.default_rng(0).normal(2.5, 0.4, size=(500, 1)).astype("float32"))
    x = ((np.arange(5000) + 0.5) / 1000).astype("float32")
    mass = np.exp(np.asarray(flow.log_prob(x[:, None]), "float64")).sum() / 1000
    assert abs(mass - 1) < 0.01


def test_one_density_under_two_preprocessings_has_the_same_bits_per_dimension():
    rescale, normalise = zoo.layers.Rescale((3,), 1.0, 2.0), zoo.layers.ActNorm((3,))
    # ((x - 1) / 2 + 0.5) / 2 = x / 4
    normalise.shift.assign([-0.5] * 3)
    normalise.log_scale.assign([8.0 * np.arctanh(np.log(2.0) / 8.0)] * 3)
    inner = zoo.layers.Autoregressive((3,), hidden_units=(8,), seed=0)
    helpers.randomize(inner)
    settings = {"levels": 5, "jit_compile": False}
    one = zoo.Flow([zoo.layers.Rescale((3,), 0.0, 4.0), inner], **settings)
    other = zoo.Flow([rescale, normalise, inner], **settings)
    x = np.random.default_rng(0).integers(0, 5, (64, 3))
    a, b = (flow.bits_per_dim(x, seed=7) for flow in (one, other))
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)
    assert np.std(a) > 0.1


# Types.


def _layer():
    return zoo.layers.ActNorm((2,), dtype="float32")


@pytest.mark.parametrize(
    "make",
    [
        lambda: zoo.Flow([_layer()], dtype="float64"),
        lambda: zoo.layers.Scan([_layer()], dtype="float64"),
        lambda: zoo.MAF((2,), base=zoo.MAF((2,), dtype="float32"), dtype="float64"),
        lambda: zoo.MAF((2,), base=tfd.MultivariateNormalDiag([0.0, 0.0]), dtype="float64"),
    ],
)
def test_parts_of_another_type_are_refused(make):
    with helpers.raises_one_line("float32", "float64", "same dtype"):
        make()


# Adapting.


@pytest.mark.parametrize("name", ["maf", "real_nvp_image", "maf_classes", "maf_flow_base"])
def test_adapt_standardizes_what_comes_out_of_every_act_norm(name, tmp_path):
    flow = table.build(name, randomly=None, jit_compile=False)
    x, context = 3.0 + 2.0 * helpers.floats(flow, 256), helpers.context(flow, 256)
    if flow.levels:
        x = helpers.floats(flow, 256)
    flow.adapt(x, context)
    for model in (flow, helpers.saved_and_loaded(flow, tmp_path)):
        z, found = tf.constant(x), 0
        vector = None if context is None else tf.one_hot(context, 3)
        for layer in model.stack.layers:
            z = layer(z, vector)[0]
            if isinstance(layer, zoo.layers.ActNorm):
                np.testing.assert_allclose(np.mean(z, axis=0), 0, atol=1e-4)
                np.testing.assert_allclose(np.var(z, axis=0), 1, atol=1e-3)
                found += 1
        assert found >= 2


def test_adapt_reaches_the_flow_that_is_the_base():
    flow = table.build("maf_flow_base", randomly=None, jit_compile=False)
    before = flow.base.get_weights()
    flow.adapt(5.0 + helpers.floats(flow, 64))
    assert any(np.any(a != b) for a, b in zip(flow.base.get_weights(), before, strict=True))


@pytest.mark.parametrize("name", ["nsf", "continuous", "iaf"])
@pytest.mark.parametrize("spread", [1e-6, 3e4])
def test_adapt_takes_data_of_any_spread_to_unit_scale(name, spread, eagerly):
    """The density of the same data in other units, to the log of the unit."""
    x = helpers.floats(table.shared(name), 64)
    found = []
    for unit in (1.0, spread):
        flow = table.build(name, randomly=None, jit_compile=False)
        flow.adapt(unit * x)
        found.append(flow.log_prob(unit * x) + x.shape[1] * np.log(unit))
    np.testing.assert_allclose(*found, rtol=0, atol=1e-3)


@pytest.mark.parametrize("n", [0, 1])
def test_adapt_refuses_fewer_than_two_events(n):
    flow = table.build("maf_flow_base", randomly=None)
    before = flow.get_weights()
    with helpers.raises_one_line("adapt", "two", str(n)):
        flow.adapt(helpers.floats(flow, n))
    for a, b in zip(flow.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_adapt_leaves_the_weights_where_latents_are_not_finite():
    flow = table.build("maf_flow_base", randomly=None, jit_compile=False)
    before = flow.get_weights()
    with helpers.raises_one_line("adapt", "finite"):
        flow.adapt(np.float32([[1e38] * 3, [-3e38] * 3, [3e38] * 3, [3e38] * 3]))
    for a, b in zip(flow.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


# Variables.


@pytest.mark.parametrize("name", table.params())
def test_the_distribution_has_all_variables_and_each_has_a_gradient(name):
    flow = table.shared(name)
    x, context = helpers.floats(flow, 16), helpers.context(flow, 16)
    distribution = flow.distribution(context)
    variables = list(distribution.trainable_variables)
    assert {id(v) for v in variables} == {id(v.value) for v in flow.trainable_variables}
    assert len(variables) == len(flow.trainable_variables)
    with tf.GradientTape() as tape:
        loss = -tf.reduce_mean(distribution.log_prob(x))
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        assert gradient is not None, variable.name
        assert np.isfinite(gradient).all(), variable.name
        assert np.any(gradient), variable.name


def test_a_mixture_over_classes_has_all_variables_too():
    flow = table.shared("maf_classes")
    found = {id(v) for v in flow.distribution().trainable_variables}
    assert found == {id(v.value) for v in flow.trainable_variables}


# One evaluation of every conditioner.


@pytest.mark.parametrize("name", ["real_nvp", "maf", "maf_residual", "iaf"])
def test_log_prob_evaluates_every_conditioner_once(name):
    flow = table.shared(name)
    x = tf.constant(helpers.data(flow, 4))

    def once():
        for layer in flow.stack.layers:
            network = getattr(layer, "network", None)
            if name == "iaf" and network is not None:
                layer.bijector().inverse(x)
            elif network is not None:
                network(x[:, : getattr(layer, "_kept", 3)])
        return x

    expected = helpers.operations(tf.function(once))
    assert expected >= 4
    for call in (flow.log_prob, flow.distribution().log_prob):
        assert helpers.operations(tf.function(call), x) == expected


@pytest.mark.parametrize("name", ["real_nvp", "maf", "iaf", "maf_context", "maf_flow_base"])
def test_log_prob_of_a_fresh_sample_evaluates_nothing_more(name):
    flow = table.shared(name)
    given = helpers.context(flow, 4)

    def sample():
        return flow.distribution(given).sample(seed=(0, 1))

    def sample_and_log_prob():
        distribution = flow.distribution(given)
        x = distribution.sample(seed=(0, 1))
        return x, distribution.log_prob(x)

    count = helpers.operations(tf.function(sample))
    assert count >= 4
    assert helpers.operations(tf.function(sample_and_log_prob)) == count
    x, log_prob = tf.function(sample_and_log_prob)()
    np.testing.assert_allclose(log_prob, flow.distribution(given).log_prob(x), atol=1e-4)


@pytest.mark.parametrize("name", table.params())
def test_nothing_is_built_late(name):
    parts = table.shared(name)._flatten_layers()
    assert not [part.name for part in parts if not part.built]
