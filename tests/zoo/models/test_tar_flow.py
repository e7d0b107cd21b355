"""Transformer flows: labels left out, guidance, noise, and files."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers, net
from tests.zoo import images

SMALL = {"patch_size": 2, "num_layers": 2, "blocks": 1, "width": 8, "seed": 0}


def build(family=zoo.TarFlow, **settings):
    settings = SMALL | {"jit_compile": False, "dtype": "float64"} | settings
    return helpers.randomize(family((4, 4, 1), **settings), seed=1, scale=0.7)


def test_orders_alternate():
    layers = [p for p in build(num_layers=3).stack.parts() if hasattr(p, "guided")]
    assert [layer._reverse for layer in layers] == [False, True, False]


@pytest.mark.parametrize("family", [zoo.TarFlow, zoo.Jet])
def test_no_two_networks_start_alike(family):
    """Seeds that ran into each other would draw the same kernels for blocks of several layers."""
    flow = family((4, 4, 1), **(SMALL | {"num_layers": 6, "blocks": 2}))
    drawn = [w.numpy().tobytes() for w in flow.weights if len(w.shape) > 1 and np.any(w.numpy())]
    assert len(set(drawn)) == len(drawn) > 30


def test_guidance_of_zero_samples_the_flow_and_one_without_labels_is_its_limit():
    flow = build(num_classes=3, label_dropout=0.2)
    with net.eagerly():
        plain = flow.sample(2, context=1, seed=0)
        np.testing.assert_array_equal(flow.sample(2, context=1, seed=0, guidance=0.0), plain)
        np.testing.assert_allclose(
            flow.sample(2, context=1, seed=0, guidance=1e-12), plain, 0, 1e-9
        )
        # c - (c - u) is u, whatever the label.
        ones = [flow.sample(2, context=c, seed=0, guidance=-1.0) for c in (0, 1)]
        assert np.abs(flow.sample(2, context=1, seed=0, guidance=2.0) - plain).max() > 1e-3
    np.testing.assert_allclose(ones[0], ones[1], rtol=0, atol=1e-9)


def test_guidance_needs_a_flow_that_knows_no_labels():
    with helpers.raises_one_line("guidance", "label_dropout"):
        build(num_classes=3).sample(2, context=1, guidance=1.0)
    with helpers.raises_one_line("label_dropout", "num_classes"):
        build(label_dropout=0.1)
    with helpers.raises_one_line("guidance", "'much'"):
        build(num_classes=3, label_dropout=0.1).sample(2, context=1, guidance="much")


def test_labels_are_left_out_in_training_at_the_rate_told():
    flow = build(num_classes=3, label_dropout=0.3)
    x, context = helpers.data(flow, 1), np.zeros(400, "int32")
    x = np.repeat(x, 400, axis=0)
    with net.eagerly():
        found = flow.log_likelihood(x, context, zoo.backend.make_seed(0), training=True)
        given = flow.log_prob(x[:1], context[:1])[0]
        everywhere = flow.log_likelihood(x[:2], context[:2], zoo.backend.make_seed(0))
    np.testing.assert_allclose(everywhere, given, rtol=1e-9)
    shares = np.abs(found - given) > 1e-6
    # Within four standard deviations of 400 draws.
    assert abs(shares.mean() - 0.3) < 4 * (0.3 * 0.7 / 400) ** 0.5
    assert len(np.unique(np.round(found, 6))) == 2


@pytest.mark.parametrize(("levels", "unit"), [(None, 1.0), (6, 3.0)])
def test_denoise_is_tweedies_formula(levels, unit):
    flow = build(noise=0.2, levels=levels)
    x = helpers.floats(flow, 2)
    with net.eagerly():
        found = flow.denoise(x)
    step, score = 1e-5, np.zeros_like(x)
    for place in np.ndindex(4, 4, 1):
        move = np.zeros_like(x)
        move[(slice(None), *place)] = step
        rise = flow.distribution().log_prob(x + move) - flow.distribution().log_prob(x - move)
        score[(slice(None), *place)] = rise / (2 * step)
    np.testing.assert_allclose(found, x + (0.2 * unit) ** 2 * score, rtol=0, atol=1e-6)


def test_noise_is_added_in_training_alone():
    flow = build(noise=0.2, levels=6)
    x = helpers.data(flow, 300)
    with net.eagerly():
        seed = zoo.backend.make_seed(0)
        found = flow.log_likelihood(x, seed=seed, training=True)
        again = flow.log_likelihood(x, seed=seed, training=True)
        middle = flow.distribution().log_prob(x + 0.5)
    np.testing.assert_array_equal(found, again)
    assert np.abs(found - middle).min() > 0
    with helpers.raises_one_line("denoise", "noise"):
        build().denoise(images.normal(2, 4, 4, 1))
    with helpers.raises_one_line("noise", "logit", "center"):
        build(noise=0.1, levels=6, preprocessing="logit")


def test_a_few_steps_of_training_help():
    flow = build(dtype="float32", within="autoregressive", hidden_units=(8,), dropout=0.1, levels=5)
    x = np.tile(np.arange(16).reshape(4, 4, 1) % 5, (64, 1, 1, 1))
    flow.adapt(x)
    flow.compile("adam")
    losses = flow.fit(x, batch_size=32, epochs=15, verbose=0).history["loss"]
    assert losses[-1] < losses[0] - 1.0


@pytest.mark.slow
@pytest.mark.parametrize("scale", [0.01, 3.0, 30.0])
def test_any_weights_are_valid(scale):
    """Finite densities and samples, whatever the weights; deep in the tails rounding shows."""
    flow = build(within="autoregressive", hidden_units=(8,), num_layers=1)
    helpers.randomize(flow, seed=2, scale=scale)
    x = helpers.data(flow, 3)
    with net.eagerly():
        assert np.isfinite(flow.log_prob(x)).all()
        np.testing.assert_allclose(flow.decode(flow.encode(x)), x, rtol=0, atol=1e-6)


def test_jet_splits_patches_and_numbers_in_turn():
    flow = zoo.Jet((4, 4, 1), **(SMALL | {"num_layers": 6, "spatial": 3}))
    masks = [p.mask_name for p in flow.stack.parts() if isinstance(p, zoo.layers.ConvCoupling)]
    assert masks[2] == "checkerboard_even" and masks[5] == "checkerboard_odd"
    for first, second in ((masks[0], masks[1]), (masks[3], masks[4])):
        assert np.array_equal(first, ~np.array(second)) and sum(first) == 2
    again = zoo.Jet.from_config(flow.get_config())
    assert [p.mask_name for p in again.stack.parts() if hasattr(p, "mask_name")] == masks


@pytest.mark.parametrize("family", [zoo.TarFlow, zoo.Jet])
def test_images_that_patches_do_not_fill_are_refused(family):
    with helpers.raises_one_line("4", "(6, 8, 1)"):
        family((6, 8, 1), patch_size=4)
    with helpers.raises_one_line("images", "(6,)"):
        family((6,))


def test_shapes_are_those_of_an_image_under_tracing():
    flow = build(num_classes=3, label_dropout=0.1, num_layers=1)

    @tf.function
    def draw(n):
        return flow.sample(n, context=tf.zeros(n, tf.int32), seed=0, guidance=1.0)

    assert draw(tf.constant(2)).shape[1:] == (4, 4, 1)
