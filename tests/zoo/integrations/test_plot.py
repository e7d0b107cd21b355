"""Plots: axes that hold what was to be drawn."""

import builtins
import json

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

import zoo
from tests import helpers
from zoo.integrations import plot

matplotlib.use("agg")


@pytest.fixture
def axes():
    return Figure().add_subplot()


def plane(**kwargs):
    return zoo.MAF((2,), num_layers=1, hidden_units=(4,), seed=0, jit_compile=False, **kwargs)


def test_density_is_drawn_where_it_is(axes):
    flow, window = plane(), (-1.0, 3.0, -2.0, 2.0)
    assert zoo.plot.density(flow, window=window, resolution=5, axes=axes, cmap="gray") is axes
    (image,) = axes.images
    assert image.get_extent() == list(window) and image.get_cmap().name == "gray"
    # The second row from the left, in the middle: the origin.
    at = np.exp(np.asarray(flow.log_prob([[0.0, 0.0], [3.0, 2.0]])))
    np.testing.assert_allclose(image.get_array()[2, 1], at[0], rtol=1e-5)
    np.testing.assert_allclose(image.get_array()[4, 4], at[1], rtol=1e-5)


def test_density_is_zero_out_of_bounds_and_takes_a_context(axes):
    flow = plane(bounds=[(0.0, 1.0), None], context_shape=(3,))
    zoo.plot.density(flow, [1.0, 2.0, 3.0], window=(-1, 2, -1, 1), resolution=4, axes=axes)
    heat = np.asarray(axes.images[0].get_array())
    assert (heat == 0).all(), "columns at -1, 0, 1 and 2: none within the bounds"
    zoo.plot.density(flow, [1.0, 2.0, 3.0], window=(-1, 2, -1, 1), resolution=7, axes=axes)
    heat = np.asarray(axes.images[1].get_array())
    assert (heat[:, 3] > 0).all() and (heat[:, [0, 1, 2, 4, 5, 6]] == 0).all()


def test_new_axes_are_of_pyplot():
    from matplotlib import pyplot

    drawn = zoo.plot.density(plane(), resolution=3)
    assert drawn is pyplot.gca()
    pyplot.close(drawn.figure)


def test_samples_of_vectors(axes):
    flow = zoo.MAF((3,), num_layers=1, hidden_units=(4,), jit_compile=False)
    zoo.plot.samples(flow, 7, seed=1, columns=(2, 0), axes=axes)
    expected = np.asarray(flow.sample(7, seed=1))[:, [2, 0]]
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), expected)
    zoo.plot.samples(np.arange(4.0).reshape(4, 1), axes=axes, bins=4, density=False)
    assert [patch.get_height() for patch in axes.patches] == [1, 1, 1, 1]


def test_samples_of_images(axes):
    images = np.arange(5).reshape(5, 1, 1, 1)
    zoo.plot.samples(images, levels=5, axes=axes)
    drawn = np.asarray(axes.images[0].get_array())
    assert drawn.shape == (5, 7, 3) and drawn[1, 1, 0] == 0 and drawn[3, 3, 0] == 255
    flow = zoo.MAF((2, 2, 1), levels=4, num_classes=3, num_layers=1, hidden_units=(4,), seed=0)
    zoo.plot.samples(flow, 3, [0, 1, 2], seed=2, axes=axes)
    expected = plot.tiles(plot.to_pixels(flow.sample(3, [0, 1, 2], seed=2), 4))
    np.testing.assert_array_equal(axes.images[1].get_array(), expected)


def test_what_cannot_be_drawn(axes):
    flow = zoo.MAF((3,), num_layers=1, hidden_units=(4,))
    with pytest.raises(ValueError, match=r"event_shape=\(2,\), got \(3,\): draw their samples"):
        zoo.plot.density(flow, axes=axes)
    with pytest.raises(ValueError, match=r"got events of shape \(2, 2\)"):
        zoo.plot.samples(np.zeros((4, 2, 2)), axes=axes)
    with pytest.raises(ValueError, match=r"\Aflow must be a zoo Flow, got int\.\Z"):
        zoo.plot.density(5, axes=axes)


@pytest.mark.parametrize(
    ("plot_of", "given", "words"),
    [
        (zoo.plot.density, {"window": 3}, ["window", "3"]),
        (zoo.plot.density, {"window": (0, np.nan, 0, 1)}, ["window", "nan"]),
        (zoo.plot.density, {"resolution": 0}, ["resolution", "0"]),
        (zoo.plot.density, {"resolution": 10**9}, ["resolution", "1000000000"]),
        (zoo.plot.samples, {"columns": (0, 7)}, ["columns must be two of 0 to 1", "(0, 7)"]),
        (zoo.plot.samples, {"levels": 0}, ["levels", "0"]),
    ],
)
def test_arguments_that_are_none_are_named(axes, plot_of, given, words):
    with helpers.raises_one_line(*words):
        plot_of(plane(), axes=axes, **given)


@pytest.mark.parametrize("text", ["[]", "null", '{"epoch": "a"}', "[" * 100_000])
def test_records_that_are_none(axes, tmp_path, text):
    (tmp_path / "metrics.jsonl").write_text(text + "\n", encoding="utf-8")
    with helpers.raises_one_line("no record" if len(text) < 99 else "no epoch has a figure"):
        zoo.plot.training(tmp_path, axes=axes)
    for history in (5, None, [["a"]], {"loss": ["a"]}):
        with helpers.raises_one_line("history must be"):
            zoo.plot.training(history, axes=axes)


def test_training_of_a_history(axes):
    flow, x = plane(), np.zeros((4, 2), "float32")
    flow.compile(run_eagerly=True)
    history = flow.fit(x, epochs=2, batch_size=4, validation_data=x, verbose=0)
    zoo.plot.training(history, axes=axes)
    measured, validated = (line.get_xydata() for line in axes.lines)
    np.testing.assert_allclose(measured, np.stack([[1, 2], history.history["nats"]], axis=1))
    np.testing.assert_allclose(validated, np.stack([[1, 2], history.history["val_nats"]], axis=1))
    assert axes.get_xlabel() == "epoch" and axes.get_ylabel() == "nats"
    with pytest.raises(ValueError, match="no epoch has a figure 'bits'; known are bits_per_dim"):
        zoo.plot.training(history, "bits", axes=axes)
    history.history["val_nats"] = history.history["val_nats"][:1]
    with pytest.raises(ValueError, match="does not say which"):
        zoo.plot.training(history, axes=axes)


def test_training_of_a_run(axes, tmp_path):
    lines = [{"epoch": i, "seconds": 60 * i, "bits_per_dim": 1 / i} for i in range(1, 13)]
    lines[5]["val_bits_per_dim"] = 0.4
    text = "\n".join(map(json.dumps, lines))
    (tmp_path / "metrics.jsonl").write_text(text + '\n{"epoch": 13, "sec', encoding="utf-8")
    zoo.plot.training(tmp_path, "bits_per_dim", axes=axes)
    measured, validated = axes.lines
    np.testing.assert_allclose(measured.get_xydata()[-1], [12, 1 / 12])
    np.testing.assert_allclose(validated.get_xydata(), [[6, 0.4]])
    assert axes.get_xlabel() == "minutes of training"
    assert axes.get_ylim()[1] < 0.5, "the first two epochs leave the axes"
    with pytest.raises(ValueError, match="no such file; expected the folder of a run"):
        zoo.plot.training(tmp_path / "nowhere", axes=axes)


def test_without_matplotlib_it_is_said_what_to_install(monkeypatch):
    whole = builtins.__import__

    def without(name, *args, **kwargs):
        if name.partition(".")[0] == "matplotlib":
            raise ImportError(name)
        return whole(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install 'flow-zoo\[plot\]'"):
        zoo.plot.samples(np.zeros((3, 2)))


def test_the_module_shows_its_plots():
    assert dir(zoo.plot) == ["density", "samples", "training"]
