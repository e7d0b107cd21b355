"""The tutorials run as scripts, in minutes, and what they find is near the answers they know."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from tests.docs import pages

TUTORIALS = pages.ROOT / "docs" / "tutorials"


def run(name):
    return runpy.run_path(str(TUTORIALS / f"{name}.py"), run_name="__main__")


def test_every_tutorial_is_a_notebook_that_is_run_here():
    here = Path(__file__).read_text(encoding="utf-8")
    listed = (TUTORIALS / "README.md").read_text(encoding="utf-8")
    site = (pages.ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for path in sorted(TUTORIALS.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        assert "format_name: percent" in text and text.count("# %%\n") >= 3
        assert f'run("{path.stem}")' in here
        assert f"]({path.name})" in listed
        assert f"docs/tutorials/{path.stem}.md" in site


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


@pytest.mark.slow
def test_a_flow_of_a_table_beats_a_gaussian_and_keeps_to_the_bounds():
    found = run("own_table")
    assert found["gain"].mean() > found["gain_error"]
    assert (found["new"] > 0).all(axis=None)
    data, samples = (found["ratios"][name] for name in ("data", "samples"))
    assert abs(samples.median() - data.median()) < 0.02


@pytest.mark.slow
def test_a_flow_tells_spoiled_images_and_wrong_labels():
    found = run("anomaly_scores")
    assert abs(found["alarms"] - 0.05) < 0.05
    assert min(found["areas"].values()) > 0.8
    assert found["label_area"] > 0.95
    one, two = (found["caught"]["centres of classes"][side] for side in ("one side", "two sides"))
    assert one == 0 and two > found["caught"]["test images"]["two sides"]


@pytest.mark.slow
def test_calibrated_intervals_cover_what_they_promise():
    found = run("regression_intervals")
    for share in found["SHARES"]:
        assert share - 0.01 < found["calibrated"][share] < share + 0.03
        error = np.sqrt(share * (1 - share) / len(found["x"]))
        assert abs(found["coverage"]["flow", share] - share) < 4 * error
    assert found["log_prob"]["flow"].mean() > found["log_prob"]["linear"].mean() - 0.1


@pytest.mark.slow
def test_colder_samples_are_more_likely_and_less_varied():
    found = run("image_generation")
    figures = [found["figures"][t] for t in found["TEMPERATURES"]]
    spreads = [one["spread"] for one in figures]
    assert spreads == sorted(spreads) and spreads[0] < 0.5 * spreads[-1]
    assert all(one["right"] > 0.95 for one in figures)
    bits = [found["bits"][t] for t in found["TEMPERATURES"]]
    assert bits == sorted(bits)


@pytest.mark.slow
def test_a_server_without_the_library_answers_as_the_library():
    found = run("export_and_serve")
    assert found["with_library"] == "False"
    assert found["difference"] < 1e-3 and found["sample_difference"] < 1e-3
