"""Layers whose parameters are weights, or are read off a context (amortised)."""

import math

import keras
from keras import ops

from zoo.backend import read
from zoo.config import choice, count, positive
from zoo.layers.autoregressive import FAST
from zoo.layers.flow_layer import FlowLayer
from zoo.networks import MLP, check_hidden_units
from zoo.networks.conditioner import get_activation

# The smallest slope of a map: what keeps its inverse within reach of rounding.
MARGIN = 1e-3


def gain(x):
    """A positive slope from any number: `softplus(x + s) + MARGIN`, and 1 at 0."""
    start = math.log(math.expm1(1.0 - MARGIN))
    return ops.softplus(x + start) + MARGIN


def default_tolerance(dtype):
    """What an iterated inverse is solved to in this type, a fraction of the solution."""
    return 1e-12 if dtype == "float64" else 1e-6


def check_iteration(tolerance, max_iterations, dtype):
    """The tolerance, or that of the type where it is `None`, and the limit of iterations.

    Raises:
      ValueError: They are not positive.
    """
    if tolerance is None:
        tolerance = default_tolerance(dtype)
    return positive("tolerance", tolerance), count("max_iterations", max_iterations)


class Amortized(FlowLayer):
    """A layer with few parameters, each a weight; with a context a network adds to them.

    The network starts at zero: at first every context gets the weights.

    Args:
      parameters: `{name: (shape, Keras initializer)}`.
      event_shape: `(d,)`.
      context_shape: Shape of one context vector, or `None`.
      hidden_units: Width of each hidden layer of the network; `()` makes it linear.
      activation: Name of a Keras activation of its hidden layers.
      fast: `"log_prob"` or `"sample"`: the direction that is written down.
      seed: Seed of the network.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: `fast` is neither.
    """

    # Many thin layers: XLA compiles them for minutes, and is no faster on a CPU then.
    prefers_xla = False

    def __init__(
        self,
        parameters,
        event_shape,
        context_shape=None,
        hidden_units=(),
        activation="relu",
        fast="log_prob",
        seed=None,
        **kwargs,
    ):
        super().__init__(event_shape, context_shape, **kwargs)
        # Also where there is no network, for want of a context.
        check_hidden_units(hidden_units)
        get_activation(activation)
        self.fast = choice("fast", fast, FAST)
        self._shapes = {name: tuple(shape) for name, (shape, _) in parameters.items()}
        self.parameters = {
            name: self.add_weight(name=name, shape=shape, initializer=initializer)
            for name, (shape, initializer) in parameters.items()
        }
        if self.context_shape is not None:
            total = sum(math.prod(shape) for shape in self._shapes.values())
            self.network = MLP(
                self.context_size, (total,), hidden_units, activation, None, seed,
                dtype=self.dtype_policy,
            )  # fmt: skip

    def _values(self, context):
        """The parameters by name, each `[*lead, *shape]` with the leading shape of the context."""
        values = {name: read(weight) for name, weight in self.parameters.items()}
        if self.context_shape is None:
            return values
        lead = ops.shape(context)[: len(context.shape) - len(self.context_shape)]
        change, start = self._of_context(self.network)(context), 0
        for name, shape in self._shapes.items():
            stop = start + math.prod(shape)
            values[name] += ops.reshape(change[..., start:stop], (*lead, *shape))
            start = stop
        return values


def normal(deviation, seed=None):
    """A normal initializer."""
    return keras.initializers.RandomNormal(stddev=deviation, seed=seed)
