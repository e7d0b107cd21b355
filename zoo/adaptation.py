"""Initialisation of a flow from data, layer by layer; a method of a flow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from keras import ops

from zoo import backend, computations
from zoo.typing import ArrayLike

if TYPE_CHECKING:
    from zoo.flow import Flow


def adapt(flow: Flow, x: ArrayLike, context: ArrayLike | None = None) -> None:
    """Initialises every layer from one batch of data, in order (for `ActNorm`).

    Args:
      x: `[batch, *event_shape]`; a few hundred events do.
      context: `[batch, *context_shape]`, or class labels; a class-conditional flow is adapted to
        labels drawn at random where none are given.

    Raises:
      ValueError: There are fewer than two events, or what a layer makes of them is not finite; the
        weights are then as they were.
    """
    x, seed = flow.event.check(x), backend.make_seed(0)
    if x.shape[0] < 2:
        raise ValueError(f"adapt measures how events spread: give two or more, got {len(x)}.")
    before = flow.get_weights()
    try:
        _adapt(flow, x, context, seed)
    except ValueError:
        flow.set_weights(before)
        raise


def _adapt(flow, x, context, seed):
    if flow.num_classes and context is None:
        context = computations.draw_labels(flow, ops.shape(x)[0], seed)
    context = flow.context.check(context, batch=ops.shape(x)[0])
    noise = computations.draw_noise(flow, x, seed)
    if flow.dequantizer is not None and noise is not None:
        flow.dequantizer.adapt(noise, x)
    x = computations.to_floats(flow, x, noise)[0]
    z = flow.stack.adapt(x, flow.context.embed(context, flow.variable_dtype))
    flow.update_spectral_norms()
    if not np.isfinite(ops.convert_to_numpy(z)).all():
        raise ValueError(
            "adapt needs events that the layers make finite latents of: some in x are NaN, too "
            "large, or out of the range that the preprocessing takes."
        )
    if len(flow.stacks) > 1:
        flow.base.adapt(z, context if flow.base.conditional else None)
