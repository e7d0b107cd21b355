"""Coupling by a mask that scatters over the event, such as a checkerboard."""

import numpy as np
from keras import ops

from zoo.bijectors.one_pass import TransformingBijector


class MaskedCoupling(TransformingBijector):
    """Keeps the entries where a mask is true and transforms the others, given those kept.

    With `m` the mask, forward is `m x + (1 - m) T(x; network(m x))`, inverse the same with `T^-1`;
    the log-determinant is the sum of the transformer's over the changed entries (Dinh et al.,
    2017, eq. 9).

    Args:
      mask: Boolean array that broadcasts with an event, true for entries that are kept.
      conditioner: `(m x [..., *event_shape], context) -> parameters [..., *event_shape,
        num_params]`.
      transformer: A `zoo.transformers.Transformer`.
      event_ndims: Rank of an event.
      **kwargs: `context`, `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, mask, conditioner, transformer, event_ndims=3, **kwargs):
        self._mask, self._conditioner = np.asarray(mask, bool), conditioner
        super().__init__(transformer, event_ndims, **kwargs)

    def _apply(self, x, transform):
        kept = ops.where(self._mask, x, ops.zeros_like(x))
        params = self._conditioner(kept, self.context)
        changed, log_det = transform(x, params)
        log_det = ops.where(self._mask, ops.zeros_like(log_det), log_det)
        return ops.where(self._mask, x, changed), ops.sum(log_det, axis=self._axes)
