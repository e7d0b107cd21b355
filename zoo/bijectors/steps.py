"""Steps of one kind, one after the other."""

from zoo.bijectors.one_pass import OnePassBijector, sum_of


class Steps(OnePassBijector):
    """`x = (s_K o ... o s_1)(y)` from data to latent, all of one kind; log-determinants add up.

    Args:
      steps: `way -> [(step, weights), ...]` from the data to the latent, read at each use, with
        what the way needs, `"inverse"` or `"forward"`. A step has `inverse(y, context, weights,
        apart)` and `forward`, which return a value and its log-determinant; `context`
        is a list of one tensor, or empty, and `weights` may be what was computed from some.
      event_ndims: Rank of one event.
      apart: Whether each step runs by itself; see `zoo.backend.traced`.
      **kwargs: `context`, `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, steps, event_ndims, apart=False, **kwargs):
        self._steps, self._apart = steps, apart
        super().__init__(event_ndims=event_ndims, **kwargs)

    def forward_and_log_det(self, x):
        return self._run("forward", x, reversed(self._steps("forward")))

    def inverse_and_log_det(self, y):
        return self._run("inverse", y, self._steps("inverse"))

    def _run(self, way, x, steps):
        steps, weights = zip(*steps, strict=True)
        context = [] if self.context is None else [self.context]
        return in_turn([getattr(step, way) for step in steps], x, context, weights, self._apart)


def in_turn(calls, x, context, weights, apart=False):
    """`call(x, context, values, apart)` for each of the calls and weights, one after the other.

    Returns:
      The last value, and the sum of the log-determinants.
    """
    log_dets = []
    for call, values in zip(calls, weights, strict=True):
        x, log_det = call(x, context, values, apart)
        log_dets.append(log_det)
    return x, sum_of(log_dets)
