"""Continuous flows: maps along the solutions of an ordinary differential equation."""

from zoo.bijectors.one_pass import OnePassBijector


class Continuous(OnePassBijector):
    """`dx/dt = f(x, t)` from a latent at `t = 0` to an event at `t = T`.

    Forward it is solved from 0 to `T`, and `log|det dy/dx|` is the integral of `tr(df/dx)` along
    the way (Chen et al., 2018, arXiv:1806.07366, theorem 1); the inverse is the same from `T` back
    to 0, with the sign changed. The two agree to the solver's tolerance. Events whose solution was
    not found come out as NaN. Values alone (`forward_value`, `inverse_value`) take no divergence,
    which costs many times the velocity of a wide event.

    Args:
      solve: `(x [..., d], context, reverse, with_log_det) -> (y [..., d], log_det [...])`.
      **kwargs: `context`, `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, solve, **kwargs):
        self._solve = solve
        super().__init__(event_ndims=1, **kwargs)

    def forward_and_log_det(self, x):
        return self._solve(x, self.context, reverse=False, with_log_det=True)

    def inverse_and_log_det(self, y):
        return self._solve(y, self.context, reverse=True, with_log_det=True)

    def forward_value(self, x):
        return self._solve(x, self.context, reverse=False, with_log_det=False)[0]

    def inverse_value(self, y):
        return self._solve(y, self.context, reverse=True, with_log_det=False)[0]
