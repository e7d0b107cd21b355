"""What is made of encoding and decoding: paths, directions, and reports on iterated inverses.

Functions of a flow, and its methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from keras import ops

from zoo import computations, numerics, specs
from zoo.config import choice, count, shown
from zoo.typing import ArrayLike, Tensor

if TYPE_CHECKING:
    from zoo.flow import Flow


def interpolate(
    flow: Flow, a: ArrayLike, b: ArrayLike, steps: int = 8, context: ArrayLike | None = None
) -> Tensor:
    """Events on the straight line in the latent between `a` and `b`, ends included.

    Args:
      a, b: One event each, `[*event_shape]`, or batches `[batch, *event_shape]`.
      steps: Number of events on the way, at least 2.
      context: As in `encode`, the same for both ends.

    Returns:
      `[steps, *event_shape]`, or `[steps, batch, *event_shape]`.

    Raises:
      ValueError: An argument is not as described.
    """
    steps = count("steps", steps, least=2)
    a, b = specs.tensor(a, "a"), specs.tensor(b, "b")
    if tuple(a.shape) != tuple(b.shape):
        raise ValueError(f"a and b must have one shape, got {list(a.shape)} and {list(b.shape)}.")
    single = len(a.shape) == len(flow.event_shape)
    if single:
        a, b = ops.expand_dims(a, 0), ops.expand_dims(b, 0)
    start, end = (flow.encode(x, context) for x in (a, b))
    at = [float(t) for t in np.linspace(0.0, 1.0, steps)]
    path = [flow.decode(start * (1 - t) + end * t, context) for t in at]
    return ops.stack([x[0] for x in path] if single else path)


def attribute_direction(
    flow: Flow,
    positive: ArrayLike,
    negative: ArrayLike,
    contexts: tuple[ArrayLike | None, ArrayLike | None] = (None, None),
    batch_size: int = 256,
) -> Tensor:
    """The latent of an attribute: the mean where it is there minus the mean where it is not.

    (Kingma and Dhariwal, 2018, section 6, semantic manipulation.)

    Args:
      positive: Events that have the attribute, `[n, *event_shape]`.
      negative: Events that do not, `[m, *event_shape]`.
      contexts: Contexts of the two, each as in `encode`.
      batch_size: How many events are encoded at a time.

    Returns:
      Tensor `[*latent_shape]`, for `manipulate`.

    Raises:
      ValueError: An argument is not as described, or there is no event on one side.
    """
    batch_size, means = count("batch_size", batch_size), []
    for x, context, what in zip(
        (positive, negative), contexts, ("positive", "negative"), strict=True
    ):
        x = flow.event.check(x, bounded=False)
        n = x.shape[0]
        if n == 0:
            raise ValueError(f"{what} must hold at least one event, got none.")
        context, total = flow.context.check(context, n), 0.0
        for i in range(0, n, batch_size):
            given = None if context is None else context[i : i + batch_size]
            total += ops.sum(flow.encode(x[i : i + batch_size], given), axis=0)
        means.append(total / n)
    return means[0] - means[1]


def manipulate(
    flow: Flow,
    x: ArrayLike,
    direction: ArrayLike,
    strengths: Sequence[float] = (-1.0, -0.5, 0.0, 0.5, 1.0),
    context: ArrayLike | None = None,
) -> Tensor:
    """Events moved along a direction in the latent: `decode(encode(x) + strength * direction)`.

    Args:
      x: One event `[*event_shape]`, or a batch `[batch, *event_shape]`.
      direction: `[*latent_shape]`, such as `attribute_direction` gives.
      strengths: Numbers; 0 gives `x` back.
      context: As in `encode`.

    Returns:
      `[len(strengths), *event_shape]`, or `[len(strengths), batch, *event_shape]`.

    Raises:
      ValueError: An argument is not as described.
    """
    x, direction = specs.tensor(x, "x"), specs.tensor(direction, "direction")
    if tuple(direction.shape) != tuple(flow.latent_shape):
        raise ValueError(
            f"direction must have the latent's shape {tuple(flow.latent_shape)}, got "
            f"{tuple(direction.shape)}."
        )
    try:
        found = np.asarray(strengths, "float64")
    except (TypeError, ValueError):
        found = np.asarray(np.nan)
    if np.ndim(found) != 1 or not np.isfinite(found).all():
        raise ValueError(f"strengths must be a list of finite numbers, got {shown(strengths)}.")
    single = len(x.shape) == len(flow.event_shape)
    z = flow.encode(ops.expand_dims(x, 0) if single else x, context)
    direction = ops.cast(direction, z.dtype)
    moved = [flow.decode(z + float(s) * direction, context) for s in found]
    return ops.stack([y[0] for y in moved] if single else moved)


def inverse_report(
    flow: Flow, rows: ArrayLike, context: ArrayLike | None = None, direction: str = "decode"
) -> list[tuple[str, numerics.Report]]:
    """How the iterations of the layers went, one by one; takes no compiled function.

    Args:
      rows: Latents `[batch, *latent_shape]`, or data where the direction is `"encode"`.
      context: As in `decode`.
      direction: `"decode"` or `"encode"`.

    Returns:
      List of `(name of the layer, Report)` (`zoo.numerics`), in the order of evaluation; empty
      where no layer iterates in this direction.

    Raises:
      ValueError: An argument is not as described.
    """
    decodes = choice("direction", direction, ("decode", "encode")) == "decode"
    rows = specs.tensor(rows, "rows")
    specs.check_shape(rows, flow.latent_shape if decodes else flow.event_shape, "rows")
    context = flow.context.check(context, ops.shape(rows)[0])
    with numerics.recording() as found:
        (computations.decode if decodes else computations.encode)(flow, rows, context)
    return found
