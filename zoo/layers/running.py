"""Data through a list of layers to the latent."""

import itertools

from zoo import bijectors

RECOMPUTE = (None, *bijectors.recompute.MODES)


def to_latent(layers, x, context=None, recompute=None):
    """Takes data through layers.

    Args:
      layers: `FlowLayer`s from the data to the latent.
      x: Tensor `[*lead, *event_shape]`.
      context: Tensor `[*lead, c]` that the layers see, or `None`.
      recompute: How activations are come by for the gradient; see `zoo.bijectors.Recomputed`.
        Layers that are made of layers look after themselves.

    Returns:
      The latent, and the log-determinant `[*lead]`, nats.
    """
    total = 0.0
    for plain, run in itertools.groupby(layers, lambda layer: not hasattr(layer, "recompute")):
        run = list(run)
        if plain and recompute is not None:
            shapes = run[0].event_shape, run[-1].latent_shape
            chain = bijectors.Recomputed(run, recompute, *shapes, context=context)
            x, log_det = chain.inverse_and_log_det(x)
            total = total + log_det
            continue
        for layer in run:
            x, log_det = layer(x, context)
            total = total + log_det
    return x, total


def set_recompute(layers, recompute):
    """Tells the layers that are made of layers how to come by their activations.

    Raises:
      ValueError: There is no such way.
    """
    if recompute not in RECOMPUTE:
        raise ValueError(f"recompute must be one of {RECOMPUTE}, got {recompute!r}.")
    for layer in layers:
        if hasattr(layer, "recompute"):
            layer.recompute = recompute
