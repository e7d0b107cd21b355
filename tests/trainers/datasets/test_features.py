"""Which features are the input and which is the label."""

import types

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from trainers.datasets import DatasetError
from trainers.datasets.features import choose

F = tfds.features
IMAGE = F.Image(shape=(4, 4, 3))
LABEL = F.ClassLabel(num_classes=5)


def info(supervised_keys=None, **features):
    return types.SimpleNamespace(features=F.FeaturesDict(features), supervised_keys=supervised_keys)


def test_image_with_label():
    inputs = choose(info(image=IMAGE, label=LABEL, weight=F.Scalar(np.float32)), "set")
    assert (inputs.event_shape, inputs.is_image, inputs.names) == ((4, 4, 3), True, ("image",))
    assert (inputs.label, inputs.num_classes) == ("label", 5)


def test_the_supervised_image_comes_first():
    several = dict(mask=F.Image(shape=(4, 4, 1)), image=IMAGE, other=F.Image(shape=(2, 2, 1)))
    assert choose(info(**several), "set").names == ("image",)
    assert choose(info(("other", "mask"), **several), "set").names == ("other",)


def test_a_byte_tensor_of_rank_three_is_an_image():
    inputs = choose(info(pixels=F.Tensor(shape=(4, 4, 1), dtype=np.uint8)), "set")
    assert inputs.is_image and inputs.names == ("pixels",)


def test_the_supervised_target_is_the_label_or_left_out():
    columns = dict(a=F.Scalar(np.float32), kind=LABEL, y=F.Scalar(np.float32))
    by_class = choose(info(("a", "kind"), **columns), "set")
    assert (by_class.label, by_class.names) == ("kind", ("a", "y"))
    by_value = choose(info(("a", "y"), **columns), "set")
    assert (by_value.label, by_value.names) == (None, ("a",))


def test_a_label_without_classes_is_none():
    assert choose(info(image=IMAGE, label=F.ClassLabel()), "set").label is None


def test_table_columns_are_named_sorted_and_concatenated():
    table = info(
        z=F.Scalar(np.int32),
        inner={"b": F.Tensor(shape=(2, 2), dtype=np.float64)},
        text=F.Text(),
        flag=F.Scalar(np.bool_),
        ragged=F.Tensor(shape=(None,), dtype=np.float32),
        series=F.Sequence(np.float32),
    )
    inputs = choose(table, "set")
    assert inputs.names == (
        "inner/b[0, 0]",
        "inner/b[0, 1]",
        "inner/b[1, 0]",
        "inner/b[1, 1]",
        "z",
    )
    values = {"inner/b": tf.reshape(tf.range(8.0), (2, 2, 2)), "z": tf.constant([8, 9])}
    (x,) = inputs.assemble(values)
    np.testing.assert_array_equal(x, np.float32([[0, 1, 2, 3, 8], [4, 5, 6, 7, 9]]))
    assert x.dtype == tf.float32


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (dict(text=F.Text()), r"no image or numeric feature, only text \(Text\)"),
        (dict(label=LABEL), r"no image or numeric feature, only label \(ClassLabel\)"),
        (dict(image=F.Image(shape=(None, None, 3))), r"varying size \(shape \[None, None, 3\]\)"),
        (dict(image=F.Image(shape=(4, 4, 1), dtype=np.uint16)), "uint16 images"),
    ],
)
def test_unusable(features, message):
    with pytest.raises(DatasetError, match=message) as error:
        choose(info(**features), "set")
    assert "that need no download: digits, two_moons" in str(error.value)
    assert "\n" not in str(error.value)
