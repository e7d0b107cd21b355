"""Memory of a process."""

import sys

import numpy as np
import pytest

from tests import memory


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak cannot be reset there")
def test_the_peak_is_counted_anew():
    before = memory.reset_peak()
    block = np.ones(16 * 2**20)
    del block
    assert memory.peak_mib() - before == pytest.approx(128, rel=0.2)
    memory.reset_peak()
    assert memory.peak_mib() - memory.now_mib() < 32
