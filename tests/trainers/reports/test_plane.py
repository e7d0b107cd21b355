"""Tests of flows of the plane: that they hold for what is right, and see what is wrong."""

import keras
import numpy as np
import pytest

import zoo
from tests import helpers
from trainers.datasets.toy_densities import TOYS
from trainers.reports import plane
from trainers.runs import families


@pytest.fixture(scope="module", params=["eight_gaussians", "checkerboard", "rings"])
def toy(request):
    return TOYS[request.param]


@pytest.fixture(scope="module")
def board(toy):
    return plane.Board(toy.log_prob)


def test_known_densities_integrate_to_one(board, toy):
    if toy is TOYS["checkerboard"]:  # The squares' edges lie between midpoints.
        assert abs(board.integral - 1) < 0.005
    else:
        assert abs(board.integral - 1) < 1e-6
        assert abs(board.integral - 1) <= board.error + 1e-12


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


def test_the_level_of_the_tests(monkeypatch):
    monkeypatch.setattr(plane, "PROPOSALS", 4000)
    toy, count = TOYS["eight_gaussians"], 100
    board = plane.Board(toy.log_prob, cells=200)
    found = [
        plane.goodness_of_fit(board, toy.sample(2000, np.random.default_rng(i)), seed=i)
        for i in range(count)
    ]
    ranks = np.arange(count) / count
    for name in ("places", "heights"):
        values = np.sort([p[name] for p in found])
        # Kolmogorov's distance to uniform, at a level of about 1e-4.
        distance = max((values - ranks).max(), (ranks + 1 / count - values).max())
        assert distance < 2.23 / np.sqrt(count), name
    assert found[0]["p_value"] == min(1, 2 * min(found[0]["places"], found[0]["heights"]))


def test_points_drawn_from_a_density_follow_it():
    board = plane.Board(TOYS["rings"].log_prob, cells=200)
    x, log_prob = board.draw(20_000, seed=1)
    helpers.assert_same(log_prob, TOYS["rings"].log_prob(x))
    assert 5000 < len(x) < 20_000
    # The radius is a mixture of Gaussians; its mean and spread within the middle ring.
    radius = np.linalg.norm(x, axis=1)
    middle = radius[np.abs(radius - 2) < 0.5]
    assert len(middle) / len(x) == pytest.approx(1 / 3, abs=4 * 0.47 / np.sqrt(len(x)))
    assert middle.mean() == pytest.approx(2, abs=4 * 0.1 / np.sqrt(len(middle)))
    assert middle.std() == pytest.approx(0.1, rel=0.06)


@pytest.fixture(scope="module")
def moons():
    """The board of a toy, and points that follow it."""
    toy = TOYS["two_moons"]
    board = plane.Board(toy.log_prob, cells=200)
    x = toy.sample(plane.SAMPLES, np.random.default_rng(0))
    assert plane.goodness_of_fit(board, x)["p_value"] > 1e-3
    return board, x


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
def test_wrong_samples_are_seen(wrong, moons):
    board, x = moons
    assert plane.goodness_of_fit(board, wrong(x))["p_value"] < 1e-6


# Arguments that make the families small; each takes those that it knows.
SMALL = {"num_layers": 4, "hidden_units": (16, 16), "components": 4, "jit_compile": False}


def small_flow(name):
    """A small flow of the plane, or a skipped test where the family has none."""
    family = zoo.MODELS[name]
    known = families.accepted_arguments(family)
    try:
        return family((2,), seed=0, **{k: v for k, v in SMALL.items() if k in known})
    except ValueError as error:
        if "event_shape" not in str(error):
            raise
        pytest.skip(f"{name} takes no points of the plane")


@pytest.mark.parametrize(
    "name",
    # The others' densities and samples are tested with the library.
    ["maf", *(pytest.param(n, marks=pytest.mark.slow) for n in zoo.MODELS if n != "maf")],
)
def test_every_family_trained_integrates_to_one_and_samples_its_density(name):
    flow = small_flow(name)
    x = TOYS["eight_gaussians"].sample(6000, np.random.default_rng(0)).astype("float32")
    before = float(np.mean(flow.log_prob(x)))
    flow.adapt(x[:500])
    flow.compile(keras.optimizers.Adam(5e-3), jit_compile=False)
    flow.fit(x, batch_size=200, epochs=2, verbose=0)
    assert float(np.mean(flow.log_prob(x))) > before
    board = plane.board(flow, cells=200)
    assert abs(board.integral - 1) < 0.01
    assert plane.goodness_of_fit(board, plane.samples(flow, 6000))["p_value"] > 1e-3


@pytest.mark.parametrize(("log_scale", "cells"), [(0.0, 40), (-2.0, 80), (-4.0, 80)])
def test_densities_with_narrow_parts_get_finer_boards(log_scale, cells):
    norm = zoo.layers.ActNorm((2,))
    norm.log_scale.assign([log_scale, log_scale])
    found = plane.board(zoo.Flow([norm], jit_compile=False), cells=(40, 80))
    assert len(found.masses) == cells


def test_samples_of_another_temperature_are_seen():
    flow = zoo.MAF((2,), num_layers=1, hidden_units=(4,), jit_compile=False)
    board = plane.board(flow, cells=200)
    x = np.asarray(flow.sample(plane.SAMPLES, seed=0, temperature=0.97))
    assert plane.goodness_of_fit(board, x)["p_value"] < 1e-6
    assert plane.goodness_of_fit(board, plane.samples(flow))["p_value"] > 1e-3


def test_samples_are_drawn_anew_in_each_part_and_as_many_as_asked(monkeypatch):
    flow = zoo.MAF((2,), num_layers=1, hidden_units=(4,), jit_compile=False)
    monkeypatch.setattr(plane, "_DRAW", 40)
    x = plane.samples(flow, 100, seed=3)
    assert x.shape == (100, 2) and len(np.unique(x, axis=0)) == 100
    helpers.assert_same(x, plane.samples(flow, 100, seed=3))
    assert not np.isin(x, plane.samples(flow, 100, seed=4)).any()


def test_what_cannot_be_tested_is_said():
    with pytest.raises(ValueError, match=r"flow of the plane.* got events of shape \(3,\)"):
        plane.board(zoo.MAF((3,), num_layers=1, hidden_units=(4,)))
    with pytest.raises(ValueError, match="and a context"):
        plane.board(zoo.MAF((2,), num_classes=2, num_layers=1, hidden_units=(4,)))
    with pytest.raises(ValueError, match="not a finite number at 8 of 16 points within 20"):
        plane.Board(lambda x: np.where(x[:, 0] > 0, np.nan, -1.0), cells=4)
    with pytest.raises(ValueError, match="even number of cells a side, got 5"):
        plane.Board(lambda x: x[:, 0], cells=5)
    board = plane.Board(lambda x: -(x**2).sum(axis=1), cells=20)
    with pytest.raises(ValueError, match="a power of 2, got 12"):
        plane.goodness_of_fit(board, np.zeros((100, 2)), bins=12)
    with pytest.raises(ValueError, match="128 bins need at least 640 points, got 100"):
        plane.goodness_of_fit(board, np.zeros((100, 2)))
    with pytest.raises(ValueError, match="not finite"):
        plane.goodness_of_fit(board, np.full((1000, 2), np.nan))
    empty = plane.Board(lambda x: np.full(len(x), -np.inf), cells=20)
    with pytest.raises(ValueError, match="no mass"):
        plane.goodness_of_fit(empty, np.zeros((1000, 2)))
