"""What the tests of the image layers share: checks of a bijection against autodiff."""

import math

import numpy as np
import tensorflow as tf

from tests import helpers


def normal(*shape, seed=0):
    """Normal numbers in float64."""
    return np.random.default_rng(seed).normal(size=shape)


def one_way(layer, way, start, context=None):
    """Maps events one way and back, and the Jacobians of the first.

    Args:
      layer: Has `bijector(context)`, `event_shape` and `latent_shape`: a layer, or a flow.
      way: `"inverse"` (data to latent) or `"forward"`.
      start: Events `[n, *shape]`.
      context: Contexts `[n, ...]`, or `None`.

    Returns:
      The Jacobians `[n, d, d]`, the claimed log-determinants `[n]`, and the end of the round trip.
    """
    back = {"inverse": "forward", "forward": "inverse"}[way]
    n, shape = len(start), start.shape[1:]
    size = math.prod(shape)

    def flat(rows, copies):
        bijector = layer.bijector(helpers.repeated(context, copies))
        y = getattr(bijector, way)(tf.reshape(rows, (-1, *shape)))
        return tf.reshape(y, (-1, size))

    matrices = helpers.jacobian(flat, start.reshape(n, size))
    claimed = getattr(layer.bijector(context), f"{way}_log_det_jacobian")(start, len(shape))
    # Three bijectors: one alone would answer from its cache.
    middle = getattr(layer.bijector(context), way)(start)
    return matrices, np.asarray(claimed), np.asarray(getattr(layer.bijector(context), back)(middle))


def check(layer, context=None, n=2, tolerance=1e-8, volume_preserving=False):
    """Log-determinants and round trips of a float64 layer with random weights, both ways."""
    for way, shape in (("inverse", layer.event_shape), ("forward", layer.latent_shape)):
        start = normal(n, *shape, seed=len(way))
        if context is not None:
            context = context[:n]
        matrices, claimed, end = one_way(layer, way, start, context)
        true = np.linalg.slogdet(matrices)[1]
        if not volume_preserving:
            assert np.abs(true).min() > 1e-3, "an identity: the test would show nothing"
        np.testing.assert_allclose(np.broadcast_to(claimed, n), true, rtol=0, atol=tolerance)
        np.testing.assert_allclose(end, start, rtol=0, atol=tolerance)


def check_leading_shapes(layer, context=None):
    """The layer takes a bare event and several leading dimensions as it takes a batch."""
    x = normal(6, *layer.event_shape)
    given = None if context is None else context[0]
    z, log_det = layer.bijector(given).inverse_and_log_det(x)
    for lead in ((), (2, 3), (6, 1)):
        shaped = x[0] if lead == () else x.reshape(*lead, *layer.event_shape)
        z_shaped, log_det_shaped = layer.bijector(given).inverse_and_log_det(shaped)
        assert tuple(z_shaped.shape) == (*lead, *layer.latent_shape)
        assert tuple(log_det_shaped.shape) == lead
        flat = np.reshape(z_shaped, (-1, *layer.latent_shape))
        np.testing.assert_allclose(flat, z[: len(flat)], rtol=0, atol=1e-12)
        np.testing.assert_allclose(
            np.reshape(log_det_shaped, -1), log_det[: len(flat)], rtol=0, atol=1e-10
        )
        x_back = layer.bijector(given).forward(z_shaped)
        np.testing.assert_allclose(x_back, shaped, rtol=0, atol=1e-8)


def check_flow(flow, n=2, tolerance=1e-8):
    """Log-determinants and round trips of a flow with random weights, both ways.

    One way starts from events in data units, the other from normal latents.
    """
    context = helpers.context(flow, n)
    z = normal(n, *flow.latent_shape).astype(flow.variable_dtype)
    for way, start in (("inverse", helpers.floats(flow, n, seed=1)), ("forward", z)):
        matrices, claimed, end = one_way(flow, way, start, context)
        true = np.linalg.slogdet(matrices.astype("float64"))[1]
        assert np.abs(true).max() > 1e-3, "an identity: the test would show nothing"
        np.testing.assert_allclose(np.broadcast_to(claimed, n), true, rtol=0, atol=tolerance)
        np.testing.assert_allclose(end, start, rtol=0, atol=tolerance)
