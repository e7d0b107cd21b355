"""Continuous flows: maps along the solutions of an ordinary differential equation."""

import contextlib
import contextvars

from keras import ops

from zoo.bijectors.one_pass import OnePassBijector
from zoo.numerics.root_finding import record

_values_only = contextvars.ContextVar("values_only", default=False)


@contextlib.contextmanager
def values_only():
    """Inside, continuous flows map events without log-determinants, which come out as NaN.

    Of a wide event the divergence costs many times the velocity.
    """
    token = _values_only.set(True)
    try:
        yield
    finally:
        _values_only.reset(token)


class Continuous(OnePassBijector):
    """`dx/dt = f(x, t)` from a latent at `t = 0` to an event at `t = T`.

    Forward it is solved from 0 to `T`, and `log|det dy/dx|` is the integral of `tr(df/dx)` along
    the way (Chen et al., 2018, arXiv:1806.07366, theorem 1); the inverse is the same from `T` back
    to 0, with the sign changed. The two agree to the solver's tolerance. Events whose solution was
    not found come out as NaN.

    Args:
      solve: `(x [..., d], reverse, with_log_det) -> (y [..., d], log_det [...], Report)`.
      **kwargs: `context`, `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, solve, **kwargs):
        self._solve = solve
        super().__init__(event_ndims=1, **kwargs)

    def forward_and_log_det(self, x):
        return self._solved(x, False)

    def inverse_and_log_det(self, y):
        return self._solved(y, True)

    def _solved(self, x, reverse):
        with_log_det = not _values_only.get()
        y, log_det, report = self._solve(x, reverse, with_log_det)
        record(self.name, report)
        if not with_log_det:
            log_det = ops.full_like(log_det, float("nan"))
        return y, log_det
