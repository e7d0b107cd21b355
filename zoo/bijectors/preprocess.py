"""From data in its own units to the numbers a flow works on; all densities stay in data units."""

import math

from keras import ops

from zoo.bijectors.one_pass import OnePassBijector, ReshapingBijector


class Rescale(OnePassBijector):
    """Data `y` has latent `x = (y - shift) / scale`, entry by entry.

    Args:
      shift: Number, in data units.
      scale: Positive number, data units per latent unit.
      event_shape: Shape of one event.
      **kwargs: `dtype` and `name` of `OnePassBijector`.
    """

    increases = True

    def __init__(self, shift, scale, event_shape, **kwargs):
        self._shift, self._scale = float(shift), float(scale)
        self._log_det = -math.prod(event_shape) * math.log(self._scale)
        super().__init__(event_ndims=len(event_shape), **kwargs)
        self._axes = tuple(range(-len(event_shape), 0))

    def forward_and_log_det(self, x):
        y = x * self._scale + self._shift
        return y, ops.zeros_like(ops.sum(y, axis=self._axes)) - self._log_det

    def inverse_and_log_det(self, y):
        x = (y - self._shift) / self._scale
        return x, ops.zeros_like(ops.sum(x, axis=self._axes)) + self._log_det


class Logit(OnePassBijector):
    """Data `y` in `[0, levels]` has latent `x = logit(alpha + (1 - 2 alpha) y / levels)`.

    The logit takes bounded grey values to the whole line (Dinh et al., 2017, section 4.1, with the
    map made symmetric; Papamakarios et al., 2017, appendix D). `1 - s` is computed from `levels -
    y`, not from `s`, so that both ends keep their digits in float32.

    Args:
      levels: Number of grey levels, the upper end of the data's range.
      alpha: Margin kept from 0 and 1, in `(0, 0.5)`.
      event_shape: Shape of one event.
      **kwargs: `dtype` and `name` of `OnePassBijector`.
    """

    increases = True

    def __init__(self, levels, alpha, event_shape, **kwargs):
        self._levels, self._alpha = float(levels), float(alpha)
        self._span = 1.0 - 2.0 * self._alpha
        super().__init__(event_ndims=len(event_shape), **kwargs)
        self._axes = tuple(range(-len(event_shape), 0))

    def _log_slope(self, x):
        # log|dx/dy| at latent x: -log s - log(1 - s) = softplus(x) + softplus(-x).
        slope = ops.softplus(x) + ops.softplus(-x) + math.log(self._span / self._levels)
        return ops.sum(slope, axis=self._axes)

    def forward_and_log_det(self, x):
        # Of the two ends, the nearer one is the reference, for the same reason as above.
        low = (ops.sigmoid(x) - self._alpha) * (self._levels / self._span)
        high = self._levels - (ops.sigmoid(-x) - self._alpha) * (self._levels / self._span)
        return ops.where(x < 0, low, high), -self._log_slope(x)

    def inverse_and_log_det(self, y):
        below = self._alpha + self._span * (y / self._levels)
        above = self._alpha + self._span * ((self._levels - y) / self._levels)
        # A sample at the very end of the range may round to beyond it.
        x = ops.log(ops.maximum(below, 1e-30)) - ops.log(ops.maximum(above, 1e-30))
        return x, self._log_slope(x)


class Reshape(ReshapingBijector):
    """Data of one shape has a latent of another; the log-determinant is zero.

    Args:
      event_shape: Shape of one event on the data side.
      latent_shape: Shape of one event on the latent side.
      **kwargs: `dtype` and `name` of `OnePassBijector`.
    """

    def forward_and_log_det(self, x):
        return self._reshape(x, self._latent_shape, self._data_shape)

    def inverse_and_log_det(self, y):
        return self._reshape(y, self._data_shape, self._latent_shape)

    @staticmethod
    def _reshape(x, given, wanted):
        ndims = len(x.shape) - len(given)
        axes = tuple(range(ndims, len(x.shape)))
        lead = ops.shape(x)[:ndims]
        y = ops.reshape(x, (-1, *wanted) if ndims == 1 else (*lead, *wanted))
        zero = ops.sum(x, axis=axes) if axes else x
        return y, ops.zeros_like(zero)
