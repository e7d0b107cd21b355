import numpy as np
import pytest
import tensorflow as tf

from tests import helpers
from zoo import bijectors
from zoo.backend import tfd


def reshaping():
    return bijectors.Chain(
        [bijectors.Rescale(1.0, 2.0, (2, 3)), bijectors.Reshape((2, 3), (6,))],
        (2, 3),
        (6,),
        dtype="float64",
        name="reshaping",
    )


def test_event_shapes_that_change():
    chain = reshaping()
    assert tuple(chain.inverse_event_shape([5, 2, 3])) == (5, 6)
    assert tuple(chain.forward_event_shape([5, 6])) == (5, 2, 3)
    assert tuple(chain.inverse_event_shape_tensor(tf.constant([5, 2, 3]))) == (5, 6)
    assert (chain.forward_min_event_ndims, chain.inverse_min_event_ndims) == (1, 2)


def test_densities_of_events_that_change_shape():
    flow = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(np.zeros(6)), reshaping())
    assert tuple(flow.event_shape) == (2, 3)
    x = np.random.default_rng(0).normal(size=(5, 2, 3))
    expected = tfd.Normal(np.float64(1), np.float64(2)).log_prob(x).numpy().sum((1, 2))
    np.testing.assert_allclose(flow.log_prob(x), expected)
    assert flow.sample((4, 5), seed=0).shape == (4, 5, 2, 3)


def test_composes_from_the_data_to_the_latent():
    chain = bijectors.Chain(
        [bijectors.Shift(np.float64(1.0)), bijectors.Rescale(0.0, 2.0, (3,))], (3,), (3,)
    )
    np.testing.assert_allclose(chain.inverse(np.array([3.0, 5.0, 7.0])), [1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("call", "shape", "words"),
    [
        ("inverse", (5, 2, 4), ["reshaping", "data", "[..., 2, 3]", "[5, 2, 4]"]),
        ("inverse", (3,), ["reshaping", "data", "[..., 2, 3]", "[3]"]),
        ("forward", (5, 5), ["reshaping", "latent", "[..., 6]", "[5, 5]"]),
    ],
)
def test_refuses_other_shapes(call, shape, words):
    with helpers.raises_one_line(*words):
        getattr(reshaping(), f"{call}_and_log_det")(tf.zeros(shape, tf.float64))


def test_nothing_to_compose_is_the_identity():
    chain = bijectors.Chain([], (2,), (2,))
    x = np.ones((3, 2))
    np.testing.assert_array_equal(chain.forward(x), x)
    np.testing.assert_array_equal(chain.inverse_log_det_jacobian(x, 1), np.zeros(3))
