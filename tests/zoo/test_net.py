"""Every family gives the numbers that were recorded of it; see `tests.net`."""

import pytest

from tests import net

CASES = [pytest.param(n, marks=[pytest.mark.slow] * (n in net.SLOW)) for n in net.CASES]


@pytest.mark.parametrize("name", CASES)
def test_a_rebuilt_flow_gives_the_recorded_numbers(name):
    with net.eagerly():
        found = net.differences(name)
    assert max(found.values()) <= net.tolerance(name), found


@pytest.mark.slow
@pytest.mark.parametrize("name", net.ENTRIES)
def test_a_shipped_flow_gives_the_recorded_numbers(name):
    found = net.entry_differences(name)
    assert max(found.values()) <= net.ENTRY_TOLERANCE, found
