import numpy as np
import pytest

import zoo
from tests import helpers
from tests.zoo import images


def scales(shape=(4, 4, 2), context=None, dtype="float64"):
    """Two scales of one squeeze and one coupling each."""
    common = {"width": 4, "context_shape": context, "seed": 0, "dtype": dtype}
    result = []
    for _ in range(2):
        squeeze = zoo.layers.Squeeze(shape, dtype=dtype)
        shape = squeeze.latent_shape
        result.append([squeeze, zoo.layers.ConvCoupling(shape, "first_half", **common)])
        shape = (*shape[:2], shape[2] // 2)
    return result


def random_layer(factor="half", context=None, **settings):
    layer = zoo.layers.MultiScale(scales(context=context), factor, dtype="float64", **settings)
    return helpers.randomize(layer, seed=1)


@pytest.mark.parametrize("factor", ["half", "checkerboard"])
@pytest.mark.parametrize("context", [None, (2,)])
def test_log_det_and_round_trip(factor, context):
    layer = random_layer(factor, context)
    given = None if context is None else images.normal(2, *context)
    assert layer.event_shape == (4, 4, 2)
    assert layer.latent_shape == (32,)
    images.check(layer, given)
    images.check_leading_shapes(layer, given)


def test_one_event_and_many_contexts():
    layer, x, given = random_layer(context=(2,)), images.normal(4, 4, 2), images.normal(3, 2)
    z = layer.bijector(given).inverse(x)
    assert tuple(z.shape) == (3, 32)
    for one, c in zip(z, given, strict=True):
        np.testing.assert_allclose(one, layer.bijector(c).inverse(x), rtol=0, atol=1e-12)
    back = layer.bijector(given).forward(z[0])
    np.testing.assert_allclose(back[0], x, rtol=0, atol=1e-10)


def test_what_leaves_first_comes_first_and_nothing_is_dropped():
    layer = zoo.layers.MultiScale(
        [[zoo.layers.Squeeze((4, 4, 1))], [zoo.layers.Squeeze((2, 2, 2))]]
    )
    x = np.arange(16.0, dtype="float32").reshape(1, 4, 4, 1)
    z = layer(x)[0].numpy()[0]
    # After the first squeeze the lower row of every block of pixels leaves.
    np.testing.assert_array_equal(z[:8], [4, 5, 6, 7, 12, 13, 14, 15])
    np.testing.assert_array_equal(z[8:], [0, 1, 2, 3, 8, 9, 10, 11])


def test_checkerboard_keeps_the_diagonal_of_each_block():
    stays = [[zoo.layers.Squeeze((2, 2, 2))], [zoo.layers.ActNorm((1, 1, 4))]]
    layer = zoo.layers.MultiScale(stays, "checkerboard")
    x = np.arange(8.0, dtype="float32").reshape(1, 2, 2, 2)
    np.testing.assert_array_equal(layer(x)[0][0], [2, 3, 4, 5, 0, 1, 6, 7])


def test_adapt_goes_through_the_whole_depth():
    parts = [
        [zoo.layers.ActNorm((4, 4, 2)), zoo.layers.Squeeze((4, 4, 2))],
        [zoo.layers.ActNorm((2, 2, 4)), zoo.layers.ActNorm((2, 2, 4))],
    ]
    layer = zoo.layers.MultiScale(parts)
    x = 3.0 + 2.0 * images.normal(50, 4, 4, 2).astype("float32")
    layer.adapt(x)
    z = layer(x)[0].numpy()
    rest = z[:, 16:].reshape(-1, 4)
    np.testing.assert_allclose(rest.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(rest.var(0), 1, atol=1e-4)


def test_config_describes_the_layer():
    layer = random_layer("checkerboard", (2,))
    twin = zoo.layers.MultiScale.from_config(layer.get_config())
    twin.set_weights(layer.get_weights())
    x, given = images.normal(2, 4, 4, 2), images.normal(2, 2)
    helpers.assert_same(twin(x, given)[0], layer(x, given)[0])


def test_a_flow_of_such_layers_is_saved(tmp_path):
    parts = [zoo.layers.Rescale((4, 4, 2), scale=2.0), zoo.layers.MultiScale(scales(dtype=None))]
    flow = helpers.randomize(zoo.Flow(parts, jit_compile=False))
    x = helpers.data(flow, 3)
    loaded = helpers.saved_and_loaded(flow, tmp_path)
    helpers.assert_same(loaded.log_prob(x), flow.log_prob(x))


def test_xla_is_for_flows_without_convolutions():
    assert not zoo.Flow([zoo.layers.MultiScale(scales(dtype=None))]).uses_xla
    assert zoo.Flow([zoo.layers.Stack([zoo.layers.Squeeze((2, 2, 1))])]).uses_xla


def squeeze(*shape):
    return [zoo.layers.Squeeze(shape)]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: zoo.layers.MultiScale([]), ["at least one scale"]),
        (lambda: zoo.layers.Stack([]), ["without layers", "event_shape"]),
        (
            lambda: zoo.layers.MultiScale([[zoo.layers.ActNorm((2, 2, 3))], squeeze(2, 2, 1)]),
            ["divisible by 2", "got 3"],
        ),
        (
            lambda: zoo.layers.MultiScale(
                [[zoo.layers.ActNorm((2, 2, 2))], squeeze(2, 2, 1)], "checkerboard"
            ),
            ["divisible by 4", "got 2"],
        ),
        (
            lambda: zoo.layers.MultiScale([squeeze(4, 4, 1), squeeze(2, 2, 4)]),
            ["Scale 1", "(2, 2, 4)", "(2, 2, 2)"],
        ),
        (
            lambda: zoo.layers.Stack(squeeze(4, 4, 1) + squeeze(4, 4, 1)),
            ["(4, 4, 1)", "(2, 2, 4)"],
        ),
        (lambda: zoo.layers.MultiScale([squeeze(2, 2, 1)], "thirds"), ["factor", "'half'"]),
    ],
)
def test_bad_arguments_are_refused(make, words):
    with helpers.raises_one_line(*words):
        make()
