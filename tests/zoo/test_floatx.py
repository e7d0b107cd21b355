"""Flows of float64 by Keras' default type, `keras.config.set_floatx`."""

import keras
import numpy as np
import pytest

from tests import helpers
from tests.zoo import table


@pytest.fixture
def double(eagerly):
    keras.config.set_floatx("float64")
    # Keras made the policy of an earlier default once.
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")


# Those that count: bins of a spline, unknowns of a system of equations, classes.
QUICK = {"maf_spline", "sylvester", "maf_classes"}
# Their bases are distributions of float32.
OF_FLOAT32 = {"maf_distribution_base", "maf_variables_base"}


@pytest.mark.parametrize(
    "name", table.params(QUICK, [n for n in table.MODELS if n not in OF_FLOAT32])
)
def test_everything_is_of_the_default_type(name, double):
    flow = table.build(name, jit_compile=False)
    x, context = helpers.floats(flow, 4), helpers.context(flow, 4)
    assert {v.dtype for v in flow.trainable_variables} == {"float64"}
    found = [flow.log_prob(x, context, seed=1), flow.sample(4, context, seed=1)]
    found.append(flow.distribution(context).log_prob(x))
    if flow.num_classes:
        found.append(flow.log_prob(x, seed=1))
    assert {y.dtype.name for y in found} == {"float64"}
    assert all(np.isfinite(y).all() for y in found)
    if name != "made_mixture":  # A density without a latent.
        back = flow.decode(flow.encode(x, context), context)
        np.testing.assert_allclose(back, x, rtol=0, atol=1e-6)
