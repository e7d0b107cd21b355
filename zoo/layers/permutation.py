"""Permutations of a vector's entries."""

import numpy as np

from zoo import bijectors
from zoo.config import register
from zoo.layers.flow_layer import FlowLayer, vector_size


@register("zoo.layers")
class Permutation(FlowLayer):
    """Reorders the entries: the latent is `x[..., permutation]`.

    Args:
      event_shape: `(d,)`.
      permutation: A permutation of `0..d-1`; `None` draws one from `seed`.
      seed: Seed of a drawn permutation.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: `permutation` is none.
    """

    def __init__(self, event_shape, permutation=None, seed=0, **kwargs):
        super().__init__(event_shape, **kwargs)
        size = vector_size(event_shape, type(self).__name__)
        if permutation is None:
            permutation = np.random.default_rng(0 if seed is None else seed).permutation(size)
        order = np.asarray(permutation)
        if order.shape != (size,) or not np.array_equal(np.sort(order), np.arange(size)):
            raise ValueError(
                f"permutation must hold each of 0..{size - 1} once, got {order.tolist()}."
            )
        self.permutation = order

    def bijector(self, context=None, randomness=None):
        return bijectors.Permute(self.permutation, **self._options())


@register("zoo.layers")
class Reverse(Permutation):
    """Reverses the order of the entries.

    Args:
      event_shape: `(d,)`.
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    def __init__(self, event_shape, **kwargs):
        size = vector_size(event_shape, "Reverse")
        super().__init__(event_shape, np.arange(size)[::-1], **kwargs)
