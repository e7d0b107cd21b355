"""Images of other data sets in the form of a flow's own, to see what it makes of them."""

import os

import numpy as np

CHOICES = ("digits", "natural_patches/32x32")


def default_names(data):
    """The data sets that need no download, without the flow's own."""
    return [name for name in CHOICES if name.partition("/")[0] != data.name.partition("/")[0]]


def load(name, flow, data_dir=None, limit=1000):
    """Reads test images of another data set, as events of the flow.

    Args:
        name: A data set of images, as `trainers.datasets.load` knows it.
        flow: A flow of images with levels.
        data_dir: Folder of prepared data sets; where it does not hold the data set and cannot be
            written to, or is the folder of one other data set, TFDS's own is taken.
        limit: Most images.

    Returns:
        Integers [n, *flow.event_shape], grey levels of the flow.

    Raises:
        ValueError: The data set is not there, or not one of images.
    """
    from trainers import datasets

    there = data_dir and os.path.isdir(os.path.join(data_dir, name.partition("/")[0]))
    alone = data_dir and os.path.isfile(os.path.join(data_dir, "dataset_info.json"))
    if data_dir and not there and (alone or not os.access(data_dir, os.W_OK)):
        data_dir = None
    data = datasets.load(name, data_dir=data_dir)
    if data.levels is None:
        raise ValueError(f"--outside must name data sets of images, got {name}")
    return as_events(data.numpy("test", limit=limit), data.levels, flow.event_shape, flow.levels)


def as_events(images, levels, event_shape, new_levels):
    """Brings images to another size, number of channels and of grey levels.

    They are cut or framed in black around their middle; colours become grey by their mean, grey is
    repeated for colours; the darkest level stays the darkest and the brightest the brightest.

    Args:
        images: Integers [n, height, width, channels], 0 to `levels` - 1.
        levels: Their number of grey levels.
        event_shape: (height, width, channels) wanted.
        new_levels: Number of grey levels wanted.

    Returns:
        Integers [n, *event_shape], 0 to `new_levels` - 1.
    """
    height, width, channels = event_shape
    x = np.asarray(images, np.float64) * ((new_levels - 1) / (levels - 1))
    if x.shape[-1] != channels:
        x = np.repeat(x.mean(axis=-1, keepdims=True), channels, axis=-1)
    x = np.round(x).astype(np.uint8 if new_levels <= 256 else np.int32)
    return _fit(_fit(x, 1, height), 2, width)


def _fit(x, axis, size):
    """Cuts or frames an axis around its middle."""
    extra = size - x.shape[axis]
    if extra <= 0:
        start = -extra // 2
        return np.take(x, np.arange(start, start + size), axis=axis)
    frame = [(0, 0)] * x.ndim
    frame[axis] = (extra // 2, extra - extra // 2)
    return np.pad(x, frame)
