import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from tests.zoo import images
from zoo.layers.conv1x1 import rotation

KINDS = ("lu", "plain")
LAYERS = (zoo.layers.Conv1x1, zoo.layers.ActNormConv1x1)


def random_layer(kind, channels=3, layer=zoo.layers.ActNormConv1x1, dtype="float64"):
    return helpers.randomize(layer((4, 4, channels), kind, seed=0, dtype=dtype), seed=channels)


@pytest.mark.parametrize("size", [1, 2, 5, 12])
def test_rotation_and_its_factors(size):
    weight, permutation, lower, upper = rotation(size, seed=size)
    np.testing.assert_allclose(weight @ weight.T, np.eye(size), rtol=0, atol=1e-12)
    np.testing.assert_allclose(permutation @ lower @ upper, weight, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(lower, np.tril(lower))
    np.testing.assert_array_equal(upper, np.triu(upper))
    np.testing.assert_array_equal(np.diag(lower), 1)
    assert (np.diag(upper) > 0).all()
    assert np.abs(lower).max() <= 1, "the largest entry of a column is its pivot"


@pytest.mark.parametrize("kind", KINDS)
def test_starts_as_the_rotation_of_its_seed(kind):
    layer = zoo.layers.Conv1x1((2, 2, 6), kind, seed=3, dtype="float64")
    x = images.normal(1, 2, 2, 6)
    z, log_det = layer(x)
    np.testing.assert_allclose(z, x @ rotation(6, 3)[0].T, rtol=0, atol=1e-12)
    np.testing.assert_allclose(log_det, 0, rtol=0, atol=1e-12)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_log_det_and_round_trip(kind, channels, layer):
    images.check(random_layer(kind, channels, layer))


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("kind", KINDS)
def test_leading_shapes(kind, layer):
    images.check_leading_shapes(random_layer(kind, layer=layer))


@pytest.mark.parametrize("kind", KINDS)
def test_fused_equals_act_norm_and_convolution(kind):
    fused = random_layer(kind)
    plain = zoo.layers.Stack([fused.act_norm, fused.conv], dtype="float64")
    x = images.normal(2, 4, 4, 3)
    for way in ("inverse_and_log_det", "forward_and_log_det"):
        (one, one_det), (two, two_det) = (
            getattr(layer.bijector(), way)(x) for layer in (fused, plain)
        )
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-10)
        np.testing.assert_allclose(one_det, two_det, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_fused_layer_reads_the_image_once(kind):
    """Of all operations, one alone is on something as large as the batch: the product."""
    layer = random_layer(kind, dtype="float32")
    function = tf.function(lambda x: layer.bijector().inverse(x))
    graph = function.get_concrete_function(tf.TensorSpec((1000, 4, 4, 3))).graph
    large = [
        op.type
        for op in graph.get_operations()
        if any(t.shape.num_elements() == 48000 for t in op.outputs)
    ]
    arithmetic = [kind for kind in large if kind not in ("Placeholder", "Reshape", "Identity")]
    # The addition of a bias goes with a product.
    assert sorted(arithmetic) == ["BiasAdd", "MatMul"]


def test_plain_log_det_does_not_underflow_in_float32():
    layer = zoo.layers.Conv1x1((1, 1, 48), "plain", seed=0)
    layer.weight.assign(1e-2 * layer.weight.numpy())  # |det W| is 1e-96.
    assert float(layer(images.normal(1, 1, 1, 48).astype("float32"))[1][0]) == pytest.approx(
        -48 * np.log(100.0), rel=1e-5
    )


def test_unknown_kind_is_refused():
    with helpers.raises_one_line("kind", "'lu'", "'plain'", "'qr'"):
        zoo.layers.Conv1x1((2, 2, 2), "qr")
