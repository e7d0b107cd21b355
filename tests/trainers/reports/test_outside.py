"""Images of other data sets in a flow's form."""

from types import SimpleNamespace

import numpy as np
import pytest

from trainers import datasets
from trainers.reports import outside


def test_small_images_are_framed_and_their_levels_stretched():
    x = np.array([0, 8, 16]).reshape(3, 1, 1, 1) * np.ones((3, 2, 2, 1), int)
    y = outside.as_events(x, 17, (4, 5, 1), 256)
    assert y.shape == (3, 4, 5, 1) and y.dtype == np.uint8
    assert [int(image.max()) for image in y] == [0, 128, 255]
    assert (y[2, 1:3, 1:3] == 255).all() and y[2].sum() == 4 * 255


def test_large_images_are_cut_in_the_middle():
    x = np.arange(6 * 8).reshape(1, 6, 8, 1)
    y = outside.as_events(x, 256, (2, 4, 1), 256)
    np.testing.assert_array_equal(y, x[:, 2:4, 2:6])


def test_colours_become_grey_and_grey_is_repeated():
    x = np.array([10, 20, 60]).reshape(1, 1, 1, 3)
    assert outside.as_events(x, 256, (1, 1, 1), 256).item() == 30
    assert outside.as_events(x[..., :1], 256, (1, 1, 3), 256).ravel().tolist() == [10] * 3


def test_five_bits():
    x = np.array([0, 255]).reshape(2, 1, 1, 1)
    assert outside.as_events(x, 256, (1, 1, 1), 32).ravel().tolist() == [0, 31]


def test_the_flows_own_data_are_not_outside():
    assert outside.default_names(SimpleNamespace(name="digits")) == ["natural_patches/32x32"]
    name = "natural_patches/8x8"
    assert outside.default_names(SimpleNamespace(name=name)) == ["digits"]


def test_only_images(prepared):
    flow = SimpleNamespace(event_shape=(4, 4, 1), levels=256)
    assert outside.load("digits", flow, prepared, limit=3).shape == (3, 4, 4, 1)
    with pytest.raises(ValueError, match="--outside must name data sets of images"):
        outside.load("two_moons", flow, prepared)


def test_a_data_dir_of_one_other_data_set_is_left_alone(prepared, monkeypatch):
    taken = []

    digits = datasets.load("digits", prepared)

    def load(name, data_dir=None):
        taken.append(data_dir)
        return digits

    monkeypatch.setattr(datasets, "load", load)
    flow = SimpleNamespace(event_shape=(8, 8, 1), levels=17)
    [folder] = {path.parent for path in prepared.rglob("two_moons/**/dataset_info.json")}
    outside.load("digits", flow, folder, limit=1)
    outside.load("digits", flow, prepared, limit=1)
    assert taken == [None, prepared]
