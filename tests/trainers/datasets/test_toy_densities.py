"""The toys' samples and densities against numerical integration and against each other."""

import numpy as np
import pytest
from scipy import integrate

from trainers.datasets.toy_densities import TOYS, Toy

HALF_WIDTH, CELLS, FINE = 5.0, 20, 9  # a board of 20 x 20 cells, 9 x 9 points in each


@pytest.fixture(scope="module", params=TOYS)
def toy(request):
    return TOYS[request.param]


@pytest.fixture(scope="module")
def cell_masses(toy):
    """The probability of each cell, by the midpoint rule."""
    n = CELLS * FINE
    step = 2 * HALF_WIDTH / n
    axis = -HALF_WIDTH + step * (np.arange(n) + 0.5)
    points = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    density = np.exp(toy.log_prob(points)).reshape(CELLS, FINE, CELLS, FINE)
    return density.sum(axis=(1, 3)) * step**2


def test_density_integrates_to_one(cell_masses):
    assert abs(cell_masses.sum() - 1) < 0.01


def test_samples_follow_the_density(toy, cell_masses):
    n = 20_000
    x = toy.sample(n, np.random.default_rng(1))
    edges = np.linspace(-HALF_WIDTH, HALF_WIDTH, CELLS + 1)
    counts = np.histogram2d(x[:, 0], x[:, 1], bins=(edges, edges))[0]
    expected = n * cell_masses
    big = expected > 5
    chi_square = ((counts - expected)[big] ** 2 / expected[big]).sum()
    degrees = big.sum()
    assert abs(chi_square - degrees) < 5 * np.sqrt(2 * degrees)
    assert counts[big].sum() > 0.97 * n


def test_scale(toy):
    x = toy.sample(20_000, np.random.default_rng(2))
    assert np.all((0.9 < x.std(axis=0)) & (x.std(axis=0) < 2))
    assert np.abs(x.mean(axis=0)).max() < 0.1
    assert np.mean(np.abs(x).max(axis=1) < 4) > 0.99


def test_sampling_depends_on_the_generator_alone(toy):
    first, again = (toy.sample(50, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, toy.sample(50, np.random.default_rng(4)))


def test_entropy_is_minus_the_mean_log_prob(toy):
    surprise = -toy.log_prob(toy.sample(20_000, np.random.default_rng(5)))
    error = surprise.std() / np.sqrt(len(surprise))
    np.testing.assert_allclose(toy.entropy(), surprise.mean(), atol=4 * error + 1e-9)


def test_entropy_of_a_density_with_a_closed_form():
    class Round(Toy):
        def _log_prob(self, x):
            return -0.5 * (x**2).sum(axis=1) / 0.1**2 - np.log(2 * np.pi * 0.1**2)

    # As narrow as the narrowest noise of the toys.
    np.testing.assert_allclose(Round().entropy(), 1 + np.log(2 * np.pi * 0.1**2), atol=1e-9)


@pytest.mark.parametrize("name", [name for name, toy in TOYS.items() if toy.exact == "quadrature"])
def test_quadrature_is_accurate(name):
    toy = TOYS[name]
    rng = np.random.default_rng(6)
    near = toy.sample(10, rng)
    points = np.concatenate([near, rng.uniform(-4, 4, (5, 2)), [[0, 0], [8, -8]]])
    for x, log_prob in zip(points, toy.log_prob(points), strict=True):

        def exponents(t, x=x):
            curves = np.stack(toy.curves(np.atleast_1d(t)))
            return -((x - curves) ** 2).sum(axis=-1) / (2 * toy.stddev**2)

        grid = np.linspace(0, toy.end, 4001)
        top = exponents(grid).max()
        peaks = grid[np.argmax(exponents(grid), axis=1)]

        def integrand(t, exponents=exponents, top=top):
            return (toy.weight(np.atleast_1d(t)) * np.exp(exponents(t) - top)).sum() / 2

        total = integrate.quad(integrand, 0, toy.end, points=peaks, limit=2000, epsabs=1e-10)[0]
        expected = np.log(total) + top - np.log(2 * np.pi * toy.stddev**2)
        assert abs(log_prob - expected) < 1e-6


def test_known_values():
    board = TOYS["checkerboard"]
    x = np.array([[-2.9, -2.9], [-1.4, -2.9], [-1.4, -1.4], [2.9, 2.9], [3.1, 3.1], [-3.1, -2.9]])
    inside = -np.log(18)
    expected = [inside, -np.inf, inside, inside, -np.inf, -np.inf]
    np.testing.assert_allclose(board.log_prob(x), expected)
    assert board.entropy() == np.log(18)
    at_a_mean = TOYS["eight_gaussians"].log_prob([[2.5, 0.0]])
    np.testing.assert_allclose(at_a_mean, -np.log(8 * 2 * np.pi * 0.25**2), atol=1e-9)
    ring = TOYS["rings"].log_prob([[0.0, -2.0], [0.0, 0.0]])
    np.testing.assert_allclose(
        ring[0], -np.log(3 * 0.1 * np.sqrt(2 * np.pi) * 2 * np.pi * 2), atol=1e-9
    )
    assert np.isfinite(ring[1])


@pytest.mark.parametrize("shape", [(2,), (3, 3), (2, 2, 2)])
def test_wrong_shape(shape):
    with pytest.raises(ValueError, match=r"expected points of shape \[n, 2\], got"):
        TOYS["rings"].log_prob(np.zeros(shape))
