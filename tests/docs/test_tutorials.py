"""The tutorials run as scripts, in minutes, and what they find is near the answers they know."""

import runpy

import numpy as np
import pytest

from tests.docs import pages

TUTORIALS = pages.ROOT / "docs" / "tutorials"


def run(name):
    return runpy.run_path(str(TUTORIALS / f"{name}.py"), run_name="__main__")


def test_every_tutorial_is_a_notebook_that_is_run_here():
    names = {path.stem for path in TUTORIALS.glob("*.py")}
    assert names == {"variational_posterior", "neutra_hmc", "simulation_based_inference"}
    for name in names:
        text = (TUTORIALS / f"{name}.py").read_text(encoding="utf-8")
        assert "format_name: percent" in text and text.count("# %%\n") >= 3
        assert f"tutorials/{name}.py" in (pages.ROOT / "docs/variational.md").read_text()


@pytest.mark.slow
def test_a_flow_comes_nearer_to_a_posterior_than_a_gaussian(capsys):
    found = run("variational_posterior")
    evidence, results = found["log_evidence"], found["results"]
    assert f"log evidence {evidence:.4f}" in capsys.readouterr().out
    gaps = {name: evidence - one["elbo"] for name, one in results.items()}
    errors = {name: one["error"] for name, one in results.items()}
    assert all(gaps[name] > -errors[name] for name in gaps)  # A bound.
    assert gaps["IAF"] + errors["IAF"] < 0.5 * (gaps["mean field"] - errors["mean field"])
    assert abs(results["IAF"]["evidence"] - evidence) < 0.05
    far = {
        name: np.abs(one["deviation"] - found["deviation"]).max() for name, one in results.items()
    }
    assert far["IAF"] < far["mean field"]


@pytest.mark.slow
def test_chains_in_a_latent_space_go_where_plain_ones_do_not(capsys):
    found = run("neutra_hmc")
    assert "a second" in capsys.readouterr().out
    funnels, schools = found["funnels"], found["eight"]
    states, figures = funnels["NeuTra"]
    assert figures["r_hat"] < funnels["plain"][1]["r_hat"]
    v = states[..., 0]
    assert abs(v.mean()) < 0.5 and abs(v.std() - 3.0) < 0.5
    states, figures = schools["NeuTra"]
    spread = states.std(axis=(0, 1)) / np.sqrt(figures["ess"])
    assert (np.abs(states.mean(axis=(0, 1)) - found["exact"]) < 5 * spread).all()
    assert figures["ess"] > schools["plain"][1]["ess"]


@pytest.mark.slow
def test_flows_come_near_to_posteriors_of_simulators(capsys):
    results = run("simulation_based_inference")["results"]
    assert capsys.readouterr().out.count("C2ST") == 3
    for found in results.values():
        assert 0.45 < found["c2st"] < found["prior"] - 0.05
        assert found["ks"][0] < 2 * found["ks"][1]
    assert results["Gaussian linear"]["c2st"] < 0.6
    for name in ("Gaussian linear", "two moons"):
        found = results[name]
        assert -found["error"] < found["kl"] < 0.5
