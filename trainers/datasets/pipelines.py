"""Input pipelines: any TFDS dataset as batches for a flow.

Example:
    >>> data = datasets.load("digits")
    >>> data.event_shape, data.levels, data.num_classes
    ((8, 8, 1), 17, 10)
    >>> batches = data.batches("train", 64, shuffle=True, seed=0, labels=True)   # of (x, label)
    >>> datasets.load("digits", image_size=12).event_shape   # zeros around each image
    (12, 12, 1)
"""

import tensorflow as tf

from trainers.datasets import binary, builders, checks, columns, features, images, reading
from trainers.datasets import fresh as fresh_points
from trainers.datasets.errors import DatasetError, one_line
from trainers.datasets.toy_densities import TOYS

MEMORY_LIMIT = 1 << 30  # bytes; a larger split is read from disk at every epoch
VALIDATION_NAMES = ("validation", "valid", "val", "dev")
AUTOTUNE = tf.data.AUTOTUNE


class Dataset:
    """A prepared dataset as seen by a flow: x, and a class label if there is one.

    Images of 8 bits stay uint8; of anything else, the numeric features become one float32 vector
    (`trainers.datasets.features` has the rule). The splits are "train", "validation" and "test".
    Where the dataset has no validation split, the last tenth of train is taken for it; so too where
    it has one but no test split, for then figures are published on it, and it is the test split.

    A split of up to `memory_limit` bytes is read once and kept in memory, shared by all its
    pipelines; it is then shuffled as a whole. A larger one is read from disk at each pass and
    shuffled within a buffer of that size.

    Images can be changed as they are read, in this order: cropped or padded, resized, reduced to
    fewer grey levels. CelebA, for one, is used with image_size=148 and resize=64.

    Args:
        builder: A prepared `tfds.core.DatasetBuilder`.
        levels: Number of grey levels to reduce images to, x // (own levels // levels); it divides
            the levels that the dataset has. Glow's 5-bit images have 32.
        image_size: Height and width (or one number for both) to which images are cropped about
            their centre or padded with zeros; images of varying size need it.
        resize: Height and width (or one number for both) to which images are then resized, each
            pixel the average over its area, rounded.
        binarize: Make each pixel of an image 1 with the probability that its grey level is of the
            largest, and else 0, after all other changes: "static", drawn once for each split from
            a fixed seed, the same for everyone, or "dynamic", where batches for training are drawn
            anew at each pass, from their seed. For splits that are kept in memory.
        label: The feature to take for the label, a `ClassLabel` or a boolean (class 0 or 1), by
            name, as "attributes/Smiling"; None for the rule of `trainers.datasets.features`.
        bounds: Of columns of a vector, as of `trainers.datasets.from_dataframe`, by `input_names`.

    Attributes:
        name: Full name, such as "toy2d/rings".
        event_shape: Shape of one x.
        levels: Number of grey levels of integer images (if not reduced, 17 for digits, else 256);
            None for vectors.
        num_classes: Of the label; None without one.
        input_names: The features used: one name a column for vectors, one for an image.
        true_log_prob: The true log-density, from numpy [n, 2] to [n] nats; None where unknown.
        memory_limit: In bytes, as above.
        bounds: One a column, for `bounds=` of a family; None where no column has any.
        standardize: Means and standard deviations of the training split, for `standardize=` of a
            family, where columns of `builders.OWN` are in units of their own; else None.
    """

    # Of a user's own data.
    about = classes = standardize = bounds = None
    words: tuple = ()

    def __init__(
        self,
        builder,
        levels=None,
        image_size=None,
        resize=None,
        label=None,
        binarize=None,
        bounds=None,
    ):
        self.builder = builder
        config = builder.builder_config.name if builder.builder_config else None
        self.name = f"{builder.name}/{config}" if config else builder.name
        own_levels = getattr(builders.OWN.get(builder.name), "LEVELS", 256)
        change = images.change(levels, image_size, resize, own_levels)
        self._inputs = features.choose(builder.info, self.name, label, change)
        self.event_shape = self._inputs.event_shape
        self._grey = own_levels // change.divisor if self._inputs.is_image else None
        self.binarize = binary.check(binarize, self._inputs, self.name)
        self.levels = 2 if binarize else self._grey
        self.num_classes = self._inputs.num_classes
        self.input_names = self._inputs.names
        if bounds:
            if self.levels:
                raise DatasetError(f"bounds are for columns, and {self.name!r} has images")
            found = columns.read_bounds(bounds, list(self.input_names))
            self.bounds = [found.get(name) for name in self.input_names]
        self._toy = TOYS[config] if builder.name == "toy2d" else None
        self.true_log_prob = self._toy and self._toy.log_prob
        self.memory_limit = MEMORY_LIMIT
        self._memory = {}
        self._checked = set()
        if getattr(builders.OWN.get(builder.name), "STANDARDIZE", False):
            x = self.numpy("train").astype("float64")
            self.standardize = x.mean(axis=0).tolist(), x.std(axis=0).tolist()

    def num_examples(self, split):
        """How many examples a split has."""
        return self.builder.info.splits[self._instruction(split)].num_examples

    def batches(
        self,
        split,
        batch_size,
        shuffle=False,
        seed=None,
        labels=False,
        repeat=False,
        drop_remainder=False,
        flips=False,
        fresh=False,
    ):
        """A `tf.data.Dataset` of batches, ready for `fit`.

        Args:
            split: "train", "validation" or "test".
            batch_size: Examples a batch.
            shuffle: Give a new order at each pass. Pipelines made with the same seed give the same
                sequence of orders.
            seed: Of the order and the flips, together with `tf.random.set_seed`; None for another
                at each call. A training that resumes at a later pass should use a seed of its own.
            labels: Give (x, label) in place of x.
            repeat: Never end. One pass runs into the next, so that every batch is full.
            drop_remainder: Leave out a last batch that is not full.
            flips: Mirror images left to right with probability 1/2, anew at each pass, whatever
                they were cropped, padded or resized to; for training only.
            fresh: Draw new points at each pass, as many as the split has; for training on data
                that are drawn from a known density.

        Returns:
            A dataset of x [batch, *event_shape] (uint8 images, float32 vectors), or of (x, label)
            with labels [batch] int32.

        Raises:
            DatasetError: unknown split, labels asked where there are none, flips of what is not a
                training image, fresh points of what cannot be drawn, a batch size that gives no
                batch, NaN or infinite values, labels or grey levels out of range.
        """
        self._check_options(split, batch_size, labels, flips, drop_remainder and not repeat)
        if fresh:
            data = self._fresh(split, seed)
        else:
            data = self._order(split, shuffle, seed)
        if repeat:
            data = data.repeat()
        data = data.batch(batch_size, drop_remainder=drop_remainder or repeat)
        if self._fits(split) and not fresh:
            anew = shuffle and split == "train" and self.binarize == "dynamic"
            tensors = self._tensors(split, grey=anew)
            data = data.map(lambda rows: tuple(tf.gather(t, rows) for t in tensors), AUTOTUNE)
        if flips:
            data = images.mirror_at_random(data, seed)
        if self._fits(split) and not fresh and anew:
            data = binary.anew(data, self._grey, seed)
        if not labels:
            data = data.map(lambda x, *label: x)
        data = data.prefetch(AUTOTUNE)
        if self._fits(split):
            # There is little to tune, and TensorFlow may wait seconds for its tuner to end.
            options = tf.data.Options()
            options.autotune.enabled = False
            data = data.with_options(options)
        return data

    def numpy(self, split, limit=None, labels=False):
        """The first `limit` examples of a split (default: all) as arrays, in a fixed order.

        Returns:
            x [n, *event_shape], or (x, labels [n]).

        Raises:
            DatasetError: as `batches`.
        """
        self._check_options(split, 1, labels, flips=False, only_full=False)
        if self._fits(split):
            arrays = [tensor[:limit].numpy() for tensor in self._tensors(split)]
        else:
            arrays = self._guarded(split, reading.read, limit)
            self._require_valid(split, arrays)
        return tuple(arrays) if labels else arrays[0]

    def _instruction(self, split):
        """The TFDS name of a split, such as "train[:90%]"."""
        there = self.builder.info.splits
        held_out = next((name for name in VALIDATION_NAMES if name in there), None)
        known = {"test": "test"} if "test" in there else {}
        if held_out and not known and "train" in there:
            known["test"], held_out = held_out, None
        if held_out:
            known["validation"] = held_out
        if "train" in there:
            known["train"] = "train" if held_out else "train[:90%]"
            known.setdefault("validation", "train[90%:]")
        if split not in known:
            raise DatasetError(
                f"dataset {self.name!r} has no split {split!r}; it has "
                f"{', '.join(sorted(known)) or 'none'}"
            )
        return known[split]

    def _check_options(self, split, batch_size, labels, flips, only_full):
        count = self.num_examples(split)
        if not count:
            raise DatasetError(f"split {split!r} of dataset {self.name!r} is empty")
        if self.binarize and not self._fits(split):
            raise DatasetError(f"split {split!r} of dataset {self.name!r} is too large to binarize")
        if batch_size < 1 or (only_full and batch_size > count):
            raise DatasetError(
                f"expected a batch size from 1 to {count}, the size of split {split!r}, "
                f"got {batch_size}"
            )
        if labels and not self._inputs.label:
            raise DatasetError(f"dataset {self.name!r} has no class labels")
        if flips and not (self._inputs.is_image and split == "train"):
            raise DatasetError(f"flips are for training images, not for {split!r} of {self.name!r}")

    def _fits(self, split):
        size = self.num_examples(split) * reading.example_bytes(self._inputs)
        return size <= self.memory_limit

    def _order(self, split, shuffle, seed):
        """One pass: the row numbers of a split in memory, else the examples themselves."""
        count = self.num_examples(split)
        if self._fits(split):
            data, buffer = tf.data.Dataset.range(count), count
        else:
            self._require_valid(split)
            data = self._guarded(split, reading.blocks, shuffle, seed).unbatch()
            data = data.apply(tf.data.experimental.assert_cardinality(count))
            buffer = max(1, self.memory_limit // reading.example_bytes(self._inputs))
        return data.shuffle(min(buffer, count), seed=seed) if shuffle else data

    def _fresh(self, split, seed):
        """One pass: points drawn for it."""
        if self._toy is None or split != "train":
            raise DatasetError(
                f"fresh points are drawn for training on toy2d, not for {split!r} of {self.name!r}"
            )
        return fresh_points.passes(self._toy, self.num_examples(split), seed).map(lambda x: (x,))

    def _tensors(self, split, grey=False):
        """The whole split, (x,) or (x, labels), read once; its grey levels where asked for."""
        if self.binarize and not grey:
            if (split, "binary") not in self._memory:
                x, *labels = self._tensors(split, grey=True)
                with tf.device("CPU"):
                    x = tf.constant(binary.once(x.numpy(), self._grey, split))
                self._memory[split, "binary"] = (x, *labels)
            return self._memory[split, "binary"]
        if split not in self._memory:
            arrays = self._read(split)
            with tf.device("CPU"):  # batches are cut on the host while the accelerator computes
                self._memory[split] = tuple(tf.constant(a) for a in arrays)
        return self._memory[split]

    def _read(self, split):
        """The whole split as arrays, [x] or [x, labels]."""
        arrays = self._guarded(split, reading.read)
        self._require_valid(split, arrays)
        return arrays

    def _guarded(self, split, read, *args):
        """Calls a function of `reading` on a split, with damaged files told in one line."""
        try:
            return read(self.builder, self._inputs, self._instruction(split), *args)
        except tf.errors.OpError as error:
            raise DatasetError(
                f"split {split!r} of dataset {self.name!r} cannot be read from "
                f"{self.builder.data_dir}: {one_line(error)}"
            ) from error

    def _require_valid(self, split, arrays=None):
        """Raises if the arrays, by default the whole split read from disk, hold what is no data."""
        if arrays is None and (self._inputs.is_image or split in self._checked):
            return  # Images that do not fit in memory would be decoded once more.
        fault = self._guarded(split, self._fault, arrays)
        if fault:
            raise DatasetError(
                f"split {split!r} of dataset {self.name!r} has {fault}; remove or replace them "
                "before training"
            )
        if arrays is None:
            self._checked.add(split)

    def _fault(self, builder, inputs, instruction, arrays):
        if arrays is not None:
            return checks.fault(inputs, self._grey, [arrays])
        blocks = reading.blocks(builder, inputs, instruction).prefetch(AUTOTUNE)
        return checks.fault(inputs, self._grey, blocks.as_numpy_iterator())
