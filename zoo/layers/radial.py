"""Radial layer (Rezende and Mohamed, 2015, arXiv:1505.05770)."""

import math

import keras
from keras import ops

from zoo import bijectors
from zoo.config import register
from zoo.layers.amortized import Amortized, gain, normal
from zoo.layers.flow_layer import vector_size
from zoo.networks import seed_stream


@register("zoo.layers")
class Radial(Amortized):
    """`f(x) = x + beta (x - c) / (alpha + |x - c|)`, invertible at any weights, first the identity.

    `alpha = softplus(.) + 1e-3`, and `beta > -alpha` (appendix A.2): `1 + beta / alpha` is `g(.)`,
    with `g > 1e-3` and `g(0) = 1`. Exact both ways, for the inverse is the root of a quadratic.

    Args:
      event_shape: `(d,)`.
      hidden_units: Width of each hidden layer of the network that reads a context; `()`, as in the
        paper, makes the parameters linear in it.
      activation: Name of a Keras activation of that network.
      fast: `"log_prob"` makes `f` the map from data to latent, `"sample"` that from latent to data.
      context_shape: Shape of one context vector, or `None`.
      seed: Seed of the initial weights.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: An argument is not as described.
    """

    min_alpha = 1e-3

    def __init__(
        self,
        event_shape,
        hidden_units=(),
        activation="relu",
        fast="log_prob",
        context_shape=None,
        seed=None,
        **kwargs,
    ):
        size = vector_size(event_shape, "Radial")
        # The typical distance of a point from a center: alpha of that size reaches it.
        width = math.sqrt(size)
        seeds = seed_stream(seed)
        start = {
            "center": ((size,), normal(1.0, next(seeds))),
            "alpha": ((), keras.initializers.Constant(math.log(math.expm1(width)))),
            "beta": ((), "zeros"),
        }
        super().__init__(
            start, event_shape, context_shape, hidden_units, activation, fast, next(seeds), **kwargs
        )

    def _parameters(self, context):
        values = self._values(context)
        alpha = ops.softplus(values["alpha"]) + self.min_alpha
        return values["center"], alpha, gain(values["beta"])

    def bijector(self, context=None, randomness=None):
        return bijectors.Radial(self._parameters, fast=self.fast, **self._options(context))
