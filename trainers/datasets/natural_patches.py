"""Patches of two photographs as a TFDS dataset that needs no download."""

import numpy as np
import tensorflow_datasets as tfds

STRIP = 64  # columns
STRIPS = {"train": (0, 1, 3, 5, 6, 8), "validation": (4, 9), "test": (2, 7)}
PHOTOGRAPHS = ("china", "flower")


class NaturalPatches(tfds.core.GeneratorBasedBuilder):
    """Small colour images cut out of two photographs, 32 x 32 or 8 x 8 pixels, one size a config.

    Features: {"image": [size, size, 3] uint8, "label": the photograph, "china" or "flower"}.

    Each photograph, 427 x 640 pixels, is cut into ten vertical strips of 64 columns, numbered from
    0: strips 2 and 7 are for test, 4 and 9 for validation, the others for training. A patch lies
    wholly within the strips of its split, so that no pixel is in two splits; it may cross from a
    strip to its neighbour of the same split. Patches are taken on a grid of fixed stride, and
    overlap. They come in an order drawn once, from a fixed seed:

        32x32   stride 3   23 232 train   5 808 validation   5 808 test
        8x8     stride 4   19 320 train   6 300 validation   6 300 test

    Source: the photographs that ship with scikit-learn (`sklearn.datasets.load_sample_image`), by
    danielbuechele ("china") and vultilion ("flower"), both CC BY 2.0.
    """

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [
        tfds.core.BuilderConfig(name=name, description=f"Patches of {name} pixels.")
        for name in ("32x32", "8x8")
    ]
    STRIDES = {32: 3, 8: 4}

    @property
    def size(self):
        """Height and width of a patch."""
        return int(self.builder_config.name.partition("x")[0])

    def _info(self):
        image = tfds.features.Tensor(
            shape=(self.size, self.size, 3), dtype=np.uint8, encoding=tfds.features.Encoding.BYTES
        )
        label = tfds.features.ClassLabel(names=PHOTOGRAPHS)
        return tfds.core.DatasetInfo(
            builder=self,
            description="Colour patches of two photographs, from scikit-learn.",
            features=tfds.features.FeaturesDict({"image": image, "label": label}),
            supervised_keys=("image", "label"),
            disable_shuffling=True,  # `_generate_examples` has shuffled them
        )

    def _split_generators(self, dl_manager):
        from sklearn.datasets import load_sample_image  # only preparing needs it

        photographs = [load_sample_image(f"{name}.jpg") for name in PHOTOGRAPHS]
        return {split: self._generate_examples(photographs, split) for split in STRIPS}

    def _generate_examples(self, photographs, split):
        parts = [cut(photo, split, self.size, self.STRIDES[self.size]) for photo in photographs]
        labels = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        patches = np.concatenate(parts)
        order = np.random.RandomState(0).permutation(len(patches))
        for key, row in enumerate(order):  # TFDS writes unshuffled examples in the order of keys
            yield key, {"image": patches[row], "label": int(labels[row])}


def cut(photograph, split, size, stride):
    """Cuts all patches of a split out of a photograph.

    Args:
        photograph: [height, 640, channels].
        split: A key of `STRIPS`.
        size: Height and width of a patch.
        stride: Rows and columns from one patch to the next.

    Returns:
        [n, size, size, channels].
    """
    parts = []
    for begin, end in regions(split):
        windows = np.lib.stride_tricks.sliding_window_view(
            photograph[:, begin:end], (size, size), axis=(0, 1)
        )[::stride, ::stride]
        patches = np.moveaxis(windows, 2, -1)  # the channels come before the window's axes
        parts.append(patches.reshape(-1, size, size, photograph.shape[2]))
    return np.concatenate(parts)


def regions(split):
    """The columns of a split, as (begin, end) of each run of neighbouring strips."""
    runs = []
    for strip in STRIPS[split]:
        begin, end = STRIP * strip, STRIP * (strip + 1)
        if runs and runs[-1][1] == begin:
            begin = runs.pop()[0]
        runs.append((begin, end))
    return runs
