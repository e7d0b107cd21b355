"""Bijectors of TFP as layers, and columns in their own units."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from zoo.backend import tfb

BOUNDS = [None, (0, 1), (2, None), "log", (None, 3)]
FIXED = {
    "softplus": lambda: tfb.Softplus(),
    "interval": lambda: tfb.Sigmoid([0.0, -1.0, 2.0], [1.0, 1.0, 5.0]),
    "chain": lambda: tfb.Chain([tfb.Exp(), tfb.Scale(2.0)]),
    "matrix": lambda: tfb.ScaleMatvecTriL([[1.0, 0, 0], [0.3, 2.0, 0], [1.0, 1.0, 1.0]]),
    "permute": lambda: tfb.Permute([2, 0, 1]),
    "blocks": lambda: tfb.Blockwise([tfb.Exp(), tfb.Shift([1.0, 2.0])], block_sizes=[1, 2]),
    "spline": lambda: tfb.RationalQuadraticSpline([[1.0, 1.0]] * 3, [[0.5, 1.5]] * 3, [[1.5]] * 3),
}


def jacobian(layer, z):
    """The layer's log-determinants `[n]`, latent to data, and those of the whole Jacobian."""
    bijector, z = layer.bijector(), tf.convert_to_tensor(z)
    with tf.GradientTape() as tape:
        tape.watch(z)
        x = bijector.forward(z)
    matrices = tape.batch_jacobian(x, z).numpy().astype(np.float64)
    return -layer(x)[1].numpy(), np.linalg.slogdet(matrices)[1], x.numpy()


@pytest.mark.parametrize("name", FIXED)
def test_a_bijector_of_tfp_is_a_layer(name):
    layer = zoo.layers.Fixed(FIXED[name](), (3,))
    z = np.random.default_rng(0).normal(0.0, 0.4, (4, 3)).astype("float32")
    found, expected, x = jacobian(layer, z)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(layer(x)[0], z, atol=1e-4)
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(again(x)[0], layer(x)[0])


def test_it_trains_saves_and_exports_with_the_flow(tmp_path):
    scale = tf.Variable([1.0, 2.0])
    layers = [
        zoo.layers.Fixed(tfb.Softplus()),
        zoo.layers.Fixed(tfb.Scale(scale)),
        zoo.layers.Autoregressive((2,), hidden_units=(4,)),
    ]
    flow = zoo.Flow(layers, jit_compile=False, recompute="checkpoint")
    x = np.random.default_rng(0).gamma(2.0, size=(64, 2)).astype("float32")
    flow.compile("adam")
    flow.fit(x, batch_size=32, epochs=1, verbose=0)
    assert np.abs(scale.numpy() - [1.0, 2.0]).min() > 1e-4
    expected = flow.log_prob(x)
    loaded = zoo.load(zoo.save(flow, tmp_path / "flow"))
    helpers.assert_same(loaded.log_prob(x), expected)
    exported = zoo.load_exported(flow.export(tmp_path / "exported"))
    np.testing.assert_allclose(exported.log_prob(x), expected, rtol=1e-5)
    assert flow.sample(50, seed=0).numpy().min() > 0


def test_variables_of_two_that_are_alike_are_exported(tmp_path):
    """As layers of one trace they would be variables that no file has."""
    layers = [zoo.layers.Fixed(tfb.Scale(tf.Variable([2.0, 2.0]))) for _ in range(2)]
    flow, x = zoo.Flow(layers, event_shape=(2,), jit_compile=False), np.ones((1, 2), "float32")
    exported = zoo.load_exported(flow.export(tmp_path / "exported"))
    np.testing.assert_allclose(exported.log_prob(x), flow.log_prob(x), rtol=1e-6)


def test_parameters_that_would_fill_the_memory_are_refused_before():
    """Each of 100,000 numbers, 40 gigabytes against each other."""
    shapes = (10**5, 1, 1, 1), (10**5, 1, 1)
    shifts = [tfb.Shift(np.zeros(shape, "float32")) for shape in shapes]
    chain = tfb.Chain(shifts)
    for bijector in (chain, tfb.Blockwise([chain, chain], block_sizes=[1, 1])):
        with helpers.raises_one_line("no bijector for events of shape (2,)"):
            zoo.layers.Fixed(bijector, (2,))


def test_shapes():
    square = zoo.layers.Fixed(tfb.Reshape(event_shape_out=[2, 2], event_shape_in=[4]), (2, 2))
    assert square.latent_shape == (4,)
    flow = zoo.Flow([square, zoo.layers.Autoregressive((4,), hidden_units=(4,))])
    assert flow.sample(3, seed=0).shape == (3, 2, 2)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: zoo.layers.Fixed(3), ["must be a tfb.Bijector, got 3"]),
        (lambda: zoo.layers.Fixed(tfb.Shift(np.zeros(3, "float32")), (2,)), ["(2,)", "shift"]),
        (lambda: zoo.layers.Fixed(tfb.Shift(np.zeros(2)), (2,)), ["type float32"]),
        (lambda: zoo.Flow([zoo.layers.Fixed(tfb.Exp())]), ["event_shape"]),
        (
            lambda: zoo.layers.Fixed(
                tfb.Inline(tf.identity, tf.identity, lambda x: 0.0, forward_min_event_ndims=0)
            ),
            ["Inline", "zoo.backend.configuration"],
        ),
        (lambda: zoo.MAF((2,), bounds=[None]), ["one a column, 2"]),
        (lambda: zoo.MAF((2,), bounds=[(1, 0), None]), ["bounds[0]", "(1, 0)"]),
        (lambda: zoo.MAF((2,), standardize=([0, 0], [1, 0])), ["scale must be positive"]),
        (lambda: zoo.MAF((2,), standardize=3), ["(shift, scale)"]),
        (lambda: zoo.layers.Columns((2,), [None, (1.7e9, 1.7e9 + 9)]), ["column 1", "float64"]),
        (lambda: zoo.layers.Columns((1,), scale=[1e-60]), ["column 0", "float32"]),
        (lambda: zoo.layers.Columns((1,), shift=[1e60]), ["column 0", "float32"]),
        (lambda: zoo.MAF((2,), levels=4, bounds=[None, None]), ["omit levels"]),
        (lambda: zoo.Glow((4, 4, 1), standardize=([0], [1])), ["columns of tables"]),
    ],
)
def test_what_is_refused(make, words):
    with helpers.raises_one_line(*words):
        make()


def test_columns_are_exact_and_stay_inside():
    layer = zoo.layers.Columns((5,), BOUNDS, [7, 0, 0, 0, 0], [2, 1, 100, 10, 0.5])
    z = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
    found, expected, x = jacobian(layer, z)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    np.testing.assert_allclose(layer(x)[0], z, atol=1e-3)
    np.testing.assert_allclose(x[:, 0], 7 + 2 * z[:, 0], rtol=1e-6)
    low, high = layer.limits
    assert (x > low).all() and (x < high).all()


def test_bounds_of_a_family(tmp_path):
    x = np.random.default_rng(0).gamma(2.0, size=(100, 2)).astype("float32")
    x[:, 1] = 1e4 * np.exp(x[:, 1])
    settings = {"bounds": [(0, None), "log"], "standardize": (x.mean(axis=0), x.std(axis=0))}
    flow = zoo.MAF((2,), num_layers=1, hidden_units=(4,), jit_compile=False, **settings)
    flow.adapt(x)
    expected = flow.log_prob(x)
    assert np.isfinite(expected).all() and flow.sample(200, seed=0).numpy().min() > 0
    helpers.assert_same(zoo.load(zoo.save(flow, tmp_path / "flow")).log_prob(x), expected)
    exported = zoo.load_exported(flow.export(tmp_path / "exported"))
    np.testing.assert_allclose(exported.log_prob(x), expected, rtol=1e-5)
    x[7, 1] = 0.0
    with helpers.raises_one_line("between the bounds", "row 7, feature 1", "(0, inf)"):
        flow.log_prob(x)
    flow.compile("adam")
    with helpers.raises_one_line("within the bounds of its columns", "feature 1"):
        flow.fit(tf.data.Dataset.from_tensor_slices(x).batch(50), verbose=0)


def test_numbers_that_float32_rounds_onto_a_bound_are_refused():
    flow = zoo.MAF((2,), bounds=["log", (0, 1)], num_layers=1, hidden_units=(4,), jit_compile=False)
    for row in ([1.0, 1 - 1e-9], [1e-45, 0.5]):
        with pytest.raises(ValueError, match="must lie between the bounds"):
            flow.log_prob(np.array([row]))
    for bounds in (5, [None, (0, 1e39)], [(-1e39, None), None]):
        with pytest.raises(ValueError, match="bounds"):
            zoo.layers.Columns((2,), bounds=bounds)
