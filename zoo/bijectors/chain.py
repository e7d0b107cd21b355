"""Composition that keeps the one pass."""

from keras import ops

from zoo.backend import tfp
from zoo.bijectors.one_pass import (
    ReshapingBijector,
    forward_and_log_det,
    forward_value,
    inverse_and_log_det,
    inverse_value,
    sum_of,
)


class Chain(ReshapingBijector):
    """Composes bijectors listed from the data to the latent, the order of `tfb.Chain`.

    Inverse applies them first to last, forward last to first; the log-determinants add up. Unlike
    `tfb.Chain` it asks each part once for both value and log-determinant. A shape that cannot be
    an event is refused before any part sees it.

    Args:
      bijectors: List of `tfb.Bijector`, from the data to the latent.
      event_shape: Shape of one event on the data side.
      latent_shape: Shape of one event on the latent side.
      **kwargs: `context`, `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, bijectors, event_shape, latent_shape, **kwargs):
        self._bijectors = list(bijectors)
        super().__init__(event_shape, latent_shape, **kwargs)

    @property
    def bijectors(self):
        """The parts, from the data to the latent."""
        return self._bijectors

    @classmethod
    def _parameter_properties(cls, dtype):
        parts = tfp.util.BatchedComponentProperties(cls._ranks)
        return super()._parameter_properties(dtype) | {"bijectors": parts}

    def _ranks(self, ndims):
        """The rank of what each part is given, latent to data, for events of rank `ndims`."""
        found = []
        for bijector in reversed(self._bijectors):
            found.insert(0, ndims)
            ndims = bijector.forward_event_ndims(ndims)
        return found

    def _check(self, x, expected, side):
        shape = tuple(x.shape)
        tail = shape[len(shape) - len(expected) :] if expected else ()
        fits = len(shape) >= len(expected) and all(
            have is None or have == want for have, want in zip(tail, expected, strict=True)
        )
        if not fits:
            raise ValueError(
                f"{self.name} expected {side} of shape [..., {', '.join(map(str, expected))}], "
                f"got {list(shape)}."
            )

    def forward_and_log_det(self, x):
        self._check(x, self._latent_shape, "a latent")
        log_dets, given, ndims = [], x, len(self._latent_shape)
        for bijector in reversed(self._bijectors):
            x, log_det = forward_and_log_det(bijector, x, ndims)
            log_dets.append(log_det)
            ndims = bijector.forward_event_ndims(ndims)
        return x, _total(log_dets, given, len(self._latent_shape))

    def inverse_and_log_det(self, y):
        self._check(y, self._data_shape, "data")
        log_dets, given, ndims = [], y, len(self._data_shape)
        for bijector in self._bijectors:
            y, log_det = inverse_and_log_det(bijector, y, ndims)
            log_dets.append(log_det)
            ndims = bijector.inverse_event_ndims(ndims)
        return y, _total(log_dets, given, len(self._data_shape))

    def forward_value(self, x):
        self._check(x, self._latent_shape, "a latent")
        for bijector in reversed(self._bijectors):
            x = forward_value(bijector, x)
        return x

    def inverse_value(self, y):
        self._check(y, self._data_shape, "data")
        for bijector in self._bijectors:
            y = inverse_value(bijector, y)
        return y


def _total(log_dets, x, event_ndims):
    """The sum of `log_dets`, at least in the leading shape of `x`, which some may lack."""
    lead = x.shape[: len(x.shape) - event_ndims]
    if not any(tuple(d.shape) == tuple(lead) for d in log_dets):
        axes = tuple(range(-event_ndims, 0))
        log_dets = [ops.zeros_like(ops.sum(x, axis=axes) if axes else x), *log_dets]
    return sum_of(log_dets)
