"""Bounded scales, and the affine map that standardizes a batch."""

import math

from keras import ops


def soft_clamp(x, bound):
    """`bound * tanh(x / bound)`: near `x` around zero, never beyond `bound` in magnitude."""
    return bound * ops.tanh(x / bound)


# Where a soft clamp has come this close to its bound, what `reaching_clamp` adds begins.
_NEAR = 0.999
CONSTANT = 1e-4  # Variance that is taken for that of entries that do not change.


def reaching_clamp(x, bound):
    """`soft_clamp`, and where that is flat, beyond 99.9 % of the bound, on to twice the bound.

    What was measured may lie anywhere in there and be trained from there; numbers within the bound,
    where training leaves them, are those of `soft_clamp`.
    """
    edge = bound * math.atanh(_NEAR)
    within = ops.clip(x, -edge, edge)
    return soft_clamp(within, bound) + soft_clamp(x - within, bound)


def standardizing(x, min_variance, max_log_scale, reaching=False):
    """Shift and raw log-scale, entry by entry, for which `(x - shift) exp(-log_scale)` is standard.

    Args:
      x: Tensor `[n, *shape]`.
      min_variance: Entries of a smaller variance, in squared units of `x`, are taken not to change:
        they would be blown up. Their variance is taken to be 1e-4, or this where it is larger.
      max_log_scale: The log-scale is used softly clamped to this magnitude; what is returned is the
        number that the clamp takes to the measured one.
      reaching: Whether the clamp is `reaching_clamp`.

    Returns:
      Two tensors of this shape.
    """
    # From the first event on: an entry that does not change has then no variance by rounding.
    mean, variance = ops.moments(x - x[:1], axes=[0])
    floor = max(min_variance, CONSTANT)
    log_scale = 0.5 * ops.log(ops.where(variance >= min_variance, variance, floor))
    share = ops.clip(log_scale / max_log_scale, -_NEAR, _NEAR)
    raw = max_log_scale * ops.arctanh(share)
    if reaching:
        rest = (log_scale - share * max_log_scale) / max_log_scale
        raw = raw + max_log_scale * ops.arctanh(ops.clip(rest, -_NEAR, _NEAR))
    return x[0] + mean, raw
