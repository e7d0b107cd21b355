"""Every bijector of the library: log-determinants against autodiff, round trips, leading shapes."""

import numpy as np
import pytest
import tensorflow as tf

from tests import helpers
from zoo import bijectors, transformers
from zoo.backend import tfb
from zoo.layers.coupling import Partition

RNG = np.random.default_rng(0)
PARAMETERS = RNG.normal(size=(4, 2))
LOWER = np.tril(RNG.normal(size=(4, 4)), -1) + np.eye(4)
UPPER = np.triu(RNG.normal(size=(4, 4)), 1) + np.diag([0.5, 1.0, 2.0, 1.5])
AFFINE = transformers.Affine()


def _conditioner(x, context):
    """Some smooth function of the two kept entries, `[..., 2] -> [..., 2, 2]`."""
    return tf.stack([tf.sin(x), tf.cos(x[..., ::-1])], axis=-1)


def _autoregressive(x, context=None):
    """Parameters `[..., 4, 2]` of which the `i`-th see the entries before the `i`-th."""
    before = tf.cumsum(x, axis=-1, exclusive=True)
    return tf.stack([tf.sin(before), 0.5 * tf.cos(before)], axis=-1)


def _sweep(x, context):
    out = tf.zeros_like(x)
    for _ in range(4):
        out, log_det = AFFINE.forward_and_log_det(x, _autoregressive(out))
    return out, tf.reduce_sum(log_det, axis=-1)


def _chain():
    return bijectors.Chain(
        [
            bijectors.Permute([2, 0, 3, 1]),
            tfb.Softplus(),
            bijectors.Elementwise(lambda context: PARAMETERS, AFFINE),
        ],
        (4,),
        (4,),
        dtype="float64",
    )


def _chain_of_constants():
    """The log-determinants of its parts have the leading shape of no batch."""
    parts = [tfb.Scale(np.float64(3.0)), tfb.Scale(np.float64(-0.5))]
    return bijectors.Chain(parts, (4,), (4,), dtype="float64")


# name -> (bijector, low and high end of the data that it takes)
BIJECTORS = {
    "affine": lambda: bijectors.Affine(PARAMETERS[:, 0], PARAMETERS[:, 1]),
    "gate": lambda: bijectors.Gate(PARAMETERS[:, 0], np.exp(PARAMETERS[:, 1])),
    "shift": lambda: bijectors.Shift(PARAMETERS[:, 0]),
    "elementwise": lambda: bijectors.Elementwise(lambda context: PARAMETERS, AFFINE),
    "permute": lambda: bijectors.Permute([2, 0, 3, 1]),
    "reverse": lambda: bijectors.Permute([3, 2, 1, 0]),
    "linear": lambda: bijectors.LULinear(
        lambda: (LOWER, UPPER, np.log(np.diag(UPPER)), PARAMETERS[:, 0]), np.array([2, 0, 3, 1])
    ),
    "coupling": lambda: bijectors.Coupling(
        Partition([True, False, False, True]), _conditioner, AFFINE
    ),
    "coupling_even": lambda: bijectors.Coupling(
        Partition([True, False, True, False]), _conditioner, AFFINE
    ),
    "autoregressive": lambda: bijectors.Autoregressive(
        _autoregressive, _sweep, AFFINE, order=np.array([1, 3, 0, 2])
    ),
    "logit": lambda: bijectors.Logit(3, 0.01, (4,)),
    "rescale": lambda: bijectors.Rescale(1.5, 2.5, (4,)),
    "chain": _chain,
    "chain_of_constant_log_dets": _chain_of_constants,
}


def data(name, lead=(3,)):
    x = np.random.default_rng(1).normal(size=(*lead, 4))
    return 3 / (1 + np.exp(-x)) if name in ("logit", "chain") else x


@pytest.mark.parametrize("name", BIJECTORS)
def test_log_det_against_autodiff_and_round_trip(name):
    x = data(name)
    z = BIJECTORS[name]().inverse(x)
    np.testing.assert_allclose(BIJECTORS[name]().forward(z), x, rtol=0, atol=1e-9)
    for there, value in (("inverse", x), ("forward", np.asarray(z))):

        def mapped(rows, _, there=there):
            return getattr(BIJECTORS[name](), there)(rows)

        true = np.linalg.slogdet(helpers.jacobian(mapped, value))[1]
        claimed = getattr(BIJECTORS[name](), f"{there}_log_det_jacobian")(value, 1)
        np.testing.assert_allclose(claimed, true, rtol=0, atol=1e-9)


@pytest.mark.parametrize("lead", [(), (2, 3)])
@pytest.mark.parametrize("name", BIJECTORS)
def test_any_leading_shape(name, lead):
    x = data(name, lead)
    flat = x.reshape(-1, 4)
    bijector = BIJECTORS[name]()
    z = bijector.inverse(x)
    assert z.shape == x.shape
    np.testing.assert_allclose(np.reshape(z, (-1, 4)), BIJECTORS[name]().inverse(flat), atol=1e-12)
    log_det = bijector.inverse_log_det_jacobian(x, 1)
    assert log_det.shape == lead
    np.testing.assert_allclose(
        np.reshape(log_det, -1), BIJECTORS[name]().inverse_log_det_jacobian(flat, 1), atol=1e-12
    )
