"""scikit-learn's handwritten digits as a TFDS dataset that needs no download."""

import numpy as np
import tensorflow_datasets as tfds


class Digits(tfds.core.GeneratorBasedBuilder):
    """1797 images of handwritten digits, 8 x 8 pixels of 17 grey levels (0 to 16).

    Features: {"image": [8, 8, 1] uint8, "label": class 0 to 9}. The splits are fixed: 30 images of
    each class for test, 20 for validation, the other 1297 for training.

    Source: the test part of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, 1998,
    UCI Machine Learning Repository), as shipped in `sklearn.datasets.load_digits`.
    """

    VERSION = tfds.core.Version("1.0.0")
    LEVELS = 17
    PER_CLASS = {"test": 30, "validation": 20}

    def _info(self):
        return tfds.core.DatasetInfo(
            builder=self,
            description="8x8 handwritten digits with grey levels 0 to 16, from scikit-learn.",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(8, 8, 1), dtype=np.uint8),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            disable_shuffling=True,  # `split_indices` has shuffled them
        )

    def _split_generators(self, dl_manager):
        from sklearn.datasets import load_digits  # takes a second, and only preparing needs it

        digits = load_digits()
        images = digits.images.astype(np.uint8)[..., None]
        return {
            split: self._generate_examples(images, digits.target, rows)
            for split, rows in split_indices(digits.target, self.PER_CLASS).items()
        }

    def _generate_examples(self, images, labels, rows):
        for key, row in enumerate(rows):  # TFDS writes unshuffled examples in the order of the keys
            yield key, {"image": images[row], "label": int(labels[row])}


def split_indices(labels, per_class, seed=0):
    """Splits examples at random, with a number of each class in a held-out split.

    Args:
        labels: [n] integer classes.
        per_class: split -> examples of each class it holds, one number or one a class. "train"
            gets all others.
        seed: of a `RandomState`, whose stream numpy promises never to change.

    Returns:
        split -> row numbers in random order; "train" comes first.
    """
    order = np.random.RandomState(seed).permutation(len(labels))
    place = np.zeros(len(labels), np.int64)  # how many of its class come before it in `order`
    for label in np.unique(labels):
        members = order[labels[order] == label]
        place[members] = np.arange(len(members))
    splits, begin = {}, np.zeros(np.max(labels) + 1, np.int64)
    for split, count in per_class.items():
        end = begin + np.broadcast_to(count, np.max(labels) + 1)
        splits[split] = order[(place >= begin[labels])[order] & (place < end[labels])[order]]
        begin = end
    return {"train": order[(place >= begin[labels])[order]], **splits}
