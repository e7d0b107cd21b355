"""Memory of a process."""

import sys

import numpy as np
import pytest

from benchmarks import memory


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak cannot be reset there")
def test_the_peak_is_counted_anew():
    before = memory.reset_peak()
    block = np.ones(16 * 2**20)
    del block
    assert memory.peak_mib() - before == pytest.approx(128, rel=0.2)
    memory.reset_peak()
    assert memory.peak_mib() - memory.now_mib() < 32


def test_a_batch_is_the_slope_where_there_is_one():
    found = memory.of_a_batch([(4, 500.0), (8, 605.0), (12, 700.0)])
    assert found == {"activations_mib": 25.0, "baseline_mib": 400.0}
    # Something else makes the first two peaks.
    found = memory.of_a_batch([(4, 600.0), (8, 600.0), (12, 700.0)])
    assert found == {"activations_mib": None, "baseline_mib": 550.0}
