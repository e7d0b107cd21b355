"""What every family promises, on random weights, against the autodiff Jacobian and itself."""

import functools

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers

# Glow is for images alone.
ELSEWHERE = ("glow",)
COUPLING = ("nice", "real_nvp", "nsf")
DIMENSIONS = (1, 2, 5, 64)
# Random layers multiply slopes between exp(-s) and exp(s), and a round trip loses that many digits.
# This scale keeps the stack's condition number near 100 (1e-8 and 1e-4 are then far above rounding)
# while every log-scale is well away from zero.
SCALE = 0.5


@functools.cache
def flow_of(name, size, context_shape=None, dtype="float64", **settings):
    """A small random flow of the family called `name`."""
    if name != "made":
        # XLA's compilation of the sweeps takes most of the time here: one D gets the deep flows.
        settings.setdefault("num_layers", 2 if size == 5 or name in COUPLING else 1)
    if name in ("i_resnet", "residual_flow"):
        settings.setdefault("log_det", "exact")
    units = (10, 10) if size == 5 else (10,)
    settings = {"hidden_units": units, "jit_compile": False, "seed": 0} | settings
    flow = zoo.MODELS[name]((size,), context_shape=context_shape, dtype=dtype, **settings)
    return helpers.randomize(flow, seed=size, scale=SCALE)


def there_and_back(flow, start, there, back):
    """Maps events one way and back, and checks both maps' log-determinants against autodiff.

    Returns:
      The largest errors of the log-determinants, and of the round trip.
    """
    n, size = start.shape
    rows, pick = helpers.copied(start)
    given = helpers.repeated(helpers.context(flow, n), size)
    # Two bijectors: one alone would answer a round trip from its cache.
    first, second = flow.bijector(given), flow.bijector(given)
    with tf.GradientTape() as tape:
        tape.watch(rows)
        middle = getattr(first, there)(rows)
        # Cut in two, so that one gradient gives both Jacobians.
        again = tf.stop_gradient(middle)
        tape.watch(again)
        end = getattr(second, back)(again)
        total = tf.reduce_sum(middle * pick) + tf.reduce_sum(end * pick)
    claims = (
        getattr(first, f"{there}_log_det_jacobian")(rows, 1),
        getattr(second, f"{back}_log_det_jacobian")(again, 1),
    )
    errors = []
    for claimed, matrices in zip(claims, tape.gradient(total, (rows, again)), strict=True):
        matrices = matrices.numpy().reshape(n, size, size).astype("float64")
        true = np.linalg.slogdet(matrices)[1]
        assert np.abs(true).max() > 1e-3, "an identity: the test would show nothing"
        errors.append(np.abs(claimed.numpy().reshape(n, size) - true[:, None]).max())
    return max(errors), np.abs(end - rows).max()


def check(flow, tolerance):
    for seed, way in ((1, ("inverse", "forward")), (2, ("forward", "inverse"))):
        log_det, round_trip = there_and_back(flow, helpers.floats(flow, 2, seed), *way)
        assert log_det <= tolerance
        assert round_trip <= tolerance


def cases(dimensions, contexts):
    vectors = [name for name in zoo.MODELS if name not in ELSEWHERE]
    return [(n, d, c) for n in vectors for d in dimensions for c in contexts]


def slow_unless(keep, all_cases, quick=COUPLING):
    """Of the families whose sweeps take long to compile, not the quick ones, some run always."""
    return [
        pytest.param(*c, marks=() if c[0] in quick or c[1:] in keep else pytest.mark.slow)
        for c in all_cases
    ]


@pytest.mark.parametrize(
    ("name", "size", "context"),
    slow_unless(
        [(1, None), (5, (3,))],
        cases(DIMENSIONS, (None, (3,))),
        quick=[name for name in zoo.MODELS if name not in ("naf", "residual_flow")],
    ),
)
def test_log_det_and_round_trip_in_float64(name, size, context):
    check(flow_of(name, size, context), 1e-8)


@pytest.mark.parametrize(
    ("name", "size", "context"),
    slow_unless([(5, (3,)), (64, None)], cases(DIMENSIONS, (None, (3,)))),
)
def test_log_det_and_round_trip_in_float32(name, size, context):
    check(flow_of(name, size, context, "float32"), 1e-4)


VARIANTS = {
    "real_nvp_additive": ("real_nvp", {"transformer": "additive"}),
    "real_nvp_gated": ("real_nvp", {"transformer": "gated"}),
    "real_nvp_spline": ("real_nvp", {"transformer": "spline"}),
    "maf_gated": ("maf", {"transformer": "gated"}),
    "maf_spline": ("maf", {"transformer": "spline"}),
    "maf_residual": ("maf", {"hidden_units": (9,) * 5, "residual": True, "activation": "tanh"}),
    "maf_random": ("maf", {"order": "random"}),
    "maf_linear": ("maf", {"hidden_units": ()}),
    "maf_narrow": ("maf", {"hidden_units": (2,)}),
    "nsf_autoregressive": ("nsf", {"kind": "autoregressive"}),
    "naf_dense": ("naf", {"sigmoid_layers": 2, "num_units": 4, "dense": True}),
    "naf_sample": ("naf", {"fast": "sample", "num_units": 4}),
    "iaf_affine_random": ("iaf", {"transformer": "affine", "order": "random"}),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_in_float64(variant):
    name, settings = VARIANTS[variant]
    log_det, round_trip = there_and_back(
        flow_of(name, 5, **settings),
        np.random.default_rng(0).normal(size=(2, 5)),
        *(("forward", "inverse") if name == "iaf" else ("inverse", "forward")),
    )
    assert log_det <= 1e-8
    assert round_trip <= 1e-8


def evaluate(flow):
    """A function of `(x, z, context)` to densities, encoded and decoded events."""

    def both(x, z, context):
        bijector = flow.bijector(context)
        return flow.distribution(context).log_prob(x), bijector.inverse(x), bijector.forward(z)

    return both


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [("float64", 1e-8), pytest.param("float32", 1e-4, marks=pytest.mark.slow)],
)
@pytest.mark.parametrize(
    ("name", "size", "context"),
    slow_unless([(5, (3,))], cases(DIMENSIONS, (None, (3,)))),
)
def test_eager_graph_and_xla_agree(name, size, context, dtype, tolerance):
    flow = flow_of(name, size, context, dtype)
    x, z = helpers.floats(flow, 2, seed=1), helpers.floats(flow, 2, seed=2)
    args = [tf.convert_to_tensor(x), tf.convert_to_tensor(z), helpers.context(flow, 2)]
    function = evaluate(flow)
    eager = function(*args)
    for jit in (False, True):
        compiled = tf.function(function, jit_compile=jit)(*args)
        for a, b in zip(compiled, eager, strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)
