"""Pictures: pixels in the right place."""

import numpy as np
import pytest
from PIL import Image

import zoo
from trainers.reports import pictures


def test_pixels_of_grey_levels():
    images = np.array([-1.0, 0.0, 0.99, 8.2, 16.0, 16.9, 40.0, np.nan]).reshape(8, 1, 1, 1)
    pixels = pictures.to_pixels(images, levels=17)
    assert pixels.shape == (8, 1, 1, 3) and pixels.dtype == np.uint8
    expected = [0, 0, 0, round(255 * 8 / 16), 255, 255, 255, 0]
    assert pixels[:, 0, 0, 0].tolist() == expected
    assert (pixels == pixels[..., :1]).all()


def test_pixels_without_levels_are_stretched():
    pixels = pictures.to_pixels(np.array([-2.0, 0.0, 2.0]).reshape(3, 1, 1, 1))
    assert pixels[:, 0, 0, 0].tolist() == [0, 128, 255]


def test_grid_row_by_row():
    images = (
        np.zeros((5, 2, 3, 3), np.uint8) + 10 * np.arange(5, dtype=np.uint8)[:, None, None, None]
    )
    picture = pictures.grid(images, columns=2, smallest=1)
    assert picture.shape == (3 * 3 + 1, 2 * 4 + 1, 3)
    assert picture[1, 1, 0] == 0 and picture[1, 5, 0] == 10 and picture[4, 1, 0] == 20
    assert picture[7, 1, 0] == 40 and picture[7, 5, 0] == 255  # the last place is empty
    assert (picture[0] == 255).all() and (picture[:, 4] == 255).all()
    larger = pictures.grid(images, columns=2, smallest=45)
    assert larger.shape == (40, 36, 3)
    np.testing.assert_array_equal(larger[::4, ::4], picture)


def test_png_holds_the_picture(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    pictures.save_png(picture, tmp_path / "without-suffix")
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "without-suffix")), picture)


def test_png_of_few_colours_is_smaller_and_looks_the_same(tmp_path):
    ramp = np.linspace(0, 255, 300 * 400).reshape(300, 400, 1) * [1.0, 0.5, 0.2]
    picture = ramp.astype(np.uint8)
    for name, colours in (("all", None), ("few", 64)):
        pictures.save_png(picture, tmp_path / name, colours)
    few = Image.open(tmp_path / "few")
    assert len(few.getcolors()) <= 64
    assert np.abs(np.asarray(few.convert("RGB"), int) - picture).max() <= 8


def test_class_conditional_samples_show_one_class_a_row(monkeypatch):
    flow = zoo.MAF((2, 2, 1), levels=4, num_classes=3, num_layers=1, hidden_units=(4,))

    def sample(n, context=None, seed=None, temperature=1.0):
        return np.broadcast_to(np.asarray(context).reshape(n, 1, 1, 1), (n, 2, 2, 1)) + 0.5

    monkeypatch.setattr(flow, "sample", sample)
    picture = pictures.sample_picture(flow, n=24)
    assert picture.shape[1] > picture.shape[0]
    rows = [set(row) - {255} for row in picture[..., 0].tolist()]
    assert [r for r in rows if r][0] == {0} and {85} in rows and {170} in rows


def test_samples_stand_beside_data(monkeypatch):
    flow = zoo.MAF((2, 2, 1), levels=4, num_classes=3, num_layers=1, hidden_units=(4,))
    asked = {}

    def sample(n, context, seed, temperature):
        asked.update(temperature=temperature, seed=seed)
        return np.broadcast_to(np.reshape(context, (n, 1, 1, 1)) + 0.5, (n, 2, 2, 1))

    monkeypatch.setattr(flow, "sample", sample)
    labels = np.array([2, 1, 0, 0])  # Fewer than there are columns.
    x = np.broadcast_to(labels.reshape(-1, 1, 1, 1), (4, 2, 2, 1))
    picture = pictures.beside_picture(flow, x, labels, seed=3, temperature=0.8, n=24)
    assert asked == {"temperature": 0.8, "seed": 3}
    left, right = np.array_split(picture, 2, axis=1)
    # What is drawn is the data, class by class: both halves are the same.
    assert (left[:, : right.shape[1] - 1] == right[:, :0:-1]).mean() > 0.9
    rows = [set(row) - {255} for row in left[..., 0].tolist()]
    assert [r for r in rows if r][0] == {0} and {85} in rows and {170} in rows


def test_samples_of_points_and_images():
    assert pictures.samples_picture(np.zeros((4, 3, 3, 1)), levels=2).shape[2] == 3
    cloud = pictures.samples_picture(np.random.default_rng(0).normal(size=(50, 2)))
    assert cloud.dtype == np.uint8 and len(np.unique(cloud)) > 2
    with pytest.raises(ValueError, match=r"not events of shape \(5,\); write a .npy file"):
        pictures.samples_picture(np.zeros((4, 5)))


def test_plane_picture_has_the_density_where_it_is():
    flow = zoo.MAF((2,), num_layers=1, hidden_units=(4,), jit_compile=False)
    picture = pictures.plane_picture(flow, resolution=40, n=500)
    left = picture[:, : picture.shape[1] // 2].astype(int).sum(-1)
    height, width = left.shape
    # A fresh flow is a standard normal: bright in the middle of the map, dark in its corner.
    assert left[height // 2, width // 2 + 10] > left[height - 60, 60] + 200
    beside = pictures.plane_picture(flow, data=np.zeros((10, 2)), resolution=40, n=500)
    assert beside.shape[1] == 1.5 * picture.shape[1]


def test_other_events_have_no_picture():
    flow = zoo.MAF((5,), num_layers=1, hidden_units=(4,))
    assert not pictures.drawable((5,)) and not pictures.drawable((4, 4, 2))
    assert pictures.drawable((4, 4, 3)) and pictures.drawable((2,))
    with pytest.raises(ValueError, match=r"events of shape \(5,\)"):
        pictures.sample_picture(flow)


def test_the_course_of_a_training():
    lines = [
        {"seconds": 60 * i, "bits_per_dim": 4 + 1 / i, "val_bits_per_dim": 4 + 2 / i}
        for i in range(1, 10)
    ]
    picture = pictures.curve_picture(lines, "bits_per_dim")
    assert picture.shape == (400, 700, 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 10
    one = pictures.curve_picture([{"seconds": 1, "nats": 0.5, "val_nats": 0.4}], "nats")
    assert one.shape == (400, 700, 3)
    # Flow matching measures no figure while it trains, and validates less often.
    for line in lines:
        del line["bits_per_dim"]
    for line in lines[::2]:
        del line["val_bits_per_dim"]
    assert pictures.curve_picture(lines, "bits_per_dim").shape == (400, 700, 3)
