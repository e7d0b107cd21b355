"""Densities of two dimensions: they integrate to one, and samples follow them."""

import functools

import numpy as np
import pytest
from scipy import stats

from tests import helpers
from tests.zoo import table

# At this scale of the weights densities are bent visibly, and no peak is narrower than the grid.
SCALE = 0.7
POINTS, CELLS, SAMPLES = 700, 12, 20_000
FLOWS = ("nice", "real_nvp", "real_nvp_spline", "made", "made_mixture", "maf", "maf_classes")
FLOWS += ("maf_mixture_base", "i_resnet", "residual_flow", "nsf", "nsf_autoregressive", "naf")
FLOWS += ("iaf", "planar", "radial", "sylvester", "iaf_spline")


def build(name):
    return table.build(name, SCALE, event_shape=(2,), jit_compile=False)


@functools.cache
def case(name):
    """Samples of a random flow, edges of cells around them, and the probability of each cell."""
    flow = build(name)
    context = None if flow.num_classes or not flow.conditional else helpers.context(flow, 1)[0]
    samples = np.asarray(flow.sample(SAMPLES, context, seed=11), "float64")
    low, high = samples.min(axis=0), samples.max(axis=0)
    low, high = low - 0.3 * (high - low), high + 0.3 * (high - low)
    step = (high - low) / POINTS
    middles = low + step * (np.arange(POINTS)[:, None] + 0.5)
    grid = np.stack(np.meshgrid(*middles.T, indexing="ij"), axis=-1).reshape(-1, 2)
    density = np.exp(np.asarray(flow.log_prob(grid.astype("float32"), context), "float64"))
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
NAMES = table.params(QUICK, FLOWS)


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
    flow = build("maf_context")
    contexts = np.array([[2.0, -1.0], [-2.0, 2.0]], "float32")
    for i in (0, 1):
        x = flow.sample(4000, contexts[i], seed=5)
        own, other = (np.mean(flow.log_prob(x, contexts[j])) for j in (i, 1 - i))
        assert own > other + 0.01
        # Samples of a context are standard normal under that context.
        z = np.asarray(flow.encode(x, contexts[i]))
        assert stats.kstest(z.ravel(), "norm").pvalue > 1e-3
