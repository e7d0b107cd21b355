"""Images of two levels drawn from grey ones (Salakhutdinov and Murray, 2008, section 5).

A pixel of grey level g out of 0 to L is 1 with probability g / L.
"""

import numpy as np
import tensorflow as tf

from trainers.datasets.errors import DatasetError

# Of what is drawn once, one a split, so that figures of it can be compared.
SEEDS = {"train": 0, "validation": 1, "test": 2}


def check(binarize, inputs, name):
    """Returns what is asked for: None, "static" or "dynamic".

    Raises:
        DatasetError: It is something else, or the data are no images.
    """
    if binarize not in (None, "static", "dynamic"):
        raise DatasetError(f"binarize must be static or dynamic, got {binarize!r}")
    if binarize and not inputs.is_image:
        raise DatasetError(f"binarize is for images, which {name!r} has none of")
    return binarize


def once(x, levels, split):
    """Draws a whole split, the same at every call.

    Args:
        x: Grey levels [n, height, width, channels], 0 to `levels` - 1.
        levels: Number of grey levels.
        split: "train", "validation" or "test".

    Returns:
        uint8 of the same shape, 0 or 1.
    """
    # A `RandomState`, whose stream NumPy promises never to change; by rows, for the memory.
    rng = np.random.RandomState(SEEDS[split])
    return np.stack([rng.randint(0, levels - 1, row.shape) < row for row in x]).astype(np.uint8)


def anew(data, levels, seed):
    """Draws the batches (x, ...) of a dataset, others at each pass; the same from the same seed."""
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True).batch(2)

    def draw(batch, batch_seed):
        x, *label = batch
        u = tf.random.stateless_uniform(tf.shape(x), batch_seed, 0, levels - 1, tf.int32)
        return (tf.cast(u < tf.cast(x, tf.int32), tf.uint8), *label)

    return tf.data.Dataset.zip(data, seeds).map(draw, tf.data.AUTOTUNE)
