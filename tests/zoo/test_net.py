"""Every family gives the numbers that were recorded of it; see `tests.net`."""

import pytest

import zoo
from tests import net
from tests.zoo import table

# One of each family, and of each kind of event, context, base, network and noise; one in float32.
QUICK = {*zoo.MODELS, "maf_classes", "maf_flow_base", "maf_variables_base", "layers"}
QUICK |= {"glow_levels", "glow_variational", "real_nvp_scales", "real_nvp_spline", "made_mixture"}
QUICK |= {"maf_context", "maf_float32", "maf_residual", "residual_flow_roulette", "iaf_spline"}
QUICK |= {"nsf_autoregressive", "naf_context", "continuous_hutchinson", "sylvester_householder"}
QUICK |= {"sylvester_triangular", "planar_context", "radial_levels", "i_resnet_series"}
QUICK -= net.SLOW
CASES = table.params(QUICK, net.CASES)


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
