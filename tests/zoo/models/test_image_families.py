"""What the image families promise, on random weights, against autodiff and themselves."""

import functools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from tests.zoo import images

GLOW = {"scales": 2, "steps": 1, "width": 5}
REAL_NVP = {"scales": 2, "width": 4, "blocks": 0}
RESIDUAL = {"blocks": 1, "log_det": "exact", "scales": 2, "width": 4}
# What both families promise by the same layers is run always for the one that is quicker to build.
GLOW_QUICK = [zoo.Glow, pytest.param(zoo.RealNVP, marks=pytest.mark.slow)]
REAL_NVP_QUICK = [zoo.RealNVP, pytest.param(zoo.Glow, marks=pytest.mark.slow)]
CASES = {
    f"glow_{channels}_{coupling}_{conv}": (zoo.Glow, channels, {"coupling": coupling, "conv": conv})
    for channels in (1, 2, 3)
    for coupling in ("affine", "additive")
    for conv in ("lu", "plain")
}
CASES |= {
    f"real_nvp_{channels}_{transformer}": (
        zoo.RealNVP,
        channels,
        {"transformer": transformer, "blocks": 2 - channels if channels < 3 else 0},
    )
    for channels in (1, 2, 3)
    for transformer in ("affine", "additive")
}
CASES |= {
    "glow_context": (zoo.Glow, 2, {"context_shape": (2,)}),
    "glow_tanh": (zoo.Glow, 1, {"coupling": "tanh", "preprocessing": "logit", "levels": 5}),
    "glow_standard_prior": (zoo.Glow, 1, {"learn_prior": False, "steps": 2}),
    "glow_one_scale": (zoo.Glow, 2, {"scales": 1}),
    "i_resnet": (zoo.IResNet, 1, RESIDUAL),
    "residual_flow_context": (zoo.ResidualFlow, 2, {"context_shape": (2,), **RESIDUAL}),
    "real_nvp_context": (zoo.RealNVP, 2, {"context_shape": (2,)}),
    "real_nvp_one_scale": (zoo.RealNVP, 1, {"scales": 1, "levels": 5}),
    "real_nvp_tanh": (zoo.RealNVP, 1, {"transformer": zoo.transformers.Affine(1.0)}),
}


def build(family, channels=2, randomly=True, shape=None, **settings):
    settings = {zoo.Glow: GLOW, zoo.RealNVP: REAL_NVP}.get(family, {}) | settings
    settings = {"dtype": "float64", "jit_compile": False, "seed": 0} | settings
    flow = family(shape or (4, 4, channels), **settings)
    return helpers.randomize(flow, seed=1, scale=0.5) if randomly else flow


@functools.cache
def flow_of(name):
    family, channels, settings = CASES[name]
    return build(family, channels, **settings)


QUICK = (
    "glow_3_additive_plain",
    "glow_tanh",
    "glow_standard_prior",
    "real_nvp_context",
    "real_nvp_one_scale",
)


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in CASES]
)
def test_log_det_and_round_trip(name):
    images.check_flow(flow_of(name), n=1)


@pytest.mark.parametrize(
    "name",
    [
        "glow_context",
        pytest.param("glow_1_affine_lu", marks=pytest.mark.slow),
        pytest.param("real_nvp_context", marks=pytest.mark.slow),
    ],
)
def test_latent_is_flat_and_complete(name):
    flow = flow_of(name)
    x, given = helpers.floats(flow, 3), helpers.context(flow, 3)
    z = flow.encode(x, given)
    assert tuple(z.shape) == (3, math.prod(flow.event_shape))
    np.testing.assert_allclose(flow.decode(z, given), x, rtol=0, atol=1e-8)
    # Every number of the latent counts: the parts that left early are not dropped.
    jacobian = images.one_way(flow, "forward", z.numpy()[:1], None if given is None else given[:1])
    assert (np.abs(jacobian[0][0]).max(axis=0) > 1e-3).all()


@pytest.mark.parametrize("family", GLOW_QUICK)
@pytest.mark.parametrize("settings", [{}, {"num_classes": 3}])
def test_samples_have_the_density(family, settings):
    """`log_prob` of samples is that of their latents times the volume, for any leading shape."""
    flow = build(family, 1, levels=4, **settings)
    labels = np.array([0, 2]) if settings else None
    distribution = flow.distribution(labels)
    x = distribution.sample(3, seed=1)
    lead = (3, 2) if settings else (3,)
    assert tuple(x.shape) == (*lead, 4, 4, 1)
    fresh = flow.distribution(labels)
    z = flow.bijector(labels).inverse(tf.identity(x))
    volume = flow.bijector(labels).inverse_log_det_jacobian(tf.identity(x), 3)
    expected = -0.5 * np.sum(z**2, -1) - 8 * np.log(2 * np.pi) + volume
    np.testing.assert_allclose(fresh.log_prob(tf.identity(x)), expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", ["glow_1_affine_lu", "glow_context", "real_nvp_context"])
def test_distribution_sees_every_variable(name):
    flow = flow_of(name)
    distribution = flow.distribution(helpers.context(flow, 2))
    known = {id(v) for v in distribution.trainable_variables}
    assert known == {id(v.value) for v in flow.trainable_variables}


def standardized(flow, x, context):
    """`(variance before, output)` of every normalisation in a flow, for the batch `x`."""
    found = []

    def record(layer, x, activation=None):
        if isinstance(layer, zoo.layers.ActNorm):
            y = layer(x)[0]
            scale = np.exp(-layer.shift_and_log_scale()[1])
        else:
            y = layer(x)
            scale = np.exp(-8.0 * np.tanh(layer.log_scale.numpy() / 8.0))
        y = np.reshape(y, (-1, y.shape[-1]))
        found.append((y.var(axis=0) / scale**2, y))
        return layer(x) if activation is None else layer(x, activation=activation)

    def walk(layer, x):
        if isinstance(layer, zoo.layers.MultiScale):
            for stack, partition in zip(layer.scales, [*layer.partitions, None], strict=True):
                for inner in stack.layers:
                    x = walk(inner, x)
                x = x if partition is None else partition.split(x)[0]
            return x
        if isinstance(layer, zoo.layers.Scan | zoo.layers.Stack):
            for inner in layer.layers if hasattr(layer, "layers") else layer.unstacked():
                x = walk(inner, x)
            return x
        if isinstance(layer, zoo.layers.ActNormConv1x1):
            record(layer.act_norm, x)
        elif isinstance(layer, zoo.layers.ActNorm):
            record(layer, x)
        elif isinstance(layer, zoo.layers.ConvCoupling):
            partition, mask = layer._halves, layer._mask
            kept = partition.split(x)[0] if mask is None else np.where(mask, x, 0.0)
            layer.network._run(layer._inputs(kept), context, record)
        return layer(x, context)[0]

    for layer in flow.stack.layers:
        x = walk(layer, x)
    return found


@pytest.mark.parametrize(
    ("family", "settings", "count"),
    [
        (zoo.Glow, {"steps": 2}, 2 * 2 * 3),
        (zoo.Glow, {"steps": 2, "context_shape": (2,)}, 2 * 2 * 3),
        pytest.param(
            *(zoo.RealNVP, {"num_classes": 3, "blocks": 1}, 10 * (1 + 1 + 2 + 2)),
            marks=pytest.mark.slow,
        ),
    ],
)
def test_adapt_standardizes_every_normalisation(family, settings, count):
    flow = build(family, 2, **settings)
    x, given = 3.0 + 2.0 * helpers.floats(flow, 40), helpers.context(flow, 40)
    flow.adapt(x, given)
    found = standardized(
        flow, tf.convert_to_tensor(x), flow.context.embed(given, flow.variable_dtype)
    )
    assert len(found) == count
    above = np.concatenate([before > 1e-4 for before, _ in found])
    outputs = [np.stack([y.mean(axis=0), y.var(axis=0)]) for _, y in found]
    mean, variance = np.concatenate(outputs, axis=-1)
    assert above.mean() > 0.9
    np.testing.assert_allclose(mean, 0, atol=1e-6)
    np.testing.assert_allclose(variance[above], 1, atol=1e-6)


@pytest.mark.parametrize("family", GLOW_QUICK)
def test_one_more_batch_after_loading_changes_nothing(family, tmp_path):
    flow = build(family, 1, levels=9, num_classes=2, dtype="float32")
    flow.adapt(helpers.data(flow, 20), helpers.context(flow, 20))
    loaded = helpers.saved_and_loaded(flow, tmp_path)
    x, given = helpers.data(flow, 6, seed=5), helpers.context(flow, 6)
    before = loaded.get_weights()
    expected = flow.log_prob(x, given, seed=0)
    helpers.assert_same(loaded.log_prob(x, given, seed=0), expected)
    helpers.assert_same(loaded.log_prob(x, given, seed=0), expected)
    for one, two, three in zip(before, loaded.get_weights(), flow.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, three)


@pytest.mark.parametrize("family", REAL_NVP_QUICK)
def test_fit_moves_every_weight(family):
    scales = 1 if family is zoo.RealNVP else 2
    settings = {"levels": 9, "num_classes": 2, "scales": scales, "dtype": "float32"}
    flow = build(family, 1, randomly=False, **settings)
    x, given = helpers.data(flow, 16), helpers.context(flow, 16)
    flow.adapt(x, given)
    keras.utils.set_random_seed(0)  # of the noise
    # Tracing the gradient of that many convolutions takes longer than the steps.
    flow.compile(keras.optimizers.Adam(5e-3), run_eagerly=family is zoo.RealNVP)
    before = flow.get_weights()
    logs = flow.fit(tf.data.Dataset.from_tensor_slices((x, given)).batch(8), epochs=3, verbose=0)
    assert logs.history["loss"][-1] < logs.history["loss"][0]
    trained = {v.path for v in flow.trainable_variables}
    for variable, old, new in zip(flow.weights, before, flow.get_weights(), strict=True):
        if variable.path in trained and old.size > 1:
            assert np.abs(new - old).max() > 0, variable.path


@pytest.mark.parametrize("family", GLOW_QUICK)
def test_bfloat16_networks_keep_the_density_in_float32(family):
    low, high = (
        build(family, 1, levels=9, scales=1, dtype=d) for d in ("mixed_bfloat16", "float32")
    )
    x = helpers.data(low, 8)
    assert all(v.dtype == "float32" for v in low.trainable_variables)
    log_prob, exact = low.log_prob(x, seed=0), high.log_prob(x, seed=0)
    assert log_prob.dtype == tf.float32
    assert np.abs(log_prob - exact).max() > 1e-4, "the networks computed in float32"
    np.testing.assert_allclose(log_prob, exact, rtol=0.05)
    z = low.encode(x)
    np.testing.assert_allclose(low.decode(z), x + 0.5, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("family", "settings", "words"),
    [
        (zoo.Glow, {"shape": (64,)}, ["Glow", "images", "(64,)"]),
        (zoo.Glow, {"shape": (6, 4, 1)}, ["divisible by 4", "(6, 4, 1)", "scales"]),
        (zoo.Glow, {"scales": 0}, ["scales", "0"]),
        (zoo.Glow, {"steps": "many"}, ["steps", "'many'"]),
        (zoo.Glow, {"coupling": "cubic"}, ["transformer", "'cubic'"]),
        (zoo.Glow, {"conv": "qr"}, ["'lu'", "'qr'"]),
        (zoo.RealNVP, {"hidden_units": (8,)}, ["hidden_units", "without scales"]),
        (zoo.RealNVP, {"scales": None, "width": 8}, ["width", "needs scales"]),
        (zoo.RealNVP, {"scales": None, "width": None, "blocks": 1}, ["blocks", "needs scales"]),
        (zoo.Glow, {"preprocessing": "center"}, ["levels"]),
        (zoo.Glow, {"levels": 1}, ["levels", "2"]),
        (zoo.RealNVP, {"shape": (64,)}, ["RealNVP", "images", "(64,)"]),
        (zoo.RealNVP, {"shape": (5, 4, 1)}, ["divisible by 2", "(5, 4, 1)", "scales"]),
        (zoo.RealNVP, {"shape": (4, 4, 1), "scales": 3}, ["single pixel", "fewer scales"]),
        (zoo.RealNVP, {"blocks": -1}, ["blocks", "-1"]),
    ],
)
def test_bad_arguments_are_refused(family, settings, words):
    with helpers.raises_one_line(*words):
        build(family, **settings)


def test_wrong_images_are_refused():
    flow = flow_of("real_nvp_one_scale")
    with helpers.raises_one_line("x", "[batch, 4, 4, 1]", "[2, 4, 4, 3]"):
        flow.log_prob(np.zeros((2, 4, 4, 3), "int32"))
    with helpers.raises_one_line("grey levels 0..4", "255"):
        flow.log_prob(np.full((2, 4, 4, 1), 255, "uint8"))
    with helpers.raises_one_line("[0, 5]", "7.5"):
        flow.log_prob(np.full((2, 4, 4, 1), 7.5))
