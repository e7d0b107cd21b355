"""What the numbers of events and contexts may be, looked at where they lie on the host."""

import keras
import numpy as np

from zoo import backend


def as_array(x):
    """`x`, as an array where it is a table or a column of pandas."""
    if not hasattr(x, "to_numpy"):
        return x
    found = x.to_numpy()
    # Columns that may lack values come as objects, numbers though they hold.
    return np.asarray(found.tolist()) if found.dtype == object else found


def bounds(what, integers, levels=None, margin=0.0):
    """What numbers must be, in words, and the least and the largest; `None`s for finite ones.

    Floats may leave the levels by the margin, where the flow's density reaches beyond them.
    `None` in place of all for integers without levels.
    """
    if levels is None:
        return None if integers else (f"{what} must be finite", None, None)
    if integers:
        return f"{what} must hold grey levels 0..{levels - 1}", 0, levels - 1
    return f"{what} must lie in [0, {levels}] (grey levels)", -margin, levels + margin


def check(x, what, levels=None, margin=0.0):
    """Checks numbers that lie on the host already, against `bounds`.

    Raises:
      ValueError: They are out of bounds.
    """
    if not backend.is_on_host(x):
        return
    x = np.asarray(x)
    integers = np.issubdtype(x.dtype, np.integer)
    if x.size == 0 or (integers and levels is None):
        return
    with np.errstate(over="ignore", invalid="ignore"):
        finite = integers or np.isfinite(np.sum(x))
    # The sum of large numbers may overflow, and does so seldom.
    bad = None if finite else ~np.isfinite(x.astype(np.float64))
    if not finite and bad.any():
        raise ValueError(
            f"{what} must be finite, got {np.count_nonzero(bad)} NaN or infinite of {x.size} "
            f"values, the first in {_first(bad)}."
        )
    words, low, high = bounds(what, integers, levels, margin)
    if levels is not None and (x.min() < low or x.max() > high):
        hint = (
            "was the flow trained on data with another number of levels?"
            if integers
            else "scale the data, or turn samples that leave the range into levels or clip them; "
            "`distribution().log_prob` takes any number."
        )
        raise ValueError(
            f"{words}, got values from {x.min():.6g} to {x.max():.6g}, the first out of range in "
            f"{_first((x < low) | (x > high))}: {hint}"
        )


def inner(low, high, x):
    """The least and the largest floats of the type of `x` between two bounds, both apart."""
    of_x = keras.backend.standardize_dtype(x.dtype)
    of_x = "float64" if of_x == "float64" else "float32"
    # A flow of float32 rounds float64, onto a bound too.
    dtype = "float64" if of_x == np.asarray(low).dtype == "float64" else "float32"
    low, high = (np.asarray(end, dtype) for end in (low, high))
    # Numbers smaller than the smallest normal one are zero to compiled code.
    tiny = np.finfo(dtype).tiny
    low = np.where(np.abs(low) < tiny, tiny, np.nextafter(low, np.inf, dtype=dtype))
    high = np.where(np.abs(high) < tiny, -tiny, np.nextafter(high, -np.inf, dtype=dtype))
    return low.astype(of_x), high.astype(of_x)


def check_limits(x, what, low, high):
    """Checks events `[..., d]` that lie on the host already against the bounds of their columns.

    Raises:
      ValueError: One is not between them, or is one of them: densities there are 0, or no number.
    """
    if not backend.is_on_host(x):
        return
    x = np.asarray(x)
    least, most = inner(low, high, x)
    bad = (x < least) | (x > most)
    if bad.any():
        x, bad = (values.reshape(-1, values.shape[-1]) for values in (x, bad))
        row, feature = (int(i) for i in np.unravel_index(np.argmax(bad), bad.shape))
        raise ValueError(
            f"{what} must lie between the bounds of its columns, got {x[row, feature]:.6g} in "
            f"{_first(bad)}, for ({low[feature]:g}, {high[feature]:g})."
        )


def _first(bad):
    """Row, and feature, of the first true entry of `bad [batch, ...]`."""
    row, *feature = map(int, np.unravel_index(np.argmax(bad), np.shape(bad) or (1,)))
    return f"row {row}" + (f", feature {', '.join(map(str, feature))}" if feature else "")


def check_labels(context, num_classes):
    """Checks class labels, their values where these lie on the host already.

    Raises:
      ValueError: They are no integers in `0..num_classes-1`.
    """
    if "int" not in str(keras.backend.standardize_dtype(context.dtype)):
        raise ValueError(
            f"context must hold integer class labels 0..{num_classes - 1}, got dtype "
            f"{keras.backend.standardize_dtype(context.dtype)}."
        )
    if backend.is_on_host(context):
        array = np.asarray(context)
        bad = (array < 0) | (array >= num_classes)
        if bad.any():
            raise ValueError(
                f"context must hold class labels 0..{num_classes - 1}, got values from "
                f"{array.min()} to {array.max()}, the first out of range in {_first(bad)}."
            )
