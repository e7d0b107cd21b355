"""Tests of flows of the plane: that they hold for what is right, and see what is wrong."""

import numpy as np
import pytest

import zoo
from trainers import plane
from trainers.datasets.toy_densities import TOYS


@pytest.fixture(scope="module", params=["eight_gaussians", "checkerboard", "rings"])
def toy(request):
    return TOYS[request.param]


@pytest.fixture(scope="module")
def board(toy):
    return plane.Board(toy.log_prob)


def test_known_densities_integrate_to_one(board, toy):
    # The squares' edges lie between midpoints.
    tolerance = 0.01 if toy is TOYS["checkerboard"] else 1e-6
    assert abs(board.integral - 1) < tolerance
    assert abs(board.integral - 1) <= board.error


def test_wide_and_scaled_densities_are_seen():
    def wide(x, stddev=3.0):
        return -0.5 * (x**2).sum(axis=1) / stddev**2 - np.log(2 * np.pi * stddev**2)

    assert plane.Board(wide, cells=200).integral == pytest.approx(1, abs=1e-6)
    scaled = plane.Board(lambda x: wide(x) + np.log(1.02), cells=200)
    assert scaled.integral == pytest.approx(1.02, abs=1e-6)


def test_bins_have_equal_masses_and_points_fall_where_their_mass_is(board, toy):
    labels = board.bins(64)
    masses = np.bincount(labels.ravel(), board.masses.ravel())
    assert len(masses) == 64 and np.all(np.abs(masses * 64 - 1) < 0.3)
    x = toy.sample(50_000, np.random.default_rng(0))
    row, column = board.locate(x)
    assert (board.masses[row, column] > 0).mean() > 0.99
    far = board.locate([[-1e3, 1e9], [0.01, -0.01]])
    cells = len(board.masses)
    assert far.tolist() == [[0, cells // 2], [cells - 1, cells // 2 - 1]]


def test_the_level_of_the_test():
    toy = TOYS["two_moons"]
    board = plane.Board(toy.log_prob, cells=400)
    found = np.array(
        [
            plane.goodness_of_fit(board, toy.sample(5000, np.random.default_rng(i)))["p_value"]
            for i in range(200)
        ]
    )
    # Kolmogorov's distance to uniform, at a level of about 1e-4.
    ranks = np.arange(200) / 200
    found.sort()
    assert max((found - ranks).max(), (ranks + 1 / 200 - found).max()) < 2.23 / np.sqrt(200)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: 1.03 * x,
        lambda x: x + [0.05, 0],
        lambda x: np.where(np.arange(len(x))[:, None] < 0.02 * len(x), -x + 1, x),
        lambda x: np.where(np.arange(len(x))[:, None] < 0.02 * len(x), 30.0, x),
    ],
    ids=["scaled", "moved", "leaking", "far off"],
)
def test_wrong_samples_are_seen(wrong):
    toy = TOYS["two_moons"]
    board = plane.Board(toy.log_prob, cells=400)
    x = toy.sample(plane.SAMPLES, np.random.default_rng(0))
    assert plane.goodness_of_fit(board, x)["p_value"] > 1e-3
    assert plane.goodness_of_fit(board, wrong(x))["p_value"] < 1e-6


def plane_families():
    return [name for name, family in zoo.MODELS.items() if family is not zoo.Glow]
