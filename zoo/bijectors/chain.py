"""Composition that keeps the one pass."""

import numpy as np
from keras import ops

from zoo.backend import ps
from zoo.bijectors.one_pass import (
    OnePassBijector,
    forward_and_log_det,
    forward_value,
    inverse_and_log_det,
    inverse_value,
    sum_of,
)


class Chain(OnePassBijector):
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
        self._data_shape = tuple(event_shape)
        self._latent_shape = tuple(latent_shape)
        super().__init__(
            event_ndims=len(self._data_shape), latent_ndims=len(self._latent_shape), **kwargs
        )

    @property
    def bijectors(self):
        """The parts, from the data to the latent."""
        return self._bijectors

    def _forward_event_shape(self, input_shape):
        return self._swap(input_shape, self._latent_shape, self._data_shape)

    def _inverse_event_shape(self, output_shape):
        return self._swap(output_shape, self._data_shape, self._latent_shape)

    def _swap(self, shape, given, other):
        shape = tuple(shape)
        return shape[: len(shape) - len(given)] + other

    def _forward_event_shape_tensor(self, input_shape):
        return self._swap_tensor(input_shape, self._latent_shape, self._data_shape)

    def _inverse_event_shape_tensor(self, output_shape):
        return self._swap_tensor(output_shape, self._data_shape, self._latent_shape)

    def _swap_tensor(self, shape, given, other):
        lead = shape[: ps.size(shape) - len(given)]
        return ps.concat([lead, np.asarray(other, np.int32)], axis=0)

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
