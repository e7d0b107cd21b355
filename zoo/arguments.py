"""Numbers as arguments: Python's and NumPy's, finite, in their range; others are refused."""

import math
import numbers


def is_number(value):
    """Whether `value` is one finite real number, and no boolean."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # An integer beyond all floats.
        return False


def positive(name, value):
    """`value`, a positive number, as a float.

    Raises:
      ValueError: It is not.
    """
    if not (is_number(value) and value > 0):
        raise ValueError(f"{name} must be a positive number, got {value!r}.")
    return float(value)


def count(name, value, least=1):
    """`value`, an integer of at least `least`.

    Raises:
      ValueError: It is not.
    """
    if not (is_number(value) and value >= least and value == int(value)):
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}.")
    return int(value)


def share(name, value):
    """`value`, a number between 0 and 1, as a float.

    Raises:
      ValueError: It is not.
    """
    if not (is_number(value) and 0 < value < 1):
        raise ValueError(f"{name} must lie between 0 and 1, got {value!r}.")
    return float(value)
