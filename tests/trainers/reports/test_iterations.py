"""Figures of flows that iterate."""

import numpy as np

import zoo
from tests import helpers
from trainers.reports import iterations

X = np.random.default_rng(0).normal(size=(10, 2)).astype("float32")


def random(family, **settings):
    flow = family((2,), hidden_units=(8,), seed=0, jit_compile=False, **settings)
    helpers.randomize(flow, seed=1, scale=1.0)
    flow.update_spectral_norms()
    return flow


def test_lipschitz_constants_of_residual_branches():
    flow = random(zoo.IResNet, num_layers=2)
    found = iterations.lipschitz(flow, X, batch_size=4)
    assert found["examples"] == 10 and len(found["branches"]) == 2
    norms = [float(np.max(n)) for _, n in zoo.layers.lipschitz_constants(flow, X)]
    np.testing.assert_allclose(list(found["branches"].values()), norms, rtol=1e-4)
    assert found["largest"] == max(found["branches"].values()) < 1
    assert iterations.lipschitz(random(zoo.MAF), X) is None


def test_a_branch_that_is_not_a_number_is_not_told_to_contract():
    flow = random(zoo.IResNet, num_layers=2)
    kernel = flow.stack.layers[1].network.linear[0].kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    assert np.isnan(iterations.lipschitz(flow, X, batch_size=4)["largest"])


def test_evaluations_of_the_dynamics():
    flow = random(zoo.ContinuousFlow, num_layers=2, solver="rk4", num_steps=3)
    found = iterations.evaluations(flow, X, batch_size=4)
    assert found == {"mean": 24.0, "largest": 24, "examples": 10}  # 2 equations, 3 steps of 4
    adaptive = iterations.evaluations(random(zoo.ContinuousFlow, num_layers=1), X, batch_size=4)
    assert 8 <= adaptive["mean"] <= adaptive["largest"]
    assert iterations.evaluations(random(zoo.MAF), X) is None


def test_grey_levels_are_taken_at_their_middle():
    flow = zoo.IResNet((2,), levels=4, num_layers=1, hidden_units=(8,), seed=0, jit_compile=False)
    helpers.randomize(flow, seed=1, scale=1.0)
    flow.update_spectral_norms()
    levels = np.array([[0, 3], [2, 1]], "uint8")
    norms = [n for _, n in zoo.layers.lipschitz_constants(flow, levels.astype("float32") + 0.5)]
    assert iterations.lipschitz(flow, levels)["largest"] == np.float32(np.max(norms))


def test_the_spread_of_estimated_densities():
    settings = {"num_layers": 2, "hidden_units": (8,), "seed": 0, "jit_compile": False}
    flow = zoo.IResNet((3,), levels=4, log_det="series", **settings)
    helpers.randomize(flow, seed=1, scale=1.0)
    flow.update_spectral_norms()
    levels = np.random.default_rng(1).integers(0, 4, (40, 3))
    found = iterations.deviation(flow, levels, draws=50, batch_size=16)
    middles = levels.astype("float32") + 0.5
    nats = [np.asarray(flow.log_prob(middles, seed=1000 + i)) for i in range(50)]
    expected = np.sqrt(np.mean(np.var(nats, axis=0, ddof=1)))
    assert found["draws"] == 50 and found["examples"] == 40 and found["nats"] > 0.01
    # 2000 draws of no normal distribution: a tenth is some five standard errors.
    np.testing.assert_allclose(found["nats"], expected, rtol=0.1)
    assert iterations.deviation(random(zoo.MAF), X) is None
