"""Pictures of what a flow of images knows."""

import json

import numpy as np
import pytest
from PIL import Image

import zoo
from tests import helpers
from trainers import explore
from trainers.reports import pictures, views
from trainers.runs import flagfiles

FLOW = {"levels": 17, "scales": 1, "steps": 1, "width": 4, "seed": 0, "preprocessing": "logit"}


@pytest.fixture(scope="module")
def image_flow(tmp_path_factory):
    """The folder of a flow of digits with random weights, and the flow."""
    flow = zoo.Glow((8, 8, 1), **FLOW)
    helpers.randomize(flow, scale=0.05)
    folder = tmp_path_factory.mktemp("flow")
    zoo.save(flow, folder, overwrite=True)
    return folder, flow


def run(folder, prepared, output, *argv):
    common = (f"--model={folder}", "--dataset=digits", f"--data_dir={prepared}")
    options = flagfiles.new_options(
        explore.define_flags, [*common, f"--output_dir={output}", "--rows=3", *argv]
    )
    explore.main(options)


def cells(picture, rows, columns):
    """The images of a grid, [rows, columns, 8, 8]."""
    factor = picture.shape[0] // (rows * 9 + 1)
    small = picture[::factor, ::factor, 0]
    assert small.shape == (rows * 9 + 1, columns * 9 + 1)
    blocks = small[1:, 1:].reshape(rows, 9, columns, 9)
    return blocks.transpose(0, 2, 1, 3)[..., :8, :8]


def test_all_that_applies_is_drawn(image_flow, prepared, tmp_path, capsys):
    run(image_flow[0], prepared, tmp_path, "--outside=digits", "--examples=40")
    names = {path.name for path in tmp_path.iterdir()}
    applies = set(explore.PICTURES) - {"classes", "guidance"}
    assert names == {f"{name}.png" for name in applies} | {"explore.json"}
    for name in applies:
        assert np.asarray(Image.open(tmp_path / f"{name}.png")).ndim == 3
    figures = json.loads((tmp_path / "explore.json").read_text())
    assert figures["reconstructions"]["largest_error"] < 1e-2
    test, other = figures["likelihoods"].values()
    # The same images: the same bits, up to the noise, and as likely as the test images.
    assert other["mean"] == pytest.approx(test["mean"], abs=1e-3)
    assert other["likelier_than_test"] == pytest.approx(0.5, abs=0.02)
    said = capsys.readouterr().out
    assert "label 0 towards 1" in said and "between test images 0-1, 2-3, 4-5" in said


def test_a_class_conditional_flow(digits_run, prepared, tmp_path):
    run(
        digits_run,
        prepared,
        tmp_path,
        "--pictures=classes,interpolations,attribute",
        "--examples=10",
        "--interpolation_steps=3",
    )
    for name in ("classes", "interpolations", "attribute"):
        assert (tmp_path / f"{name}.png").is_file()


def test_temperatures_go_from_one_image_to_many(image_flow):
    _, flow = image_flow
    strip = cells(views.temperature_strip(flow, (0.0, 0.5, 1.0), rows=4), 4, 3)
    assert (strip[:, 0] == strip[:1, 0]).all()
    spread = strip.astype(float).std(axis=0).mean(axis=(1, 2))
    assert 0 == spread[0] < spread[1] < spread[2]
    expected = pictures.to_pixels(flow.sample(4, seed=0, temperature=1.0), 17)[..., 0]
    np.testing.assert_array_equal(strip[:, 2], expected)


def test_guidance_starts_from_samples_of_the_flow():
    flow = zoo.TarFlow(
        (8, 8, 1),
        **{"levels": 17, "num_classes": 3, "label_dropout": 0.1, "patch_size": 4, "seed": 0},
        **{"num_layers": 1, "blocks": 1, "width": 4},
    )
    helpers.randomize(flow, scale=0.3)
    strip = cells(views.guidance_strip(flow, (0, 3), rows=3), 3, 2)
    plain = pictures.to_pixels(flow.sample(3, np.arange(3), seed=0), 17)[..., 0]
    np.testing.assert_array_equal(strip[:, 0], plain)
    assert (strip[:, 1] != plain).any()


def test_paths_go_from_one_end_to_the_other(image_flow):
    _, flow = image_flow
    x = helpers.data(flow, 4)
    drawn = cells(views.interpolation_picture(flow, x[:2], x[2:], steps=3), 2, 3)
    ends = pictures.to_pixels(x, 17)[..., 0]
    np.testing.assert_array_equal(drawn[:, 0], ends[:2])
    np.testing.assert_array_equal(drawn[:, 2], ends[2:])


def test_strength_zero_leaves_an_image_as_it_is(image_flow):
    _, flow = image_flow
    x = helpers.data(flow, 2)
    drawn = cells(views.attribute_picture(flow, x, np.ones(64, "float32"), (0.0, 2.0)), 2, 2)
    np.testing.assert_array_equal(drawn[:, 0], pictures.to_pixels(x, 17)[..., 0])
    assert (drawn[:, 1] != drawn[:, 0]).any()


def test_reconstructions_stand_below(image_flow):
    _, flow = image_flow
    x = helpers.data(flow, 3)
    picture, worst = views.reconstruction_picture(flow, x)
    drawn = cells(picture, 2, 3)
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert 0 < worst < 1e-2


def test_chosen_ends(image_flow, prepared, tmp_path, capsys):
    run(image_flow[0], prepared, tmp_path, "--pictures=interpolations", "--ends=5,2")
    assert "between test images 5-2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--pictures=faces"], "--pictures must be of temperatures, .* got faces"),
        (["--pictures=classes"], "--pictures=classes needs a class-conditional flow"),
        (["--temperatures=hot"], "--temperatures must be numbers with commas, got hot"),
        (["--pictures=temperatures", "--temperatures=-1"], "temperature must be finite"),
        (["--strengths="], "--strengths must be numbers with commas, got nothing"),
        (["--pictures=attribute", "--positive=10"], "--positive must be a label of digits, 0 to 9"),
        (["--pictures=interpolations", "--ends=1"], "--ends must be two numbers of test images"),
        (["--pictures=interpolations", "--ends=1,300"], "0 to 299, got 1,300"),
        (["--dataset=two_moons"], "the flow expects events of shape"),
    ],
)
def test_what_does_not_fit_is_refused(image_flow, prepared, tmp_path, argv, message):
    with pytest.raises(ValueError, match=message):
        run(image_flow[0], prepared, tmp_path, *argv)


def test_flows_of_other_things_are_refused(toy_run, prepared, tmp_path):
    with pytest.raises(ValueError, match="--model must be a flow of images"):
        run(toy_run, prepared, tmp_path, "--dataset=two_moons")


def test_likelihoods_that_are_not_finite_are_drawn_at_the_end():
    rng = np.random.default_rng(0)
    far = np.where(np.arange(100) < 10, np.inf, rng.normal(3.0, 0.1, 100))
    picture = views.likelihood_histogram({"own": rng.normal(2.0, 0.1, 100), "other": far})
    plain = views.likelihood_histogram({"own": rng.normal(2.0, 0.1, 100)})
    assert picture.shape == plain.shape and (picture != 255).any()
    assert views.likelihood_histogram({"none": np.full(3, np.inf)}).shape == plain.shape
