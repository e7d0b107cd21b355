"""Which features are the input and which is the label."""

import types

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from trainers.datasets import DatasetError
from trainers.datasets.features import choose
from trainers.datasets.images import Change

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


CELEB = dict(image=IMAGE, attributes={"Smiling": F.Scalar(np.bool_), "age": F.Scalar(np.int64)})


def test_a_label_by_name():
    other = F.ClassLabel(num_classes=7)
    flag = F.Scalar(np.bool_)
    chosen = choose(info(image=IMAGE, label=LABEL, other=other, flag=flag), "set", "other")
    assert (chosen.label, chosen.num_classes, chosen.used) == ("other", 7, ("image", "other"))
    table = choose(info(a=F.Scalar(np.float32), flag=flag), "set", "flag")
    assert (table.label, table.num_classes, table.names) == ("flag", 2, ("a",))


def test_a_nested_boolean_as_label():
    chosen = choose(info(**CELEB), "set", "attributes/Smiling")
    assert (chosen.label, chosen.num_classes) == ("attributes/Smiling", 2)
    image = tf.zeros((4, 4, 3), tf.uint8)
    picked = chosen.pick({"image": image, "attributes": {"Smiling": tf.constant(True)}})
    assert set(picked) == {"image", "attributes/Smiling"}
    _, labels = chosen.assemble({"image": image[None], "attributes/Smiling": tf.constant([True])})
    assert labels.dtype == tf.int32 and labels.numpy().tolist() == [1]


@pytest.mark.parametrize("label", ["Smiling", "attributes/age", "image", ""])
def test_what_is_no_label_is_told(label):
    message = f"'set' has no label '{label}'; its class labels and booleans are: attributes/Smiling"
    with pytest.raises(DatasetError, match=message):
        choose(info(**CELEB), "set", label)
    with pytest.raises(DatasetError, match="are: none"):
        choose(info(image=IMAGE), "set", "label")


def test_images_are_changed_as_they_are_picked():
    varying = info(image=F.Image(shape=(None, None, 3)))
    chosen = choose(varying, "set", change=Change(image_size=(6, 8), divisor=8))
    assert chosen.event_shape == (6, 8, 3)
    picked = chosen.pick({"image": tf.fill((5, 9, 3), tf.constant(255, tf.uint8))})["image"]
    assert picked.shape == (6, 8, 3) and int(tf.reduce_max(picked)) == 31


def test_changes_need_images():
    with pytest.raises(DatasetError, match="resize are for images, and dataset 'set' has none"):
        choose(info(a=F.Scalar(np.float32)), "set", change=Change(divisor=2))


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (dict(text=F.Text()), r"no image or numeric feature, only text \(Text\)"),
        (dict(label=LABEL), r"no image or numeric feature, only label \(ClassLabel\)"),
        (
            dict(image=F.Image(shape=(None, None, 3))),
            r"varying size \(shape \[None, None, 3\]\), .* image_size crops or pads them",
        ),
        (dict(image=F.Image(shape=(4, 4, 1), dtype=np.uint16)), "uint16 images"),
    ],
)
def test_unusable(features, message):
    with pytest.raises(DatasetError, match=message) as error:
        choose(info(**features), "set")
    assert "that need no download: digits, two_moons" in str(error.value)
    assert "\n" not in str(error.value)
