"""Densities of two dimensions: they integrate to one, and samples follow them."""

import functools

import numpy as np
import pytest
from scipy import stats

import zoo
from tests import helpers

MAF, Spline = zoo.MAF, zoo.transformers.Spline

# At this scale of the weights densities are bent visibly, and no peak is narrower than the grid.
SCALE = 0.7
POINTS, CELLS, SAMPLES = 700, 12, 20_000
SMALL = {"hidden_units": (8, 8), "seed": 0, "jit_compile": False}
FLOWS = {
    "nice": lambda: zoo.NICE((2,), num_layers=3, **SMALL),
    "real_nvp": lambda: zoo.RealNVP((2,), num_layers=3, **SMALL),
    "real_nvp_spline": lambda: zoo.RealNVP((2,), num_layers=3, transformer="spline", **SMALL),
    "made": lambda: zoo.MADE((2,), **SMALL),
    "made_mixture": lambda: zoo.MADE((2,), components=3, **SMALL),
    "maf": lambda: MAF((2,), num_layers=2, **SMALL),
    "maf_classes": lambda: MAF((2,), num_layers=1, num_classes=3, **SMALL),
    "maf_mixture_base": lambda: MAF(
        (2,), num_layers=1, base=zoo.MADE((2,), components=3, **SMALL), **SMALL
    ),
    "i_resnet": lambda: zoo.IResNet((2,), num_layers=3, **SMALL),
    "residual_flow": lambda: zoo.ResidualFlow((2,), num_layers=3, **SMALL),
    "nsf": lambda: zoo.NSF((2,), num_layers=2, num_bins=4, **SMALL),
    "nsf_autoregressive": lambda: zoo.NSF((2,), num_layers=1, kind="autoregressive", **SMALL),
    "naf": lambda: zoo.NAF((2,), num_layers=2, num_units=4, **SMALL),
    "iaf": lambda: zoo.IAF((2,), num_layers=2, **SMALL),
    "planar": lambda: zoo.Planar((2,), num_layers=4, **SMALL),
    "radial": lambda: zoo.Radial((2,), num_layers=4, fast="sample", **SMALL),
    "sylvester": lambda: zoo.Sylvester((2,), num_layers=3, **SMALL),
    "iaf_spline": lambda: zoo.IAF((2,), num_layers=1, transformer=Spline(num_bins=4), **SMALL),
}


@functools.cache
def case(name):
    """Samples of a random flow, edges of cells around them, and the probability of each cell."""
    flow = helpers.randomize(FLOWS[name](), seed=3, scale=SCALE)
    samples = np.asarray(flow.sample(SAMPLES, seed=11), "float64")
    low, high = samples.min(axis=0), samples.max(axis=0)
    low, high = low - 0.3 * (high - low), high + 0.3 * (high - low)
    step = (high - low) / POINTS
    middles = low + step * (np.arange(POINTS)[:, None] + 0.5)
    grid = np.stack(np.meshgrid(*middles.T, indexing="ij"), axis=-1).reshape(-1, 2)
    density = np.exp(np.asarray(flow.log_prob(grid.astype("float32")), "float64"))
    mass = density.reshape(POINTS, POINTS) * step.prod()
    edges = []
    for axis in (0, 1):  # Cells that share the mass about equally, along each axis.
        running = np.cumsum(mass.sum(axis=1 - axis))
        cuts = np.searchsorted(running, np.arange(1, CELLS) / CELLS)
        edges.append(np.unique(np.concatenate([[0], cuts, [POINTS]])))
    cells = np.add.reduceat(np.add.reduceat(mass, edges[0][:-1], 0), edges[1][:-1], 1)
    return samples, [low[i] + step[i] * edges[i] for i in (0, 1)], cells


def p_value(samples, edges, cells):
    """Of the samples' counts in the cells, by a chi-squared test; rare cells are left out."""
    often = SAMPLES * cells > 10
    counts = np.histogram2d(*samples.T, bins=edges)[0][often]
    assert counts.size > 20 and counts.sum() > 0.95 * SAMPLES
    return stats.chisquare(counts, cells[often] / cells[often].sum() * counts.sum()).pvalue


# Where every log-determinant is that of a bijection, both follow: one flow of a kind is enough.
QUICK = ("real_nvp", "made_mixture", "maf_classes")
NAMES = [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in FLOWS]


@pytest.mark.parametrize("name", NAMES)
def test_integrates_to_one(name):
    assert abs(case(name)[2].sum() - 1) < 0.01


@pytest.mark.parametrize("name", NAMES)
def test_samples_follow_the_density(name):
    assert p_value(*case(name)) > 1e-3


def test_the_test_of_samples_notices_a_wrong_scale():
    samples, edges, cells = case("real_nvp")
    assert p_value(1.05 * samples, edges, cells) < 1e-6


def test_a_context_moves_samples_and_density_alike():
    flow = helpers.randomize(
        MAF((2,), context_shape=(3,), num_layers=1, **SMALL), seed=3, scale=SCALE
    )
    contexts = np.array([[2.0, -1.0, 1.0], [-2.0, 2.0, 0.0]], "float32")
    for i in (0, 1):
        x = flow.sample(4000, contexts[i], seed=5)
        own, other = (np.mean(flow.log_prob(x, contexts[j])) for j in (i, 1 - i))
        assert own > other + 0.01
        # Samples of a context are standard normal under that context.
        z = np.asarray(flow.encode(x, contexts[i]))
        assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3
