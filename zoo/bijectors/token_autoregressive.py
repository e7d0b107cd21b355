"""Autoregressive maps of sequences: each token is transformed given the tokens before it."""

from keras import ops

from zoo.bijectors.one_pass import OnePassBijector
from zoo.numerics import is_recording


class TokenAutoregressive(OnePassBijector):
    """`z_i = T^-1(x_i; h_i)`, data to latent, with `h_i` decided by the entries before `x_i`.

    Events are sequences of tokens, and entries are those of one token after the other. Data to
    latent is one pass of the network, latent to data a sweep through the tokens. The Jacobian is
    triangular: its log-determinant is the sum of the transformer's.

    Args:
      conditioner: `([..., t, d], context) -> parameters [..., t, d, num_params]`, autoregressive.
      sweep: `(z [..., t, d], context) -> x [..., t, d]`, the sequential direction.
      transformer: A `zoo.transformers.Transformer`.
      reverse: Whether the last entry comes first.
      **kwargs: `context`, `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, conditioner, sweep, transformer, reverse=False, **kwargs):
        self._conditioner, self._sweep = conditioner, sweep
        self._transformer, self._reverse = transformer, reverse
        super().__init__(event_ndims=2, **kwargs)

    def inverse_and_log_det(self, y):
        y = self._ordered(y)
        params = self._conditioner(y, self.context)
        value, log_det = self._transformer.inverse_and_log_det(y, params)
        return self._ordered(value), ops.sum(log_det, axis=(-2, -1))

    def forward_value(self, x):
        x = self._ordered(x)
        y = self._sweep(x, self.context)
        if self._transformer.implicit and is_recording():
            # The compiled sweep keeps no reports: its iterations again, at what it has found.
            self._transformer.forward_and_log_det(x, self._conditioner(y, self.context))
        return self._ordered(y)

    def forward_and_log_det(self, x):
        y = self.forward_value(x)
        return y, -self.inverse_and_log_det(y)[1]

    def _ordered(self, x):
        return ops.flip(x, axis=(-2, -1)) if self._reverse else x
