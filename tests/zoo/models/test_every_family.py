"""What every family promises, on random weights, against the autodiff Jacobian and itself.

Exactness is proved on layers and bijectors; of a family one case with a context is always run, and
all dimensions, types and compilers where there is time.
"""

import functools
import json

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers, net
from tests.zoo import images, table

# They are for images alone.
ELSEWHERE = ("glow", "jet", "tar_flow")
COUPLING = ("nice", "real_nvp", "nsf")
DIMENSIONS = (1, 2, 5, 64)
# Random layers multiply slopes between exp(-s) and exp(s), and a round trip loses that many digits.
# This scale keeps the stack's condition number near 100 (1e-8 and 1e-4 are then far above rounding)
# while every log-scale is well away from zero.
SCALE = 0.5
# What makes approximations exact: log-determinants, and solvers to their tolerance.
EXACT = {
    "i_resnet": {"log_det": "exact"},
    "residual_flow": {"log_det": "exact"},
    "continuous": {"solver": "dopri5"},
}


# These iterate long for an exact log-determinant; `test_exactness.py` has their layers.
LONG = ("naf", "continuous")


@pytest.mark.parametrize("family", table.params(set(zoo.MODELS) - set(LONG), zoo.MODELS))
def test_a_conditional_flow_is_exact_and_comes_back_from_its_file(family, tmp_path, without_xla):
    settings = {"jit_compile": False, "dtype": "float64"} | EXACT.get(family, {})
    flow = table.build(table.conditional()[family], **settings)
    assert type(flow) is zoo.MODELS[family] and flow.conditional
    images.check_flow(flow)
    loaded = helpers.saved_and_loaded(flow, tmp_path)
    assert json.dumps(loaded.get_config()) == json.dumps(flow.get_config())
    x, context = helpers.data(flow, 2), helpers.context(flow, 2)
    with net.eagerly():
        expected = flow.log_prob(x, context, seed=1)
        helpers.assert_same(loaded.log_prob(x, context, seed=1), expected)
        other = flow.log_prob(x, context[::-1], seed=1)
    assert np.abs(other - expected).max() > 1e-3, "the context is of no matter"


@functools.cache
def flow_of(name, size, context_shape=None, dtype="float64", **settings):
    """A small random flow of the family called `name`."""
    if name != "made":
        settings.setdefault("num_layers", 2 if size == 5 or name in COUPLING else 1)
    settings = EXACT.get(name, {}) | settings
    units = (10, 10) if size == 5 else (10,)
    settings = {"hidden_units": units, "jit_compile": False, "seed": 0} | settings
    flow = zoo.MODELS[name]((size,), context_shape=context_shape, dtype=dtype, **settings)
    return helpers.randomize(flow, seed=size, scale=SCALE)


def cases():
    vectors = [name for name in zoo.MODELS if name not in ELSEWHERE]
    return [(n, d, c) for n in vectors for d in DIMENSIONS for c in (None, (3,))]


@pytest.mark.slow
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-8), ("float32", 1e-4)])
@pytest.mark.parametrize(("name", "size", "context"), cases())
def test_log_det_and_round_trip(name, size, context, dtype, tolerance, without_xla):
    images.check_flow(flow_of(name, size, context, dtype), tolerance=tolerance)


# What a family is by its arguments: transformers, networks, orders.
VARIANTS = ("real_nvp_additive", "real_nvp_gated", "real_nvp_spline", "maf_gated", "maf_spline")
VARIANTS += ("maf_residual", "maf_random", "maf_linear", "maf_narrow", "nsf_autoregressive")
VARIANTS += ("naf_dense", "naf_sample", "iaf_affine_random")
QUICK = ("real_nvp_additive", "real_nvp_gated", "maf_narrow")


@pytest.mark.parametrize("name", table.params(QUICK, VARIANTS))
def test_variants_in_float64(name, without_xla):
    settings = {"event_shape": (5,), "dtype": "float64", "jit_compile": False}
    images.check_flow(table.build(name, SCALE, **settings))


def evaluate(flow):
    """A function of `(x, z, context)` to densities, encoded and decoded events."""

    def both(x, z, context):
        bijector = flow.bijector(context)
        return flow.distribution(context).log_prob(x), bijector.inverse(x), bijector.forward(z)

    return both


# A sweep, and an increasing scalar equation that is solved.
MECHANISMS = ("maf", "planar")


@pytest.mark.parametrize(
    ("name", "size", "context", "dtype", "tolerance"),
    [
        pytest.param(*case, *kind, marks=() if case in quick and kind[0] == "float64" else slow)
        for quick in [[(name, 5, (3,)) for name in MECHANISMS]]
        for slow in [pytest.mark.slow]
        for case in cases()
        for kind in (("float64", 1e-8), ("float32", 1e-4))
    ],
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
