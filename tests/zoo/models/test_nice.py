import numpy as np

import zoo
from tests import helpers

SMALL = {"hidden_units": (8,), "seed": 0, "dtype": "float64", "jit_compile": False}


def test_the_log_det_is_the_same_for_all_data():
    flow = helpers.randomize(zoo.NICE((5,), **SMALL))
    log_det = flow.bijector().inverse_log_det_jacobian(helpers.data(flow, 9), 1)
    assert abs(float(log_det[0])) > 0.01
    np.testing.assert_allclose(log_det, np.full(9, log_det[0]))


def test_every_dimension_acts_on_every_other():
    flow = helpers.randomize(zoo.NICE((4,), num_layers=3, activation="tanh", **SMALL), scale=1.0)
    matrices = helpers.jacobian(
        lambda rows, _: flow.bijector().inverse(rows), helpers.data(flow, 2)
    )
    assert (matrices != 0).all()


def test_the_papers_defaults():
    flow = zoo.NICE((4,))
    couplings, scale = flow.stack.layers[:-1], flow.stack.layers[-1]
    assert [type(c.transformer) for c in couplings] == [zoo.transformers.Additive] * 4
    assert [layer.units for layer in couplings[0].network.dense[:-1]] == [1000] * 5
    assert isinstance(scale.transformer, zoo.transformers.Scale)
    assert flow.base.kind == "logistic"


def test_starts_as_its_base():
    flow = zoo.NICE((4,), **SMALL)
    x = helpers.data(flow, 5)
    expected = (-x - 2 * np.log1p(np.exp(-x))).sum(-1)
    np.testing.assert_allclose(flow.log_prob(x), expected)
