"""Coupling: one half of the event decides how the other half is transformed."""

from keras import ops

from zoo.bijectors.one_pass import TransformingBijector


class Coupling(TransformingBijector):
    """Keeps one part of a vector and transforms the other, given the first.

    With `(a, b) = split(x)`: forward is `(a, T(b; network(a)))`, inverse is `(a, T^-1(b;
    network(a)))`; the Jacobian is block triangular and its log-determinant is the sum of the
    transformer's over `b` (Dinh et al., 2015, section 3.2). Both directions cost one evaluation.

    Args:
      partition: Has `split(x) -> (kept, changed)` and `join(kept, changed) -> x`.
      conditioner: `(kept [..., k], context) -> parameters [..., d - k, num_params]`.
      transformer: A `zoo.transformers.Transformer`.
      event_ndims: Rank of an event; the parts differ in the size of the last axis alone.
      **kwargs: `context`, `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, partition, conditioner, transformer, event_ndims=1, **kwargs):
        self._partition, self._conditioner = partition, conditioner
        super().__init__(transformer, event_ndims, **kwargs)

    def _apply(self, x, transform):
        kept, changed = self._partition.split(x)
        params = self._conditioner(kept, self.context)
        changed, log_det = transform(changed, params)
        # A batch of contexts may have given `changed` leading dimensions that `kept` lacks.
        if kept.shape[:-1] != changed.shape[:-1]:
            kept = ops.broadcast_to(kept, (*ops.shape(changed)[:-1], kept.shape[-1]))
        return self._partition.join(kept, changed), ops.sum(log_det, axis=self._axes)
