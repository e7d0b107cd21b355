"""Radial maps: expansion or contraction around one point (Rezende and Mohamed, 2015)."""

from keras import ops

from zoo.bijectors.directed import Directed


class Radial(Directed):
    """`f(x) = x + beta (x - c) / (alpha + r)` with `r = |x - c|` (arXiv:1505.05770, eq. 14).

    With `s = 1 + beta / (alpha + r)`, the stretch of the sphere at that radius, and `t = 1 + alpha
    beta / (alpha + r)^2`, that along the radius, the determinant is `s^(d-1) t`. Both are positive
    for `beta > -alpha`.

    `f` keeps the direction of `x - c`, so its inverse is one equation for the radius: `R = r s`.
    It is quadratic, `r^2 + (alpha + beta - R) r - alpha R = 0`, with one positive solution, so this
    map is exact both ways.

    Args:
      parameters_fn: `context -> (center [*batch, d], alpha [*batch], gain [*batch])`, read at each
        use; `gain` is `1 + beta / alpha`, and positive as `alpha` is.
      **kwargs: `fast` of `Directed`; `context`, `variables`, `dtype`, `name` of `OnePassBijector`.
    """

    def __init__(self, parameters_fn, **kwargs):
        self._parameters_fn = parameters_fn
        super().__init__(**kwargs)

    def explicit(self, u):
        center, alpha, gain = self._parameters_fn(self.context)
        offset = u - center
        stretch, log_det = _at(_length(offset), alpha, gain, offset.shape[-1])
        return center + offset * stretch[..., None], log_det

    def solved(self, v):
        center, alpha, gain = self._parameters_fn(self.context)
        offset = v - center
        outside = _length(offset)
        half = 0.5 * (outside - gain * alpha)
        root = ops.sqrt(half * half + alpha * outside)
        # Of the two ways to write the solution, the one that subtracts nothing.
        inside = ops.where(
            half > 0, half + root, alpha * outside / ops.where(half > 0, 1.0, root - half)
        )
        stretch, log_det = _at(inside, alpha, gain, offset.shape[-1])
        return center + offset / stretch[..., None], log_det


def _at(radius, alpha, gain, size):
    """The stretch `s` of the sphere at this radius, and the log-determinant."""
    near = alpha / (alpha + radius)
    # Mixtures of 1 and the gain: nothing cancels however small the gain.
    stretch = (1.0 - near) + near * gain
    along = (1.0 - near**2) + near**2 * gain
    return stretch, (size - 1) * ops.log(stretch) + ops.log(along)


def _length(x):
    """`|x|`, with a gradient of zero where it has none."""
    squares = ops.sum(x * x, axis=-1)
    somewhere = squares > 0
    return ops.where(somewhere, ops.sqrt(ops.where(somewhere, squares, 1.0)), 0.0)
