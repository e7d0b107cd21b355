import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from tests.zoo import images

SHAPES = [(2, 2, 1), (3,), (1,), (1, 1, 2)]


def dequantizer(shape, levels=3, randomly=True, **settings):
    settings = {"steps": 2, "width": 6, "seed": 0, "dtype": "float64"} | settings
    layer = zoo.VariationalDequantizer(shape, levels, **settings)
    return helpers.randomize(layer, seed=2, scale=1.0) if randomly else layer


def cases(shape, n, levels=3, seed=0):
    """Uniform noise and grey levels."""
    generator = np.random.default_rng(seed)
    x = generator.integers(0, levels, (n, *shape))
    return generator.uniform(size=(n, *shape)), x


@pytest.mark.parametrize("shape", SHAPES)
def test_fresh_noise_is_uniform(shape):
    noise, x = cases(shape, 5)
    u, bonus = dequantizer(shape, randomly=False)(noise, x)
    np.testing.assert_allclose(u, noise, rtol=0, atol=2e-6)
    np.testing.assert_allclose(bonus, 0, rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_log_density_is_that_of_the_map(shape):
    layer, size = dequantizer(shape), math.prod(shape)
    noise, x = cases(shape, 2)

    def flat(rows, copies):
        u = layer(tf.reshape(rows, (-1, *shape)), helpers.repeated(x, copies))[0]
        return tf.reshape(u, (-1, size))

    matrices = helpers.jacobian(flat, noise.reshape(2, size))
    u, bonus = layer(noise, x)
    assert (0 <= u.numpy()).all() and (u.numpy() <= 1).all()
    assert np.abs(u - noise).max() > 1e-2
    np.testing.assert_allclose(bonus, np.linalg.slogdet(matrices)[1], rtol=0, atol=1e-8)


def test_noise_depends_on_the_data():
    layer = dequantizer((2, 2, 1))
    noise, x = cases((2, 2, 1), 1)
    one, two = (layer(noise, level + np.zeros_like(x))[0] for level in (0, 2))
    assert np.abs(one - two).max() > 1e-2


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_noise_at_the_ends_stays_finite(end):
    layer = dequantizer((2, 2, 1), dtype="float32")
    u, bonus = layer(np.full((1, 2, 2, 1), end, "float32"), np.ones((1, 2, 2, 1), "int32"))
    assert np.isfinite(u).all() and np.isfinite(bonus).all()


def flow_with(dequantization, shape=(2, 2, 1), levels=3, **settings):
    """A narrow density over grey levels, with noise of this kind."""
    settings = {"hidden_units": (6,), "num_layers": 2, "dtype": "float64"} | settings
    flow = zoo.RealNVP(
        shape,
        levels=levels,
        preprocessing="center",
        dequantization=dequantization,
        jit_compile=False,
        seed=0,
        **settings,
    )
    return helpers.randomize(flow, seed=3, scale=1.0)


def test_bound_is_valid_and_its_weights_are_unbiased():
    """On all 81 images of 2x2 pixels and 3 levels: q's importance weights give P(x), and the bound
    lies below its logarithm."""
    x = np.array(list(itertools.product(range(3), repeat=4))).reshape(-1, 2, 2, 1)
    n, flow = 200, flow_with(dequantizer((2, 2, 1)))
    copies = np.repeat(x, n, axis=0)
    bound = flow.log_prob(copies, seed=1).numpy().reshape(81, n)
    noise = np.random.default_rng(0).uniform(size=copies.shape)
    uniform = flow.log_prob(copies + noise).numpy().reshape(81, n)
    assert np.abs(bound.mean(axis=1) - uniform.mean(axis=1)).max() > 0.1, "q is uniform"
    weights, density = np.exp(bound), np.exp(uniform)
    error = np.sqrt((weights.var(axis=1) + density.var(axis=1)) / n)
    z_scores = (weights.mean(axis=1) - density.mean(axis=1)) / error
    assert np.abs(z_scores).max() < 5
    assert np.abs(z_scores.mean()) < 4 / np.sqrt(81)
    assert np.exp(bound.mean(axis=1)).sum() < 1
    slack = bound.std(axis=1) * 4 / np.sqrt(n) + 4 * error / density.mean(axis=1)
    assert (bound.mean(axis=1) <= np.log(density.mean(axis=1)) + slack).all()


def test_training_the_noise_tightens_the_bound():
    """Only q is trained; the exact log P(x) of a narrow normal density is known."""
    keras.utils.set_random_seed(0)
    layer = dequantizer((2, 2, 1), 4, randomly=False, dtype="float32", steps=2, width=8)
    norm = zoo.layers.ActNorm((2, 2, 1))
    norm.shift.assign([1.9])
    norm.log_scale.assign([np.log(0.3)])
    norm.trainable = False
    reshape = zoo.layers.Reshape((2, 2, 1), (4,))
    settings = {"levels": 4, "jit_compile": False}
    flow = zoo.Flow([norm, reshape], dequantization=layer, **settings)
    uniform = zoo.Flow([norm, reshape], **settings)
    assert {id(v) for v in flow.trainable_variables} == {id(v) for v in layer.trainable_variables}
    x = np.random.default_rng(0).integers(1, 3, (64, 2, 2, 1))
    scale = np.exp(norm.shift_and_log_scale()[1])[0]
    cumulative = [0.5 * (1 + math.erf((k - 1.9) / scale / 2**0.5)) for k in range(5)]
    exact = np.log(np.diff(cumulative))[x].sum(axis=(1, 2, 3)).mean()
    flow.adapt(x)
    flow.compile("adam")
    flow.optimizer.learning_rate = 4e-3
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(64).repeat(150)
    flow.fit(dataset, epochs=1, verbose=0)
    many = np.repeat(x, 20, axis=0)
    loose, tight = (f.log_prob(many, seed=1).numpy().mean() for f in (uniform, flow))
    assert loose < exact - 0.4
    assert loose < tight < exact + 0.02
    assert exact - tight < 0.5 * (exact - loose)


def test_adapt_and_save(tmp_path):
    flow = flow_with("variational", (4, 4, 1), dtype="float32", num_classes=2)
    x, labels = helpers.data(flow, 8), helpers.context(flow, 8)
    before = flow.dequantizer.get_weights()
    flow.adapt(x, labels)
    after = flow.dequantizer.get_weights()
    assert any(np.abs(a - b).max() > 0 for a, b in zip(before, after, strict=True))
    loaded = helpers.saved_and_loaded(flow, tmp_path)
    helpers.assert_same(loaded.log_prob(x, labels, seed=0), flow.log_prob(x, labels, seed=0))
    # Floats are taken as they are, and the mixture over classes is of one and the same noise.
    floats = images.normal(2, 4, 4, 1).clip(0, 3).astype("float32")
    plain = flow.distribution(labels[:2]).log_prob(floats)
    np.testing.assert_allclose(flow.log_prob(floats, labels[:2]), plain, rtol=1e-5)
    each = [flow.log_prob(x, c, seed=0).numpy() for c in (0, 1)]
    mixture = np.logaddexp(*each) - np.log(2)
    np.testing.assert_allclose(flow.log_prob(x, seed=0), mixture, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"levels": None, "dequantization": "variational"}, ["integer data", "levels"]),
        ({"dequantization": "gaussian"}, ["'uniform'", "'variational'", "'gaussian'"]),
        ({"dequantization": dequantizer((3,), 5)}, ["(3,)", "5", "3 levels"]),
    ],
)
def test_bad_arguments_are_refused(settings, words):
    settings = {"levels": 3, "preprocessing": None, "hidden_units": (4,)} | settings
    with helpers.raises_one_line(*words):
        zoo.NICE((3,), **settings)


def test_frozen_noise_stays_frozen_when_saved(tmp_path):
    layer = dequantizer((2, 2, 1), dtype="float32")
    layer.trainable = False
    flow = flow_with(layer, dtype="float32")
    loaded = helpers.saved_and_loaded(flow, tmp_path)
    assert not loaded.dequantizer.trainable_variables
    assert len(loaded.trainable_variables) == len(flow.trainable_variables) > 0
