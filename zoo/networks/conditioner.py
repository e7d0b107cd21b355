"""Calling a network on events with any leading shape, beside a context with any leading shape."""

import keras
from keras import ops

from zoo.backend import ps


def broadcast_lead(x, x_ndims, context, context_ndims):
    """Broadcasts `x` and `context` to one leading shape.

    Args:
      x: Tensor `[*lead_x, *event]`.
      x_ndims: Rank of an event.
      context: Tensor `[*lead_c, *context_event]`.
      context_ndims: Rank of one context.

    Returns:
      `x` and `context` with the same leading shape.
    """
    x_lead, context_lead = x.shape[: len(x.shape) - x_ndims], context.shape
    context_lead = context_lead[: len(context_lead) - context_ndims]
    if len(x_lead) == len(context_lead) == 1 and (
        x_lead[0] == context_lead[0] is not None or x_lead[0] is context_lead[0] is None
    ):
        return x, context
    lead = ps.broadcast_shape(
        ps.shape(x)[: ps.rank(x) - x_ndims], ps.shape(context)[: ps.rank(context) - context_ndims]
    )
    x = ops.broadcast_to(x, ps.concat([lead, ps.shape(x)[ps.rank(x) - x_ndims :]], 0))
    tail = ps.shape(context)[ps.rank(context) - context_ndims :]
    return x, ops.broadcast_to(context, ps.concat([lead, tail], 0))


def flatten_lead(x, event_shape):
    """`[*lead, *event_shape]` to `[n, *event_shape]`."""
    if len(x.shape) == len(event_shape) + 1:
        return x
    return ops.reshape(x, (-1, *event_shape))


def unflatten_lead(y, like, event_ndims):
    """`[n, *tail]` to `[*lead, *tail]`, with the leading shape that `like` has before its event."""
    if len(like.shape) == event_ndims + 1:
        return y
    lead = ps.shape(like)[: ps.rank(like) - event_ndims]
    return ops.reshape(y, ps.concat([lead, ps.shape(y)[1:]], 0))


def condition(network, context, event_shape, context_shape, dtype):
    """A function from events with any leading shape to what `network` makes of them.

    Keras layers want exactly one batch dimension, TFP's users bring none or several: the leading
    dimensions of event and context are broadcast against each other, flattened around the network,
    and put back.

    Args:
      network: Keras layer `(x [n, *event_shape], context [n, *context_shape] or None) -> [n, ...]`.
      context: Tensor `[*lead, *context_shape]`, or `None`.
      event_shape: Shape of what the network takes.
      context_shape: Shape of one context, or `None`.
      dtype: Type of the result, whatever type the network computes in.
    """
    event_ndims = len(event_shape)

    def parameters(x):
        given = context
        if given is not None:
            x, given = broadcast_lead(x, event_ndims, given, len(context_shape))
            given = flatten_lead(given, context_shape)
        out = network(flatten_lead(x, event_shape), given)
        return unflatten_lead(ops.cast(out, dtype), x, event_ndims)

    return parameters


def check_hidden_units(hidden_units):
    """`hidden_units` as a tuple of positive integers.

    Raises:
      ValueError: It is no sequence of positive integers.
    """
    units = tuple(hidden_units) if isinstance(hidden_units, list | tuple) else (hidden_units,)
    if not all(isinstance(u, int) and u > 0 for u in units):
        raise ValueError(
            f"hidden_units must be a tuple of positive integers, one a hidden layer, "
            f"got {hidden_units!r}."
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
            f"got {name!r}."
        ) from error


def seed_stream(seed):
    """An endless stream of initializer seeds: reproducible for an integer, `None`s for `None`."""
    while True:
        yield seed
        if seed is not None:
            seed += 1
