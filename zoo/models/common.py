"""What the families share: reading their arguments, and preparing data and context."""

import math

from zoo.layers.preprocess import to_vector


def vector_context(context_shape, num_classes):
    """The shape `(c,)` of the context as layers see it, or `None`.

    Raises:
      ValueError: `num_classes` is no positive integer.
    """
    if num_classes is not None:
        if not (isinstance(num_classes, int) and num_classes >= 1):
            raise ValueError(f"num_classes must be a positive integer, got {num_classes!r}.")
        return (num_classes,)
    return None if context_shape is None else (math.prod(context_shape),)


def check_count(name, value, least=1):
    """`value`, an integer of at least `least`.

    Raises:
      ValueError: It is not.
    """
    if not (isinstance(value, int) and not isinstance(value, bool) and value >= least):
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}.")
    return value


def check_shape(event_shape):
    """`event_shape` as a tuple of positive integers.

    Raises:
      ValueError: It is not.
    """
    try:
        shape = tuple(event_shape)
    except TypeError:
        shape = None
    if not shape or not all(isinstance(n, int) and n > 0 for n in shape):
        raise ValueError(
            f"event_shape must be a tuple of positive integers such as (64,) or (8, 8, 1), got "
            f"{event_shape!r}."
        )
    return shape


def prepare(event_shape, levels, preprocessing, alpha, dtype):
    """The checked event shape, the layers to a vector, and the vector's shape."""
    event_shape = check_shape(event_shape)
    if levels is not None:
        check_count("levels", levels, 2)
    layers, vector = to_vector(event_shape, levels, preprocessing, alpha, dtype)
    return event_shape, layers, vector
