"""Elementwise maps of a whole event."""

from keras import ops

from zoo.bijectors.one_pass import TransformingBijector


class Elementwise(TransformingBijector):
    """Applies a transformer to every entry of an event, with parameters that no entry decides.

    Args:
      parameters_fn: `context -> parameters [*batch, *event_shape, num_params]`, read at each use,
        so that the bijector follows its variables.
      transformer: A `zoo.transformers.Transformer`.
      event_ndims: Rank of an event.
      **kwargs: `context`, `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, parameters_fn, transformer, event_ndims=1, **kwargs):
        self._parameters_fn = parameters_fn
        super().__init__(transformer, event_ndims, **kwargs)

    def _apply(self, x, transform):
        value, log_det = transform(x, self._parameters_fn(self.context))
        return value, ops.sum(ops.broadcast_to(log_det, ops.shape(value)), axis=self._axes)
