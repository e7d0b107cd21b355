"""Planar layer (Rezende and Mohamed, 2015, arXiv:1505.05770)."""

from keras import ops

from zoo import bijectors
from zoo.config import register
from zoo.layers.amortized import Amortized, check_iteration, gain, normal
from zoo.layers.flow_layer import vector_size
from zoo.networks import seed_stream
from zoo.numerics import tanh_root


@register("zoo.layers")
class Planar(Amortized):
    """`f(x) = x + u tanh(w.x + b)`, invertible at any weights, the identity at first.

    The paper's `u` is moved along `w` so that `w.u > -1` (appendix A.1); here so that `1 + w.u =
    g(w.u)` for the raw `u`, with `g > 1e-3` and `g(0) = 1`, so that a raw `u` of zero stays zero.

    Args:
      event_shape: `(d,)`.
      hidden_units: Width of each hidden layer of the network that reads a context; `()`, as in the
        paper, makes the parameters linear in it.
      activation: Name of a Keras activation of that network.
      fast: `"log_prob"` makes `f` the map from data to latent, `"sample"` that from latent to data;
        the other direction solves one scalar equation an event, in a loop.
      tolerance: Largest error of that solution, as a fraction of it where that is above one; `None`
        for 1e-12 in float64 and 1e-6 else.
      max_iterations: Evaluations before giving up; an event without a solution is NaN.
      context_shape: Shape of one context vector, or `None`.
      seed: Seed of the initial weights.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        event_shape,
        hidden_units=(),
        activation="relu",
        fast="log_prob",
        tolerance=None,
        max_iterations=100,
        context_shape=None,
        seed=None,
        **kwargs,
    ):
        size = vector_size(event_shape, "Planar")
        seeds = seed_stream(seed)
        start = {
            "w": ((size,), normal(size**-0.5, next(seeds))),
            "u": ((size,), "zeros"),
            "b": ((), normal(1.0, next(seeds))),
        }
        super().__init__(
            start, event_shape, context_shape, hidden_units, activation, fast, next(seeds), **kwargs
        )
        limits = check_iteration(tolerance, max_iterations, self.variable_dtype)
        self._solve = tanh_root.solver(*limits)

    @property
    def implicit(self):
        """The directions that iterate."""
        return ("decode",) if self.fast == "log_prob" else ("encode",)

    def _parameters(self, context):
        values = self._values(context)
        w, u = values["w"], values["u"]
        along = ops.sum(w * u, axis=-1)
        slope = gain(along)
        squares = ops.sum(w * w, axis=-1)
        # No plane, no ridge: without a direction there is nothing to correct.
        squares = ops.where(squares > 1e-30, squares, 1.0)
        u = u + ((slope - 1.0 - along) / squares)[..., None] * w
        return w, u, values["b"], slope

    def bijector(self, context=None, randomness=None):
        return bijectors.Planar(
            self._parameters, self._solve, fast=self.fast, **self._options(context)
        )
