"""Every family gives the numbers that were recorded of it; see `tests.net`."""

import numpy as np
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
ENTRIES = [model.name for model in zoo.list_models(net.ROOT / "exported_models")]
ENTRY_TOLERANCE = 1e-4


@pytest.mark.parametrize("name", CASES)
def test_a_rebuilt_flow_gives_the_recorded_numbers(name):
    with net.eagerly():
        found = net.differences(name)
    assert max(found.values()) <= net.tolerance(name), found


def entry_outputs(flow, given):
    """What a shipped flow gives for recorded inputs, and two samples of the first labels."""
    context = given.get("context")
    with net.eagerly():  # XLA has random numbers of its own, from which estimates would come.
        found = {"log_prob": flow.log_prob(given["x"], context, seed=3)}
    found["sample"] = flow.sample(2, None if context is None else context[:2], seed=0)
    return {key: np.asarray(value) for key, value in found.items()}


def entry_differences(name):
    """The largest relative difference of each output of a shipped flow from what was recorded."""
    with np.load(net.DATA / "entries.npz") as file:
        arrays = {k.partition("/")[2]: file[k] for k in file if k.startswith(f"{name}/")}
    found = entry_outputs(zoo.load(net.ROOT / "exported_models" / name), arrays)
    return {key: net.difference(value, arrays[key]) for key, value in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ENTRIES)
def test_a_shipped_flow_gives_the_recorded_numbers(name):
    found = entry_differences(name)
    assert max(found.values()) <= ENTRY_TOLERANCE, found
