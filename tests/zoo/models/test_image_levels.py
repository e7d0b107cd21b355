"""Preprocessing of images: densities in units of the data, and what lies outside of the levels."""

import numpy as np
import pytest

import zoo
from tests import helpers
from tests.zoo import images
from tests.zoo.models.test_image_families import build


@pytest.mark.parametrize("preprocessing", ["center", pytest.param("logit", marks=pytest.mark.slow)])
def test_density_is_that_of_the_latent_times_the_volume_in_data_units(preprocessing):
    flow = build(zoo.Glow, 1, levels=4, preprocessing=preprocessing)
    x = helpers.floats(flow, 1)
    volume = np.linalg.slogdet(images.one_way(flow, "inverse", x)[0])[1]
    expected = -0.5 * np.sum(flow.encode(x) ** 2) - 8 * np.log(2 * np.pi) + volume
    np.testing.assert_allclose(flow.log_prob(x), expected, rtol=0, atol=1e-8)
    np.testing.assert_allclose(flow.bits_per_dim(x), -expected / 16 / np.log(2), rtol=1e-12)


def test_same_density_gives_same_bits_whatever_the_preprocessing():
    centred = build(zoo.Glow, 1, levels=4, preprocessing="center", randomly=False)
    plain = build(zoo.Glow, 1, levels=4, preprocessing="none", randomly=False)
    steps = plain.stack.layers[0].scales[0].layers[1]
    shift, log_scale = steps.trainable_variables[:2]  # Those of the first ActNorm.
    shift.assign(np.full(shift.shape, 2.0))
    log_scale.assign(np.full(shift.shape, 8.0 * np.arctanh(np.log(2.0) / 8.0)))
    x = helpers.data(plain, 3)
    one, two = (flow.bits_per_dim(x, seed=0) for flow in (plain, centred))
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-10)


def test_what_leaves_the_levels_is_encoded_but_has_no_bits():
    """Samples of a flow without a logit lie on the whole line."""
    flow = build(zoo.Glow, 1, levels=5, preprocessing="center")
    z = np.full((2, 16), 3.0)
    x = flow.decode(z)
    assert np.max(x) > 5 or np.min(x) < 0
    np.testing.assert_allclose(flow.encode(x), z, atol=1e-8)
    assert flow.interpolate(x[0], x[1], steps=3).shape == (3, 4, 4, 1)
    with helpers.raises_one_line("x", "[0, 5]", "turn samples"):
        flow.bits_per_dim(x)


@pytest.mark.parametrize("levels", [2, 32, 256])
def test_a_uniform_density_has_the_bits_of_its_levels_under_any_preprocessing(levels):
    """A logistic latent is uniform noise behind a logit, a uniform one behind a rescaling."""
    logit = zoo.Flow([zoo.layers.Logit((3,), levels, 1e-6)], levels=levels, base="logistic")
    uniform = zoo.backend.tfd.Sample(zoo.backend.tfd.Uniform(0.0, 1.0), 3)
    plain = zoo.Flow([zoo.layers.Rescale((3,), 0.0, levels)], levels=levels, base=uniform)
    x = np.random.default_rng(0).integers(0, levels, size=(4, 3))
    for flow in (logit, plain):
        np.testing.assert_allclose(flow.bits_per_dim(x, seed=0), np.log2(levels), rtol=1e-5)
