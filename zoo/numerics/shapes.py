"""Any leading shape around what wants exactly one batch dimension, as Keras layers do."""

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


def by_rows(function, x, event_shape, context=None, context_shape=()):
    """`function(x, context)` at any leading shapes, which are broadcast against each other.

    Args:
      function: `(x [n, *event_shape], context [n, *context_shape] or None)` to nested tensors, `[n,
        ...]` each.
      x: Tensor `[*lead, *event_shape]`.
      event_shape: Shape of one event.
      context: Tensor `[*lead, *context_shape]`, or `None`.
      context_shape: Shape of one context.

    Returns:
      What `function` returns, each `[*lead, ...]`.
    """
    ndims = len(event_shape)
    if context is not None:
        x, context = broadcast_lead(x, ndims, context, len(context_shape))
        context = flatten_lead(context, context_shape)
    found = function(flatten_lead(x, event_shape), context)
    return keras.tree.map_structure(lambda y: unflatten_lead(y, x, ndims), found)


def condition(network, event_shape, context_shape, dtype):
    """A function from events and contexts with any leading shapes to what `network` makes of them.

    Keras layers want exactly one batch dimension, TFP's users bring none or several.

    Args:
      network: Keras layer `(x [n, *event_shape], context [n, *context_shape] or None) -> [n, ...]`.
      event_shape: Shape of what the network takes.
      context_shape: Shape of one context, or `None`.
      dtype: Type of the result, whatever type the network computes in.
    """

    def parameters(x, context=None):
        def run(x, context):
            return ops.cast(network(x, context), dtype)

        return by_rows(run, x, event_shape, context, context_shape or ())

    return parameters
