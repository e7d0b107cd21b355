"""Preprocessing keeps its digits at both ends of the grey scale, in float32 too."""

import math

import numpy as np
import pytest

from zoo import bijectors

ALPHA = 1e-6


def logit(dtype, levels=256):
    return bijectors.Logit(levels, ALPHA, (1,), dtype=dtype)


def exact(y, levels=256):
    """The latent and its log-slope, from the distances to both ends in double precision."""
    span = 1 - 2 * ALPHA
    low = ALPHA + span * (y / levels)
    high = ALPHA + span * ((levels - y) / levels)
    return np.log(low) - np.log(high), np.log(span / levels) - np.log(low) - np.log(high)


# Both ends, next to them, the middle. Those near 256 are exact in float32: 256 - 2^-15 is.
GREYS = np.array([0.0, 1e-4, 0.5, 100.0, 128.0, 200.0, 255.5, 256 - 2**-14, 256 - 2**-15, 256.0])


def test_logit_is_accurate_at_both_ends_in_float32():
    y = GREYS.astype("float32")[:, None]
    x, log_det = logit("float32").inverse_and_log_det(y)
    expected, slope = exact(y.astype("float64"))
    np.testing.assert_allclose(x, expected, rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(np.asarray(log_det)[:, None], slope, rtol=2e-6, atol=2e-6)


def test_logit_round_trip_in_float32():
    y = GREYS.astype("float32")[:, None]
    # Half of the range away from zero, a float32 is 1.5e-5 apart from the next one.
    np.testing.assert_allclose(
        logit("float32").forward(logit("float32").inverse(y)), y, rtol=0, atol=1e-4
    )
    low = GREYS[:3].astype("float32")[:, None]
    back = logit("float32").forward(logit("float32").inverse(low))
    np.testing.assert_allclose(back, low, rtol=2e-5, atol=1e-7)


def test_logit_is_symmetric():
    x = logit("float64").inverse(np.array([[10.0], [246.0]]))
    np.testing.assert_allclose(x[0], -x[1], rtol=0, atol=1e-12)


def test_rescale_log_det_is_in_data_units():
    rescale = bijectors.Rescale(2.0, 4.0, (2, 3), dtype="float64")
    x = np.ones((5, 2, 3))
    np.testing.assert_allclose(rescale.inverse(x), np.full((5, 2, 3), -0.25))
    np.testing.assert_allclose(
        rescale.inverse_log_det_jacobian(x, 2), np.full(5, -6 * math.log(4.0))
    )


@pytest.mark.parametrize("lead", [(), (5,), (2, 5)])
def test_reshape(lead):
    reshape = bijectors.Reshape((2, 3), (6,), dtype="float64")
    x = np.random.default_rng(0).normal(size=(*lead, 2, 3))
    z, log_det = reshape.inverse_and_log_det(x)
    np.testing.assert_array_equal(z, x.reshape(*lead, 6))
    np.testing.assert_array_equal(log_det, np.zeros(lead))
    np.testing.assert_array_equal(reshape.forward(np.asarray(z)), x)


@pytest.mark.parametrize(
    "bijector", [bijectors.Reshape((2, 4, 3), (24,)), bijectors.Squeeze((2, 4, 3))], ids=str
)
def test_shapes_as_tensors_are_those_known_before(bijector):
    data = [5, 2, 4, 3]
    latent = list(bijector.inverse_event_shape(data))
    assert latent in ([5, 24], [5, 1, 2, 12])
    assert list(bijector.forward_event_shape(latent)) == data
    assert list(bijector.inverse_event_shape_tensor(data)) == latent
    assert list(bijector.forward_event_shape_tensor(latent)) == data
