"""Tasks of simulation-based inference: exact draws and densities are what they are said to be."""

import numpy as np
import pytest

from benchmarks import inference, simulators

TASKS = simulators.TASKS


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch):
    monkeypatch.setattr(simulators, "CHUNK", 20_000)


@pytest.mark.parametrize("name", TASKS)
def test_exact_posteriors_are_calibrated(name):
    task, rng = TASKS[name], np.random.default_rng(0)
    theta = task.prior(rng, 40)
    x = task.simulate(rng, theta)
    assert theta.shape == (40, task.size) and x.shape == (40, task.data_size)
    draws = np.stack([task.posterior(rng, one, 19) for one in x])
    ranks = (draws < theta[:, None]).sum(axis=1)
    limit = inference.threshold(40, 20 * task.size)  # Once in 400 seeds.
    assert inference.distance_of_ranks(rng, ranks, 19) < limit
    # Draws that are too narrow are told.
    draws = draws.mean(axis=1, keepdims=True) + 0.1 * (draws - draws.mean(axis=1, keepdims=True))
    ranks = (draws < theta[:, None]).sum(axis=1)
    assert inference.distance_of_ranks(rng, ranks, 19) > limit


def test_the_density_of_two_moons_is_one_of_its_draws():
    task, rng = TASKS["two_moons"], np.random.default_rng(0)
    edges = np.linspace(-1, 1, 801)
    middle = 0.5 * (edges[1:] + edges[:-1])
    points = np.stack(np.meshgrid(middle, middle, indexing="ij"), axis=-1).reshape(-1, 2)
    for x in ([0.0, 0.0], [-0.16, 0.905]):  # The second cut by the box.
        x = np.array(x)
        p = np.exp(task.log_posterior(rng, points, x)) * (edges[1] - edges[0]) ** 2
        assert abs(p.sum() - 1) < 0.02
        draws = task.posterior(rng, x, 20_000)
        for power in (1, 2):
            exact = (p[:, None] * points**power).sum(axis=0)
            np.testing.assert_allclose((draws**power).mean(axis=0), exact, atol=0.02)


def test_the_likelihood_of_slcp_lies_below_its_bound():
    """Else draws by rejection would be wrong."""
    task, rng = TASKS["slcp"], np.random.default_rng(1)
    x = task.simulate(rng, np.array([[0.5, -0.5, 1.0, -1.5, 0.3]]))[0]
    points = x.reshape(4, 2)
    scatter = (points - points.mean(axis=0)).T @ (points - points.mean(axis=0))
    most = -1.5 * (np.linalg.slogdet(scatter / 3)[1] + 2)
    factors = rng.normal(size=(2000, 2, 2)) * np.exp(rng.normal(size=(2000, 1, 1)))
    s = factors @ np.swapaxes(factors, 1, 2)
    trace = np.trace(np.linalg.solve(s, np.broadcast_to(scatter, s.shape)), axis1=1, axis2=2)
    assert (-1.5 * np.linalg.slogdet(s)[1] - 0.5 * trace <= most + 1e-9).all()


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_classifier_tells_what_differs():
    rng = np.random.default_rng(0)
    reference, same = rng.normal(size=(2, 100, 2))
    assert inference.c2st(reference, same, 50) < 0.65
    far = np.where(np.arange(200).reshape(100, 2) % 2, np.nan, 1e30)
    assert inference.c2st(reference, far, 50) > 0.95
