"""Times, in one run: what a user would notice."""

import time

import numpy as np
import pytest

import zoo
from tests import helpers


def seconds(call, repeats=5):
    """The shortest of some runs, after one that compiles."""
    np.asarray(call())
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        np.asarray(call())
        times.append(time.perf_counter() - start)
    return min(times)


@pytest.mark.slow
def test_sampling_a_wide_maf_takes_at_most_ten_times_its_density():
    flow = zoo.MAF((784,), num_layers=5, hidden_units=(1024,), seed=0)
    helpers.randomize(flow, scale=0.3)
    x = helpers.data(flow, 64)
    log_prob = seconds(lambda: flow.log_prob(x))
    sample = seconds(lambda: flow.sample(64, seed=0))
    print(f"log_prob {1e3 * log_prob:.1f} ms, sample {1e3 * sample:.1f} ms")
    assert sample <= 10 * log_prob


@pytest.mark.slow
@pytest.mark.parametrize(
    ("most", "settings"),
    [
        (8, {"num_layers": 4, "blocks": 2}),
        (20, {"num_layers": 1, "blocks": 6, "within": "autoregressive", "transformer": "mixture"}),
    ],
)
def test_sampling_a_tar_flow_takes_a_few_times_its_density(most, settings):
    """49 tokens; one pass a token, without what is kept of those before, would take 49 times."""
    flow = zoo.TarFlow((28, 28, 1), levels=256, width=96, seed=0, **settings)
    helpers.randomize(flow, scale=0.3)
    x = helpers.data(flow, 64)
    log_prob = seconds(lambda: flow.log_prob(x))
    sample = seconds(lambda: flow.sample(64, seed=0))
    print(f"log_prob {1e3 * log_prob:.1f} ms, sample {1e3 * sample:.1f} ms")
    assert sample <= most * log_prob
