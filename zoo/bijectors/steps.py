"""Steps of one kind, one after the other."""

from zoo.bijectors.one_pass import OnePassBijector


class Steps(OnePassBijector):
    """`x = (s_K o ... o s_1)(y)` from data to latent, all of one kind; log-determinants add up.

    Args:
      steps: `() -> [(step, weights), ...]` from the data to the latent, read at each use. A step
        has `inverse(y, context, weights)` and `forward(x, context, weights)`, which return a value
        and its log-determinant; `context` is a list of one tensor, or empty.
      event_ndims: Rank of one event.
      **kwargs: `context`, `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, steps, event_ndims, **kwargs):
        self._steps = steps
        super().__init__(event_ndims=event_ndims, **kwargs)

    def forward_and_log_det(self, x):
        return self._run(x, [(step.forward, w) for step, w in reversed(self._steps())])

    def inverse_and_log_det(self, y):
        return self._run(y, [(step.inverse, w) for step, w in self._steps()])

    def _run(self, x, calls):
        context, total = [] if self.context is None else [self.context], 0.0
        for call, weights in calls:
            x, log_det = call(x, context, weights)
            total = total + log_det
        return x, total
