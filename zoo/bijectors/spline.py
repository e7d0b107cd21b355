"""Monotone rational-quadratic splines (Gregory and Delbourgo, 1982)."""

from keras import ops

from zoo.bijectors.one_pass import OnePassBijector


class RationalQuadraticSpline(OnePassBijector):
    """Scalar map through knots `(x_k, y_k)` with slopes `d_k`, the identity outside `[-b, b]`.

    In bin `k`, with `t = (x - x_k) / w_k` and `s = h_k / w_k` (Durkan et al., 2019,
    arXiv:1906.04032, eq. 4-8): `y = y_k + h_k (s t^2 + d_k t (1 - t)) / q` with
    `q = s + (d_k+1 + d_k - 2 s) t (1 - t)`, and
    `dy/dx = s^2 (d_k+1 t^2 + 2 s t (1 - t) + d_k (1 - t)^2) / q^2`. The inverse solves a quadratic
    equation for `t`. The outer slopes are one.

    Beside `tfb.RationalQuadraticSpline` it gives value and log-determinant from one evaluation, and
    it can be compiled under JAX.

    Args:
      widths: Positive tensor `[..., k]`, widths of the bins, `2 b` in all.
      heights: Positive tensor `[..., k]`, heights of the bins, `2 b` in all.
      slopes: Positive tensor `[..., k - 1]`, slopes at the inner knots.
      bound: Number `b`.
    """

    increases = True
    parameter_ndims = {"widths": 1, "heights": 1, "slopes": 1}

    def __init__(self, widths, heights, slopes, bound, name=None):
        self._widths, self._heights, self._slopes = widths, heights, slopes
        self._bound = bound
        super().__init__(event_ndims=0, name=name)

    def _bin(self, value, sizes):
        """What belongs to the bin of each value, whose coordinate has bins of these sizes."""
        bins = sizes.shape[-1]
        inner = ops.cumsum(sizes, axis=-1)[..., :-1] - self._bound
        index = ops.sum(ops.cast(value[..., None] >= inner, "int32"), axis=-1)
        # A sum with a one-hot vector: the gradient of a gather would be a slow scatter.
        pick = ops.one_hot(index, bins, dtype=value.dtype)
        one = ops.ones_like(self._slopes[..., :1])
        slopes = ops.concatenate([one, self._slopes, one], axis=-1)
        before = ops.cast(ops.arange(bins, dtype="int32") < index[..., None], value.dtype)
        return (
            ops.sum(before * self._widths, axis=-1) - self._bound,
            ops.sum(before * self._heights, axis=-1) - self._bound,
            ops.sum(pick * self._widths, axis=-1),
            ops.sum(pick * self._heights, axis=-1),
            ops.sum(pick * slopes[..., :-1], axis=-1),
            ops.sum(pick * slopes[..., 1:], axis=-1),
        )

    @staticmethod
    def _log_slope(t, s, low, high):
        rest = t * (1.0 - t)
        q = s + (high + low - 2.0 * s) * rest
        rise = high * t * t + 2.0 * s * rest + low * (1.0 - t) * (1.0 - t)
        return 2.0 * ops.log(s) + ops.log(rise) - 2.0 * ops.log(q)

    def _outside(self, value, inside, log_det):
        within = ops.abs(value) < self._bound
        return ops.where(within, inside, value), ops.where(within, log_det, 0.0)

    def forward_and_log_det(self, x):
        # Values outside are moved in: what is computed there and thrown away stays finite.
        clipped = ops.clip(x, -self._bound, self._bound)
        x_k, y_k, w, h, low, high = self._bin(clipped, self._widths)
        t, s = (clipped - x_k) / w, h / w
        rest = t * (1.0 - t)
        y = y_k + h * (s * t * t + low * rest) / (s + (high + low - 2.0 * s) * rest)
        return self._outside(x, y, self._log_slope(t, s, low, high))

    def inverse_and_log_det(self, y):
        clipped = ops.clip(y, -self._bound, self._bound)
        x_k, y_k, w, h, low, high = self._bin(clipped, self._heights)
        rise, s = clipped - y_k, h / w
        bend = rise * (high + low - 2.0 * s)
        a, b, c = h * (s - low) + bend, h * low - bend, -s * rise
        t = 2.0 * c / (-b - ops.sqrt(ops.maximum(b * b - 4.0 * a * c, 0.0)))
        return self._outside(y, x_k + t * w, -self._log_slope(t, s, low, high))
