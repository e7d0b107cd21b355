"""Affine maps of the channels, the same at every position of an image."""

from keras import ops

from zoo.backend import add_bias
from zoo.bijectors.one_pass import OnePassBijector


class ChannelAffine(OnePassBijector):
    """Data `y` has latent `x = y A + b` at every position, `y` and `x` as rows of channels.

    The log-determinant is that of `A` times the number of positions (Kingma and Dhariwal, 2018,
    table 1). One product over memory, whatever was composed into `A` and `b`.

    Args:
      encode_fn: `() -> (A [c, c], b [c] or None, log|det A|)`, data to latent, read at each use;
        of any type, as they are cast to the data's.
      decode_fn: The same for the inverse map, latent to data.
      positions: Number of positions of one event.
      event_ndims: Rank of an event, whose last axis has the channels.
      **kwargs: `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, encode_fn, decode_fn, positions, event_ndims=3, **kwargs):
        self._encode_fn, self._decode_fn = encode_fn, decode_fn
        self._positions = float(positions)
        self._event_ndims = event_ndims
        super().__init__(event_ndims=event_ndims, **kwargs)

    def forward_and_log_det(self, x):
        return self._apply(x, *self._decode_fn())

    def inverse_and_log_det(self, y):
        return self._apply(y, *self._encode_fn())

    def _apply(self, x, matrix, bias, log_det):
        shape = ops.shape(x)
        # A product of two matrices; one of an image and a matrix is batched, and slower.
        y = ops.matmul(ops.reshape(x, (-1, shape[-1])), ops.cast(matrix, x.dtype))
        if bias is not None:
            y = add_bias(y, ops.cast(bias, x.dtype))
        log_det, lead = self._positions * ops.cast(log_det, x.dtype), shape[: -self._event_ndims]
        return ops.reshape(y, shape), ops.broadcast_to(log_det, lead) if lead else log_det
