"""Invertible linear layer."""

import keras
import numpy as np
from keras import ops

from zoo import bijectors
from zoo.backend import read
from zoo.config import register
from zoo.layers.flow_layer import FlowLayer, vector_size
from zoo.layers.triangles import lower_and_upper


@register("zoo.layers")
class LULinear(FlowLayer):
    """Linear map `P L U` with a bias, invertible at any weights.

    `L` is unit lower triangular, `U` upper triangular with diagonal `softplus(.) + 1e-3`. It starts
    as the permutation `P`, or as the identity.

    Args:
      event_shape: `(d,)`.
      permute: Whether `P` is a random permutation drawn from `seed`; otherwise the identity.
      seed: Seed of the permutation.
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    min_diagonal = 1e-3

    def __init__(self, event_shape, permute=True, seed=0, **kwargs):
        super().__init__(event_shape, **kwargs)
        size = vector_size(event_shape, "LULinear")
        generator = np.random.default_rng(0 if seed is None else seed)
        self.permutation = generator.permutation(size) if permute else np.arange(size)
        # softplus(start) + min_diagonal = 1
        start = float(np.log(np.expm1(1.0 - self.min_diagonal)))
        self.entries = None  # Off the diagonal, where a single dimension has none.
        if size > 1:
            self.entries = self.add_weight(name="entries", shape=(size, size), initializer="zeros")
        self.diagonal = self.add_weight(
            name="diagonal", shape=(size,), initializer=keras.initializers.Constant(start)
        )
        self.bias = self.add_weight(name="bias", shape=(size,), initializer="zeros")

    def _factors(self):
        diagonal = ops.softplus(read(self.diagonal)) + self.min_diagonal
        entries = 0.0 if self.entries is None else read(self.entries)
        lower, upper = lower_and_upper(entries, diagonal)
        return lower, upper, ops.log(diagonal), read(self.bias)

    def bijector(self, context=None, randomness=None):
        return bijectors.LULinear(self._factors, self.permutation, **self._options())
