"""Images cropped, padded, resized and reduced to fewer grey levels."""

import numpy as np
import pytest

from trainers import datasets
from trainers.datasets import DatasetError, images


def image(*shape):
    return np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)


def test_nothing_is_the_default():
    assert images.change() == images.UNCHANGED and not images.UNCHANGED
    x = image(4, 4, 1)
    assert images.UNCHANGED(x) is x and images.UNCHANGED.shape((4, 4, 1)) == (4, 4, 1)


def test_cropping_keeps_the_centre():
    x = image(6, 8, 2)
    change = images.change(image_size=4)
    np.testing.assert_array_equal(change(x), x[1:5, 2:6])
    assert change.shape(x.shape) == (4, 4, 2)


def test_padding_puts_zeros_around():
    x = image(2, 6, 1) + 1
    y = images.change(image_size=["4", "4"])(x).numpy()
    np.testing.assert_array_equal(y[1:3], x[:, 1:5])  # higher and narrower
    assert not y[0].any() and not y[3].any() and y.dtype == np.uint8


def test_resizing_averages_areas():
    x = image(4, 6, 3)
    y = images.change(resize=(2, 3))(x).numpy()
    means = x.reshape(2, 2, 3, 2, 3).mean(axis=(1, 3))
    np.testing.assert_array_equal(y, np.round(means))
    assert y.dtype == np.uint8


def test_resizing_by_a_broken_factor_weighs_by_area():
    x = np.uint8([[[0], [90], [30]]])  # columns of 1.5: (0 + 90 / 2) / 1.5 and (90 / 2 + 30) / 1.5
    y = images.change(resize=(1, 2))(x).numpy()
    np.testing.assert_array_equal(y[0, :, 0], [30, 50])


def test_fewer_levels():
    x = np.uint8([[[0], [7], [8], [255]]])
    np.testing.assert_array_equal(images.change(levels=32)(x)[0, :, 0], [0, 0, 1, 31])
    assert images.change(levels=256) == images.UNCHANGED


def test_the_order_is_crop_resize_levels():
    x = np.zeros((6, 6, 1), np.uint8)
    x[1:5, 1:5] = 100
    y = images.change(levels=32, image_size=4, resize=2)(x).numpy()
    np.testing.assert_array_equal(y, np.full((2, 2, 1), 100 // 8))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (dict(levels=7), "levels must divide the data's 256 grey levels, .* 256, 128, .*; got 7"),
        (dict(levels=512), "got 512"),
        (dict(levels=1), "got 1"),
        (dict(levels=0), "got 0"),
        (dict(levels=4, own_levels=17), "17 grey levels, one of 17; got 4"),
        (dict(image_size=0), "image_size must be one positive integer, or height .*; got 0"),
        (dict(resize=4097), "height and width up to 4096, as in 32,48; got 4097"),
        (dict(image_size=["-3"]), "got -3"),
        (dict(resize=["8", "x"]), "resize must be .* as in 32,48; got 8,x"),
        (dict(resize=(1, 2, 3)), "got 1,2,3"),
        (dict(resize=[]), "got nothing"),
        (dict(resize=2.5), "got 2.5"),
    ],
)
def test_wrong_values(asked, message):
    with pytest.raises(DatasetError, match=message) as error:
        images.change(**asked)
    assert "\n" not in str(error.value)


def test_a_dataset_tells_what_became_of_its_images(data_dir):
    plain = datasets.load("digits", data_dir)
    data = datasets.load("digits", data_dir, image_size=(12, 8), resize=(6, 4))
    assert (data.event_shape, data.levels) == ((6, 4, 1), 17)
    x = data.numpy("test")
    assert x.shape == (300, 6, 4, 1) and x.dtype == np.uint8
    padded = np.pad(plain.numpy("test"), ((0, 0), (2, 2), (0, 0), (0, 0)))
    means = padded.reshape(300, 6, 2, 4, 2, 1).mean(axis=(2, 4))
    np.testing.assert_array_equal(x, np.round(means))
    batch = next(iter(data.batches("train", 10, flips=True, seed=0, shuffle=True)))
    assert batch.shape == (10, 6, 4, 1)


def test_memory_is_that_of_the_changed_images(data_dir):
    data = datasets.load("digits", data_dir, resize=2)
    data.memory_limit = 300 * (4 + 4)
    assert data._fits("test") and not data._fits("train")
    np.testing.assert_array_equal(next(iter(data.batches("train", 5))), data.numpy("train", 5))


def test_tables_and_wrong_labels(data_dir):
    with pytest.raises(DatasetError, match="are for images, and dataset 'zoo_table' has none"):
        datasets.load("zoo_table", data_dir, resize=3)
    with pytest.raises(DatasetError, match="no label 'count'; .* are: flag, label"):
        datasets.load("zoo_table", data_dir, label="count")
    table = datasets.load("zoo_table", data_dir, label="flag")
    x, labels = table.numpy("train", labels=True)
    assert table.num_classes == 2 and labels.tolist() == [1] * 90 and x.shape == (90, 4)
