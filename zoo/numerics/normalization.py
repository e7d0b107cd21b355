"""Bounded scales, and the affine map that standardizes a batch."""

from keras import ops


def soft_clamp(x, bound):
    """`bound * tanh(x / bound)`: near `x` around zero, never beyond `bound` in magnitude."""
    return bound * ops.tanh(x / bound)


def standardizing(x, min_variance, max_log_scale):
    """Shift and raw log-scale, entry by entry, for which `(x - shift) exp(-log_scale)` is standard.

    Args:
      x: Tensor `[n, *shape]`.
      min_variance: Floor of the variance, in squared units of `x`: entries that hardly change
        would otherwise be blown up.
      max_log_scale: The log-scale is used softly clamped to this magnitude; what is returned is the
        number that the clamp takes to the measured one.

    Returns:
      Two tensors of this shape.
    """
    mean, variance = ops.moments(x, axes=[0])
    log_scale = 0.5 * ops.log(ops.maximum(variance, min_variance))
    share = ops.clip(log_scale / max_log_scale, -0.999, 0.999)
    return mean, max_log_scale * ops.arctanh(share)
