"""What the families share: reading their arguments, and preparing data and context."""

import math

import numpy as np

from zoo.layers.images import image_shape
from zoo.layers.preprocess import to_unit_range, to_vector


def vector_context(context_shape, num_classes):
    """The shape `(c,)` of the context as layers see it, or `None`.

    Raises:
      ValueError: `num_classes` is no positive integer, or `context_shape` is no tuple of them.
    """
    if num_classes is not None:
        whole = isinstance(num_classes, int | np.integer) and not isinstance(num_classes, bool)
        if not (whole and num_classes >= 1):
            raise ValueError(f"num_classes must be a positive integer, got {num_classes!r}.")
        return (int(num_classes),)
    if context_shape is None:
        return None
    return (math.prod(check_shape(context_shape, "context_shape")),)


def layer_order(order, layer, size, seed):
    """The order of the dimensions in the autoregressive layer with this number.

    `"sequential"` is reversed from layer to layer, `"random"` drawn anew for each from the seed, or
    from 0 where there is none: a flow rebuilt from its configuration must have the same orders.
    """
    if order == "random":
        return np.random.default_rng(1000 * (seed or 0) + layer).permutation(size)
    return "reversed" if order == "sequential" and layer % 2 else order


def check_count(name, value, least=1):
    """`value`, an integer of at least `least`.

    Raises:
      ValueError: It is not.
    """
    if not (isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= least):
        raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}.")
    return int(value)


def check_shape(shape_given, name="event_shape"):
    """`shape_given` as a tuple of positive integers.

    Raises:
      ValueError: It is not; the message calls it `name`.
    """
    try:
        shape = tuple(shape_given)
    except TypeError:
        shape = None
    if not shape or not all(isinstance(n, int) and n > 0 for n in shape):
        raise ValueError(
            f"{name} must be a tuple of positive integers such as (64,) or (8, 8, 1), got "
            f"{shape_given!r}."
        )
    return shape


def check_image(event_shape, halvings, family):
    """`event_shape` as `(height, width, channels)` that can be squeezed `halvings` times.

    Raises:
      ValueError: The events are no images, or of another size.
    """
    height, width, channels = image_shape(check_shape(event_shape), family)
    if height % 2**halvings or width % 2**halvings:
        raise ValueError(
            f"{family} halves the image {halvings} times here: height and width must be divisible "
            f"by {2**halvings}, got event_shape={tuple(event_shape)}; use fewer scales, or pad or "
            "crop the images."
        )
    return height, width, channels


def choose(given, defaults, others, why):
    """The arguments of one form of a family, with its defaults where they are not given.

    Args:
      given: Dictionary of arguments of this form, `None` where they are not given.
      defaults: The form's defaults.
      others: Dictionary of arguments of the other form.
      why: What to say of one of those that is given.

    Raises:
      ValueError: One of the others is given.
    """
    for name, value in others.items():
        if value is not None:
            raise ValueError(f"{name} {why}; got {name}={value!r}.")
    return defaults | {name: value for name, value in given.items() if value is not None}


def prepare_image(event_shape, levels, preprocessing, alpha, dtype, default):
    """The layers that take images to roughly unit range."""
    if levels is not None:
        check_count("levels", levels, 2)
    return to_unit_range(event_shape, levels, preprocessing, alpha, dtype, default)


def prepare(event_shape, levels, preprocessing, alpha, dtype):
    """The checked event shape, the layers to a vector, and the vector's shape."""
    event_shape = check_shape(event_shape)
    if levels is not None:
        check_count("levels", levels, 2)
    layers, vector = to_vector(event_shape, levels, preprocessing, alpha, dtype)
    return event_shape, layers, vector
