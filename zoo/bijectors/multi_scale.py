"""Several scales as one bijection between an image and a flat latent vector."""

import math

from keras import ops

from zoo.bijectors.chain import Chain
from zoo.bijectors.one_pass import forward_and_log_det, inverse_and_log_det, sum_of


class MultiScale(Chain):
    """Data goes through one scale after the other; part of it leaves for the latent after each.

    From data to latent (Dinh et al., 2017, section 3.6, eq. 14-16): `x_1 = y`, `(x_{i+1}, z_i) =
    split(f_i(x_i))`, `z_L = f_L(x_L)`, and the latent is all of `(z_1, ..., z_L)`, flattened. The
    log-determinants of the scales add up.

    Args:
      bijectors: The scales `f_i`, first the one at the data.
      partitions: One a scale but the last, each with `split(x) -> (staying, leaving)` and
        `join(staying, leaving) -> x`.
      shapes: One a scale: the shape of what leaves there; all that comes out of the last.
      event_shape: Shape of one event on the data side.
      **kwargs: `context`, `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, bijectors, partitions, shapes, event_shape, **kwargs):
        self._partitions = list(partitions)
        self._shapes = [tuple(shape) for shape in shapes]
        super().__init__(bijectors, event_shape, (math.prod(event_shape),), **kwargs)

    def _ranks(self, ndims):
        return [ndims + 2] * len(self._bijectors)

    def inverse_and_log_det(self, y):
        self._check(y, self._data_shape, "data")
        parts, log_dets = [], []
        for scale, partition in zip(self._bijectors, [*self._partitions, None], strict=True):
            y, log_det = inverse_and_log_det(scale, y, 3)
            log_dets.append(log_det)
            if partition is not None:
                y, leaving = partition.split(y)
                parts.append(leaving)
        flat = [
            _reshape(_with_lead_of(y, x), 3, (math.prod(shape),))
            for x, shape in zip([*parts, y], self._shapes, strict=True)
        ]
        return ops.concatenate(flat, axis=-1), sum_of(log_dets)

    def forward_and_log_det(self, x):
        self._check(x, self._latent_shape, "a latent")
        parts, start = [], 0
        for shape in self._shapes:
            size = math.prod(shape)
            parts.append(_reshape(x[..., start : start + size], 1, shape))
            start += size
        y, log_dets = parts.pop(), []
        for scale, partition in zip(
            reversed(self._bijectors), [None, *reversed(self._partitions)], strict=True
        ):
            if partition is not None:
                y = partition.join(y, _with_lead_of(y, parts.pop()))
            y, log_det = forward_and_log_det(scale, y, 3)
            log_dets.append(log_det)
        return y, sum_of(log_dets)

    def forward_value(self, x):
        return self.forward_and_log_det(x)[0]

    def inverse_value(self, y):
        return self.inverse_and_log_det(y)[0]


def _reshape(x, event_ndims, event_shape):
    lead = ops.shape(x)[: len(x.shape) - event_ndims]
    return ops.reshape(x, (*lead, *event_shape))


def _with_lead_of(like, x):
    """Image `x` with the leading shape of `like`, which a batch of contexts may have given."""
    if x.shape[:-3] == like.shape[:-3]:
        return x
    return ops.broadcast_to(x, (*ops.shape(like)[:-3], *x.shape[-3:]))
