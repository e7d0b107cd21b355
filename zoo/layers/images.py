"""What the layers for images share: checked shapes, and halves of the channels."""

import numpy as np
from keras import ops


def image_shape(event_shape, layer):
    """`(h, w, c)` of events that are images.

    Raises:
      ValueError: They are not.
    """
    shape = tuple(event_shape)
    if len(shape) != 3 or not all(isinstance(n, int | np.integer) and n > 0 for n in shape):
        raise ValueError(
            f"{layer} works on images, event_shape=(height, width, channels), got "
            f"event_shape={shape}."
        )
    return shape


class Halves:
    """Splits channels in two: the first half, the larger if they differ, and the second.

    Args:
      channels: Number of channels, at least 2.
      first: Whether the first half is the one that `split` returns first.
    """

    def __init__(self, channels, first=True):
        self._size = (channels + 1) // 2
        self._first = first
        sizes = (self._size, channels - self._size)
        self.sizes = sizes if first else sizes[::-1]

    def split(self, x):
        """`[..., c]` to two tensors, with as many channels as `sizes` says."""
        # Halves of one size need no sizes worked out, which is a dozen operations of a graph.
        equal = self.sizes[0] == self.sizes[1]
        parts = ops.split(x, 2 if equal else (self._size,), axis=-1)
        return parts if self._first else parts[::-1]

    def join(self, one, two):
        """The inverse of `split`."""
        return ops.concatenate((one, two) if self._first else (two, one), axis=-1)
