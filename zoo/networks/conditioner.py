"""What conditioners share: checks of their arguments, and seeds."""

import keras


def check_hidden_units(hidden_units):
    """`hidden_units` as a tuple of positive integers.

    Raises:
      ValueError: It is no sequence of positive integers.
    """
    units = tuple(hidden_units) if isinstance(hidden_units, list | tuple) else (hidden_units,)
    if not all(isinstance(u, int) and not isinstance(u, bool) and u > 0 for u in units):
        raise ValueError(
            f"hidden_units must be a tuple of positive integers, one a hidden layer, "
            f"got {hidden_units!r:.80}."
        )
    return units


def check_residual(units):
    """Checks the widths of a residual network: one layer, and two a block that adds its input.

    Args:
      units: Tuple of the widths of the hidden layers.

    Raises:
      ValueError: They are not an odd number of layers of one width.
    """
    if len(units) % 2 == 0 or len(set(units)) != 1:
        raise ValueError(
            "residual wants an odd number of hidden layers of one width (one, and two a "
            f"residual block), got hidden_units={units}."
        )


# They mix units: an autoregressive network would no longer be one.
MIXING = ("glu", "log_softmax", "softmax", "sparsemax")


def get_activation(name):
    """The Keras activation of this name.

    Raises:
      ValueError: Keras does not know it, or it mixes units.
    """
    if name in MIXING:
        raise ValueError(
            f"activation must act on each unit by itself, such as 'relu', 'tanh' or 'elu', got "
            f"{name!r}."
        )
    try:
        return keras.activations.get(name)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"activation must be the name of a Keras activation such as 'relu', 'tanh' or 'elu', "
            f"got {name!r:.80}."
        ) from error


def seed_stream(seed):
    """An endless stream of initializer seeds: reproducible for an integer, `None`s for `None`."""
    while True:
        yield seed
        if seed is not None:
            seed += 1
