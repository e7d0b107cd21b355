"""What a flow accepts as data, context and counts; everything else is refused in one line."""

import keras
import numpy as np
from keras import ops

from zoo import backend


def is_integer(x):
    """Whether a tensor holds integers."""
    return "int" in str(keras.backend.standardize_dtype(x.dtype))


def tensor(x, what):
    """`x` as a tensor of the Keras backend.

    Raises:
      ValueError: It is none, or not numeric.
    """
    if isinstance(x, str) or x is None:
        raise ValueError(f"{what} must be a numeric array or tensor, got {x!r}.")
    if not hasattr(x, "dtype"):
        try:
            x = np.asarray(x)
        except ValueError as error:
            raise ValueError(
                f"{what} must be a numeric array or tensor; its rows differ in length."
            ) from error
    kind = np.dtype(x.dtype.as_numpy_dtype if hasattr(x.dtype, "as_numpy_dtype") else x.dtype)
    if kind.kind not in "iuf" and "bfloat16" not in str(kind):
        raise ValueError(f"{what} must hold real numbers or integers, got dtype {kind}.")
    return ops.convert_to_tensor(x)


def shape(x, tail, what):
    """Checks that a tensor is `[batch, *tail]`.

    Raises:
      ValueError: It is not.
    """
    have = tuple(x.shape)
    fits = len(have) == len(tail) + 1 and all(
        h is None or h == w for h, w in zip(have[1:], tail, strict=True)
    )
    if not fits:
        raise ValueError(
            f"{what} must have shape [batch{''.join(f', {n}' for n in tail)}], got {list(have)}."
        )


def values(x, what, levels=None, margin=0.0):
    """Checks a tensor's numbers, where they can be looked at: finite, and within the levels.

    Floats may leave the levels by the margin, where the flow's density reaches beyond them.

    Raises:
      ValueError: They are not.
    """
    if not backend.is_concrete(x) or not hasattr(x, "__array__"):
        return
    x = np.asarray(x)
    if x.size == 0:
        return
    if np.issubdtype(x.dtype, np.integer):
        low, high = int(x.min()), int(x.max())
        if levels is not None and (low < 0 or high >= levels):
            raise ValueError(
                f"{what} must hold grey levels 0..{levels - 1}, got values from {low} to {high}; "
                "was the flow trained on data with another number of levels?"
            )
        return
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(np.sum(x))
    # The sum of large numbers may overflow, and does so seldom.
    bad = 0 if finite else int(np.count_nonzero(~np.isfinite(x.astype(np.float64))))
    if bad:
        raise ValueError(f"{what} must be finite, got {bad} NaN or infinite of {x.size} values.")
    if levels is not None and (x.min() < -margin or x.max() > levels + margin):
        raise ValueError(
            f"{what} must lie in [0, {levels}] (grey levels), got values from {x.min():.6g} to "
            f"{x.max():.6g}: scale the data, or quantize or clip samples that leave the range; "
            "`distribution().log_prob` takes any number."
        )


def count(n, what):
    """`n` as a non-negative integer, or a scalar integer tensor of a traced function.

    Raises:
      ValueError: It is neither.
    """
    if isinstance(n, int | np.integer) and not isinstance(n, bool):
        if n < 0:
            raise ValueError(f"{what} must not be negative, got {n}.")
        return int(n)
    if hasattr(n, "dtype") and len(n.shape) == 0 and is_integer(n):
        return n
    raise ValueError(f"{what} must be an integer, got {n!r}.")


def temperature(value):
    """`value` as a finite, non-negative number.

    Raises:
      ValueError: It is not.
    """
    if hasattr(value, "dtype") and not backend.is_concrete(value):
        return value
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"temperature must be a number, got {value!r}.") from error
    if not (np.isfinite(number) and number >= 0):
        raise ValueError(f"temperature must be finite and not negative, got {value!r}.")
    return number


def labels(context, num_classes):
    """Checks class labels, where they can be looked at.

    Raises:
      ValueError: They are no integers in `0..num_classes-1`.
    """
    if not is_integer(context):
        raise ValueError(
            f"context must hold integer class labels 0..{num_classes - 1}, got dtype "
            f"{keras.backend.standardize_dtype(context.dtype)}."
        )
    if backend.is_concrete(context):
        array = np.asarray(context)
        if array.size and (array.min() < 0 or array.max() >= num_classes):
            raise ValueError(
                f"context must hold class labels 0..{num_classes - 1}, got values from "
                f"{array.min()} to {array.max()}."
            )
