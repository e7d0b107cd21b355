import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from tests.zoo import images

MASKS = ("checkerboard_even", "checkerboard_odd", "first_half", "second_half")
MIXTURE = zoo.transformers.LogisticMixture(3)
CASES = [
    (mask, transformer, network, context)
    for mask in MASKS
    for transformer, network, context in (
        ("sigmoid", "glow", None),
        ("scaled_tanh", "residual", (2,)),
        ("affine", "linear", (4, 4, 2)),
    )
] + [
    ("first_half", "additive", "glow", (2,)),
    ("checkerboard_even", "spline", "glow", None),
    ("second_half", "sigmoid", "linear", (2,)),
    ("first_half", "tanh", "residual", (4, 4, 2)),
    ("first_half", MIXTURE, "glow", (2,)),
    ("checkerboard_odd", MIXTURE, "residual", None),
]


def random_layer(mask, transformer="sigmoid", network="glow", context=None, channels=2, **settings):
    settings = {"dtype": "float64", "width": 5, "blocks": 1, "seed": 0} | settings
    layer = zoo.layers.ConvCoupling(
        (4, 4, channels), mask, transformer, network, context_shape=context, **settings
    )
    return helpers.randomize(layer, seed=channels)


def contexts(shape, n=2):
    return None if shape is None else images.normal(n, *shape, seed=9)


@pytest.mark.parametrize(("mask", "transformer", "network", "context"), CASES)
def test_log_det_and_round_trip(mask, transformer, network, context):
    layer = random_layer(mask, transformer, network, context)
    images.check(layer, contexts(context), volume_preserving=transformer == "additive")


@pytest.mark.parametrize("network", ["glow", "residual"])
def test_log_det_and_round_trip_with_attention(network):
    layer = random_layer("first_half", MIXTURE, network, (2,), width=4, attention=2)
    images.check(layer, contexts((2,)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mask", MASKS)
def test_odd_numbers_of_channels(mask, channels):
    if channels == 1 and mask.endswith("half"):
        with helpers.raises_one_line(mask, "2 channels", "got 1"):
            random_layer(mask, channels=1)
        return
    images.check(random_layer(mask, "scaled_tanh", "residual", channels=channels))


@pytest.mark.parametrize("context", [None, (2,), (4, 4, 2)])
@pytest.mark.parametrize("mask", ["checkerboard_even", "second_half"])
def test_leading_shapes(mask, context):
    images.check_leading_shapes(random_layer(mask, context=context), contexts(context))


def test_one_event_and_many_contexts():
    layer = random_layer("first_half", context=(2,))
    x, given = images.normal(4, 4, 2), contexts((2,), 3)
    z = layer.bijector(given).inverse(x)
    each = [layer.bijector(c).inverse(x) for c in given]
    np.testing.assert_allclose(z, each, rtol=0, atol=1e-12)


def kept_entries(mask, channels):
    rows, columns, channel = np.indices((4, 4, channels))
    return {
        "checkerboard_even": (rows + columns) % 2 == 0,
        "checkerboard_odd": (rows + columns) % 2 == 1,
        "first_half": channel < (channels + 1) // 2,
        "second_half": channel >= (channels + 1) // 2,
    }[mask].reshape(-1)


@pytest.mark.parametrize("network", ["glow", "residual"])
@pytest.mark.parametrize("mask", MASKS)
def test_masks_by_autodiff(mask, network):
    """Kept entries pass; each other one depends on itself and on kept ones alone."""
    layer = random_layer(mask, "scaled_tanh", network, channels=3)
    kept = kept_entries(mask, 3)
    jacobian = images.one_way(layer, "inverse", images.normal(1, 4, 4, 3))[0][0]
    np.testing.assert_array_equal(jacobian[kept], np.eye(48)[kept])
    among_changed = jacobian[~kept][:, ~kept]
    np.testing.assert_array_equal(among_changed, np.diag(np.diag(among_changed)))
    assert np.count_nonzero(jacobian[~kept][:, kept]) > 0.1 * kept.sum() * (~kept).sum()


def test_channel_coupling_computes_only_the_half_it_changes():
    layer = random_layer("second_half", channels=3)
    assert layer.network.first.kernel.shape[2] == 1  # Sees the one channel that is kept,
    assert layer.network.last.filters == 2 * 2  # and predicts two numbers for the other two.


def test_context_reaches_the_output():
    for context in ((2,), (4, 4, 2)):
        layer = random_layer("first_half", network="residual", context=context)
        x, given = images.normal(1, 4, 4, 2), contexts(context)
        one, two = (layer.bijector(given[i : i + 1]).inverse(x) for i in range(2))
        assert np.abs(one - two).max() > 1e-3


@pytest.mark.parametrize(
    ("network", "transformer", "attention"),
    [
        ("glow", "sigmoid", 0),
        ("glow", "mixture", 2),
        ("linear", "affine", 0),
        ("residual", "sigmoid", 2),
        ("residual", "scaled_tanh", 0),
    ],
)
def test_every_weight_of_a_fresh_layer_can_learn(network, transformer, attention):
    """After one step of a fresh layer every weight has a gradient: none waits for another."""
    settings = {"context_shape": (2,), "seed": 0, "attention": attention}
    layer = zoo.layers.ConvCoupling((4, 4, 2), "first_half", transformer, network, 4, 1, **settings)
    x, given = images.normal(4, 4, 4, 2).astype("float32"), contexts((2,), 4).astype("float32")
    layer.adapt(x, given)
    for _ in range(2):
        with tf.GradientTape() as tape:
            z, log_det = layer(x, given)
            loss = tf.reduce_sum(z**2) - tf.reduce_sum(log_det)
        variables = [v.value for v in layer.trainable_variables]
        gradients = tape.gradient(loss, variables)
        for variable, gradient in zip(variables, gradients, strict=True):
            variable.assign_sub(1e-3 * gradient)
    for variable, gradient in zip(layer.trainable_variables, gradients, strict=True):
        assert np.abs(gradient).max() > 0, variable.path


def test_a_scale_that_starts_at_zero_learns():
    layer = zoo.layers.ConvCoupling(
        (4, 4, 1), "checkerboard_even", zoo.transformers.ScaledTanh(0.0), "residual", 4, 1, seed=0
    )
    x = images.normal(4, 4, 4, 1).astype("float32")
    layer.adapt(x)
    with tf.GradientTape() as tape:
        z, log_det = layer(x)
        loss = tf.reduce_sum(z**2) - tf.reduce_sum(log_det)
    np.testing.assert_array_equal(log_det, 0)
    assert np.abs(tape.gradient(loss, layer.shared.value)).max() > 1e-3


def test_bfloat16_is_in_the_network_alone():
    layer = random_layer("first_half", context=(2,), dtype="mixed_bfloat16")
    exact = random_layer("first_half", context=(2,), dtype="float32")
    x, given = images.normal(2, 4, 4, 2).astype("float32"), contexts((2,)).astype("float32")
    assert layer.network(x[..., :1], given).dtype == tf.bfloat16
    assert all(v.dtype == "float32" for v in layer.trainable_variables)
    z, log_det = layer(x, given)
    assert z.dtype == log_det.dtype == tf.float32
    z_exact, log_det_exact = exact(x, given)
    assert 1e-6 < np.abs(log_det - log_det_exact).max() < 0.2
    np.testing.assert_allclose(z, z_exact, rtol=0, atol=0.1)
    # Both directions see the same rounded parameters: the map is as invertible as in float32.
    np.testing.assert_allclose(layer.bijector(given).forward(z), x, rtol=0, atol=1e-5)


def test_config_describes_the_layer():
    layer = random_layer("checkerboard_odd", zoo.transformers.ScaledTanh(0.5), "residual", (2,))
    twin = zoo.layers.ConvCoupling.from_config(layer.get_config())
    twin.set_weights(layer.get_weights())
    x, given = images.normal(2, 4, 4, 2), contexts((2,))
    for one, two in zip(twin(x, given), layer(x, given), strict=True):
        helpers.assert_same(one, two)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"event_shape": (8,)}, ["images", "(8,)"]),
        ({"mask": "stripes"}, ["mask", "checkerboard_even", "first_half", "'stripes'"]),
        ({"network": "transformer"}, ["network", "'glow'", "'residual'"]),
        ({"event_shape": (1, 1, 4), "mask": "checkerboard_even"}, ["2 pixels"]),
    ],
)
def test_bad_arguments_are_refused(arguments, words):
    with helpers.raises_one_line(*words):
        zoo.layers.ConvCoupling(**({"event_shape": (2, 2, 2), "width": 4} | arguments))
