"""Batch sizes that are compiled for, and padding up to them."""

from keras import ops


def bucket(n):
    """The batch size that a call with `n` rows is padded to under XLA, which compiles per shape.

    The sizes are 1, 2, 3, 4, 6, 8, 12, 16, 24, ...: few enough that calls with many batch sizes
    compile rarely, and at most half of the work is on padding.
    """
    size = 1 << max(n - 1, 0).bit_length()
    return size * 3 // 4 if size >= 4 and n <= size * 3 // 4 else size


def pad(x, rows):
    """Repeats the first row at the end: padding must be data that the flow can take."""
    if x is None:
        return None
    if x.shape[0] == 0:
        return ops.zeros((rows, *x.shape[1:]), dtype=x.dtype)
    return ops.concatenate([x, ops.repeat(x[:1], rows, axis=0)], axis=0)
