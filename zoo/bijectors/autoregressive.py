"""Autoregressive maps: each entry is transformed given the entries before it."""

import numpy as np
from keras import ops

from zoo.bijectors.one_pass import OnePassBijector
from zoo.bijectors.permute import permute
from zoo.numerics import is_recording


class Autoregressive(OnePassBijector):
    """`y_i = T(x_i; h_i)`, with `h_i` decided by the entries before `i`, of either side.

    With `fast="log_prob"` the parameters come from the data, `h_i = h(y_1..y_i-1)`: the inverse is
    one pass of the network and the forward direction a sweep through the dimensions (MAF). With
    `fast="sample"` they come from the latent, `h_i = h(x_1..x_i-1)`, and the roles are exchanged
    (IAF). The Jacobian is triangular: its log-determinant is the sum of the transformer's.

    Args:
      conditioner: `([..., d], context) -> parameters [..., d, num_params]`, autoregressive, in one
        pass.
      sweep: `([..., d], context) -> (result [..., d], log_det [...])`, the sequential direction.
      transformer: A `zoo.transformers.Transformer`.
      fast: `"log_prob"` or `"sample"`: the direction that takes one pass.
      order: Integer array `[d]`: the order in which entries decide each other, or `None`.
      **kwargs: `context`, `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, conditioner, sweep, transformer, fast="log_prob", order=None, **kwargs):
        self._conditioner = conditioner
        self._sweep = sweep
        self._transformer = transformer
        self._fast = fast
        self._order = order
        super().__init__(event_ndims=1, **kwargs)

    def forward_and_log_det(self, x):
        if self._fast == "sample":
            return self._ordered(self._parallel, x, self._transformer.forward_and_log_det)
        return self._ordered(self._sequential, x, self._transformer.forward_and_log_det)

    def inverse_and_log_det(self, y):
        if self._fast == "log_prob":
            return self._ordered(self._parallel, y, self._transformer.inverse_and_log_det)
        return self._ordered(self._sequential, y, self._transformer.inverse_and_log_det)

    def _ordered(self, direction, x, transform):
        if self._order is None:
            return direction(x, transform)
        value, log_det = direction(permute(x, self._order), transform)
        return permute(value, np.argsort(self._order)), log_det

    def _parallel(self, x, transform):
        value, log_det = transform(x, self._conditioner(x, self.context))
        return value, ops.sum(log_det, axis=-1)

    def _sequential(self, x, transform):
        value, log_det = self._sweep(x, self.context)
        if self._transformer.implicit and is_recording():
            # The compiled sweep keeps no reports: its iterations again, at what it has found.
            transform(x, self._conditioner(value, self.context))
        return value, log_det
