"""Autoregressive layer (Kingma et al., 2016, arXiv:1606.04934; Papamakarios et al., 2017)."""

from collections.abc import Callable

import numpy as np

from zoo import backend, bijectors, transformers
from zoo.config import choice, register
from zoo.layers.flow_layer import FlowLayer, vector_size
from zoo.networks import MADE
from zoo.numerics import by_rows

FAST = ("log_prob", "sample")


def autoregressive_order(order, size, seed=None):
    """The permutation `[size]` in which entries decide each other, or `None` for as they stand.

    Args:
      order: `"sequential"`, `"reversed"`, `"random"` (drawn from `seed`), or `size` integers.
      size: Length of the vector.
      seed: Seed of a random order.

    Raises:
      ValueError: The order is none of these.
    """
    if isinstance(order, str):
        if order == "sequential":
            return None
        if order == "reversed":
            return np.arange(size)[::-1]
        if order == "random":
            return np.random.default_rng(0 if seed is None else seed).permutation(size)
        raise ValueError(
            "order must be 'sequential', 'reversed', 'random' or a permutation of "
            f"0..{size - 1}, got {order!r}."
        )
    order = np.asarray(order)
    if order.shape != (size,) or not np.array_equal(np.sort(order), np.arange(size)):
        raise ValueError(f"order must be a permutation of 0..{size - 1}, got {order.tolist()}.")
    return order


# Sweeps that are compiled: a caller with ever new structures would fill the memory.
_sweeps: dict[tuple, Callable] = {}
_MOST = 64


def _compiled_sweep(sweep, transformer, fast, dtype):
    """A compiled function of noise and weights, the same for all layers of one structure.

    It is compiled once for them, and what XLA compiles, 5 MiB, stays for as long as the process.
    """
    plain = all(isinstance(v, int | float | str | type(None)) for v in vars(transformer).values())
    told = (type(transformer), repr(sorted(vars(transformer).items())))
    key = (sweep.structure, told if plain else transformer, fast, dtype)
    if key not in _sweeps:
        if len(_sweeps) >= _MOST:
            _sweeps.clear()
        forward = fast == "log_prob"
        step = transformer.forward_and_log_det if forward else transformer.inverse_and_log_det
        _sweeps[key] = backend.shape_invariant_jit(
            lambda noise, weights: sweep(step, noise, weights, dtype)
        )
    return _sweeps[key]


@register("zoo.layers")
class Autoregressive(FlowLayer):
    """Transforms each entry given the entries before it, with a MADE as the network.

    One direction takes one pass of the network; the other runs through the dimensions in order, in
    one compiled loop that computes each hidden unit once.

    Args:
      event_shape: `(d,)`.
      transformer: Name or instance of a `zoo.transformers.Transformer`, such as `"affine"`,
        `"spline"` or `"mixture"`.
      hidden_units: Width of each hidden layer.
      activation: Name of a Keras activation.
      order: `"sequential"`, `"reversed"`, `"random"`, or a permutation of `0..d-1`.
      fast: The direction that takes one pass: `"log_prob"` (MAF) or `"sample"` (IAF).
      residual: See `zoo.networks.MADE`.
      context_shape: Shape of one context vector, or `None`.
      seed: Seed of the initial weights and of a random order.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: An argument is none of the values named here.
    """

    def __init__(
        self,
        event_shape,
        transformer="affine",
        hidden_units=(512, 512),
        activation="relu",
        order="sequential",
        fast="log_prob",
        residual=False,
        context_shape=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(event_shape, context_shape, **kwargs)
        size = vector_size(event_shape, "Autoregressive")
        self.transformer = transformers.get(transformer)
        self.fast = choice("fast", fast, FAST)
        self.order = autoregressive_order(order, size, seed)
        self.network = MADE(
            size,
            self.transformer.num_params,
            hidden_units,
            activation,
            self.context_size,
            residual,
            seed,
            dtype=self.dtype_policy,
        )
        self._compiled_sweep = _compiled_sweep(
            self.network.sweeper, self.transformer, self.fast, self.variable_dtype
        )

    def _sweep(self, x, context):
        def run(x, context):
            return self._compiled_sweep(x, self.network.sweep_weights(context))

        return by_rows(run, x, self.event_shape, context, self.context_shape or ())

    def bijector(self, context=None, randomness=None):
        return bijectors.Autoregressive(
            self._conditioner(self.network, *self.event_shape),
            self._sweep,
            self.transformer,
            self.fast,
            self.order,
            **self._options(context),
        )
