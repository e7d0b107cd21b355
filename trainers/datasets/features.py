"""Which features of a TFDS dataset a flow models, and which one is the label.

The rule, also shown to users by `Dataset`:

- An image with 8-bit pixels is the input, alone; of fixed size, if it is not cropped or padded to
  one. Where there are several, the one that the dataset names as its supervised input, else the one
  called "image".
- Without an image, all numeric features (floating-point and integer, of fixed shape, also inside
  nested dictionaries) are flattened and concatenated to one float32 vector, in alphabetical order.
  Text, booleans, class labels, sequences and the target are left out.
- The target is what the dataset names as its supervised target, else the feature called "label". It
  is the label if it is a `ClassLabel`. The user may name another label, a `ClassLabel` or a
  boolean, also inside nested dictionaries, as "attributes/Smiling".
"""

import dataclasses

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from trainers.datasets.errors import DatasetError, unusable
from trainers.datasets.images import UNCHANGED, Change


@dataclasses.dataclass(frozen=True)
class Inputs:
    """How to turn a TFDS example into what a flow is trained on.

    Attributes:
        event_shape: Of one x.
        is_image: x is a uint8 image, not a float32 vector.
        names: What x holds: the feature's name for an image, one name a column for a vector.
        features: The features used; those in nested dictionaries as "outer/inner".
        label: The feature that is the label, or None.
        num_classes: Of the label (2 of a boolean, False being class 0), or None.
        change: What becomes of each image before it is x.
    """

    event_shape: tuple
    is_image: bool
    names: tuple
    features: tuple
    label: str | None
    num_classes: int | None
    change: Change = UNCHANGED

    @property
    def used(self):
        """Names of all features that are read, the label's included."""
        return (*self.features, *filter(None, [self.label]))

    def pick(self, example):
        """Takes what is used out of one TFDS example, the image changed.

        Returns:
            feature name -> value.
        """
        picked = {name: _feature(example, name) for name in self.used}
        if self.is_image:
            picked[self.features[0]] = self.change(picked[self.features[0]])
        return picked

    def assemble(self, block):
        """Makes x, and labels if there are any, of a block of examples.

        Args:
            block: feature name -> values [rows, ...].

        Returns:
            (x [rows, *event_shape],) or (x, labels [rows] int32).
        """
        if self.is_image:
            x = block[self.features[0]]
        else:
            columns = [block[name] for name in self.features]
            rows = tf.shape(columns[0])[0]
            flat = [tf.cast(tf.reshape(column, [rows, -1]), tf.float32) for column in columns]
            x = tf.concat(flat, axis=1)
        x = tf.ensure_shape(x, (None, *self.event_shape))
        return (x,) if self.label is None else (x, tf.cast(block[self.label], tf.int32))


def choose(info, name, label=None, change=UNCHANGED):
    """Chooses the input and the label of a dataset.

    Args:
        info: `tfds.core.DatasetInfo`.
        name: What the user calls the dataset, for errors.
        label: The feature that the user wants for the label, or None for the rule above.
        change: What becomes of each image.

    Returns:
        `Inputs`.

    Raises:
        DatasetError: no feature can be used, the image has no fixed size or not 8 bits, images are
            to be changed where there are none, or there is no such label.
    """
    if not isinstance(info.features, tfds.features.FeaturesDict):
        raise unusable(f"dataset {name!r} has no named features")
    source, target = (info.supervised_keys or ("image", "label"))[:2]
    label, num_classes = _label(info.features, target, label, name)
    images = {key: f for key, f in info.features.items() if _is_image(f)}
    if images:
        return _image_inputs(images, source, label, num_classes, name, change)
    if change:
        raise DatasetError(
            f"levels, image_size and resize are for images, and dataset {name!r} has none"
        )
    leaves = sorted(_leaves(info.features), key=lambda leaf: leaf[0])
    used = {key: f for key, f in leaves if _is_numeric(f) and key != target}
    if not used:
        kinds = ", ".join(f"{key} ({type(f).__name__})" for key, f in leaves)
        raise unusable(f"dataset {name!r} has no image or numeric feature, only {kinds}")
    names = [column for key, f in used.items() for column in _columns(key, f.shape)]
    return Inputs((len(names),), False, tuple(names), tuple(used), label, num_classes)


def _image_inputs(images, source, label, num_classes, name, change):
    key = next(key for key in (source, "image", *images) if key in list(images))
    stored, dtype = images[key].shape, np.dtype(images[key].np_dtype)
    shape = change.shape(stored) if change.image_size else stored
    if None in shape:
        raise unusable(
            f"dataset {name!r} has images of varying size (shape {list(stored)}), where flows need "
            "one size; image_size crops or pads them to one"
        )
    if dtype != np.uint8:
        raise unusable(
            f"dataset {name!r} has {dtype} images, where 8-bit ones (uint8) are expected"
        )
    return Inputs(change.shape(stored), True, (key,), (key,), label, num_classes, change)


def _label(features, target, wanted, name):
    """(feature, classes) of the label that the user wants, else of the target if it will do."""
    known = {key: classes for key, f in _leaves(features) if (classes := _num_classes(f))}
    if wanted is not None:
        if wanted not in known:
            raise DatasetError(
                f"dataset {name!r} has no label {wanted!r}; its class labels and booleans are: "
                f"{', '.join(sorted(known)) or 'none'}"
            )
        return wanted, known[wanted]
    feature = dict(features.items()).get(target) if isinstance(target, str) else None
    if isinstance(feature, tfds.features.ClassLabel) and feature.num_classes:
        return target, feature.num_classes
    return None, None


def _num_classes(feature):
    """Classes of a feature that can be a label, else None."""
    if isinstance(feature, tfds.features.ClassLabel):
        return feature.num_classes
    is_tensor = isinstance(feature, tfds.features.Tensor) and feature.shape == ()
    return 2 if is_tensor and np.dtype(feature.np_dtype) == np.bool_ else None


def _is_image(feature):
    """Whether a feature is an image, or an 8-bit tensor shaped like one."""
    if isinstance(feature, tfds.features.Image):
        return True
    shaped = isinstance(feature, tfds.features.Tensor) and len(feature.shape) == 3
    return shaped and np.dtype(feature.np_dtype) == np.uint8


def _is_numeric(feature):
    if not isinstance(feature, tfds.features.Tensor) or None in feature.shape:
        return False
    is_label = isinstance(feature, tfds.features.ClassLabel)
    return not is_label and np.dtype(feature.np_dtype).kind in "fiu"


def _leaves(features, prefix=""):
    """(name, feature) of all features, those of nested dictionaries included."""
    for key, feature in features.items():
        if isinstance(feature, tfds.features.FeaturesDict):
            yield from _leaves(feature, f"{prefix}{key}/")
        else:
            yield prefix + key, feature


def _feature(example, name):
    """The feature "outer/inner" of a nested dictionary."""
    for key in name.split("/"):
        example = example[key]
    return example


def _columns(name, shape):
    """Names for the entries of a flattened tensor: "x[0]", "x[1]", ..., or "x" for a scalar."""
    return [name + (str(list(index)) if index else "") for index in np.ndindex(*shape)]
