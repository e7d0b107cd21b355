"""Triangular matrices from square arrays of entries."""

import numpy as np
from keras import ops


def lower_and_upper(entries, diagonal):
    """The two factors of an LU decomposition.

    Products with constant masks: a graph holds two operations for each, where `ops.tril` builds
    its mask from the matrix's shape, out of dozens.

    Args:
      entries: `[*lead, d, d]`; those below the diagonal go to the first factor, those above it to
        the second.
      diagonal: `[*lead, d]`, the diagonal of the second factor.

    Returns:
      A lower triangular matrix `[*lead, d, d]` with ones on its diagonal, and an upper triangular
      one.
    """
    size = diagonal.shape[-1]
    # As booleans they are small in a SavedModel, too.
    one, below = np.eye(size, dtype=bool), np.tri(size, k=-1, dtype=bool)
    one, below, above = (ops.cast(m, diagonal.dtype) for m in (one, below, below.T))
    return entries * below + one, entries * above + ops.expand_dims(diagonal, -2) * one
