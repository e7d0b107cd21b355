"""Masked autoencoder for distribution estimation (Germain et al., 2015, arXiv:1502.03509)."""

import keras
import numpy as np
from keras import ops

from zoo.backend import read
from zoo.config import register
from zoo.networks.conditioner import (
    check_hidden_units,
    check_residual,
    get_activation,
    seed_stream,
)
from zoo.networks.masked_dense import MaskedDense
from zoo.networks.sweep import Sweep


def hidden_degrees(units, size, first):
    """Degrees of `units` hidden units, spread evenly over `first..size-1` and sorted.

    The degree of a unit is the number of leading inputs that it may see.
    """
    spread = max(size - first, 1)
    return first + (np.arange(units) * spread) // units


@register("zoo.networks")
class MADE(keras.layers.Layer):
    """Network whose `i`-th outputs depend on the inputs before the `i`-th, and on the context.

    Hidden units are sorted by degree, so that "all units which x_1..x_i decide" is a leading slice:
    `MaskedDense` then stores half a matrix, and `sweep` computes each unit once.

    The context enters the first hidden layer through an unmasked matrix (Papamakarios et al., 2017,
    section 3.4); where there is one, some hidden units see nothing else, so that the first
    dimension depends on it too.

    Args:
      size: Length `d` of the input vector.
      num_params: Number of outputs a dimension.
      hidden_units: Width of each hidden layer; may be empty.
      activation: Name of a Keras activation.
      context_size: Length of the context, or `None`.
      residual: Adds the input of each pair of hidden layers to its output (Durkan and Nash, 2019,
        arXiv:1904.05626); wants an odd number of hidden layers of one width.
      seed: Seed of the initial weights. The output layer starts at zero.
      column_blocks: Number of column blocks of each kernel; see `MaskedDense`. Where there are many
        rows for few units, products with one block are quicker than their gradients of slices.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: `residual` with widths it cannot take.
    """

    def __init__(
        self,
        size,
        num_params,
        hidden_units=(512, 512),
        activation="relu",
        context_size=None,
        residual=False,
        seed=None,
        column_blocks=4,
        **kwargs,
    ):
        super().__init__(**kwargs)
        units = check_hidden_units(hidden_units)
        if residual:
            check_residual(units)
        if context_size and not units:
            raise ValueError("A context enters the first hidden layer: hidden_units is empty.")
        self.size, self.num_params, self.residual = size, num_params, residual
        self.activation = get_activation(activation)
        first = 0 if context_size or size == 1 else 1
        # Degree of an input: its position, from 1. An output sees the degrees before its own.
        degrees = [np.arange(1, size + 1)]
        degrees += [hidden_degrees(n, size, first) for n in units]
        self.sweeper = Sweep(degrees[1:], size, num_params, self.activation, residual)
        seeds = seed_stream(seed)
        outputs = np.repeat(np.arange(size), num_params)
        self.dense = [
            MaskedDense(
                before,
                after,
                keras.initializers.GlorotUniform(next(seeds)),
                column_blocks,
                dtype=self.dtype_policy,
            )
            for before, after in zip(degrees[:-1], degrees[1:], strict=True)
        ]
        last = MaskedDense(degrees[-1], outputs, "zeros", column_blocks, dtype=self.dtype_policy)
        self.dense.append(last)
        self.context_kernel = None
        if context_size:
            self.context_kernel = self.add_weight(
                name="context_kernel",
                shape=(context_size, units[0]),
                initializer=keras.initializers.GlorotUniform(next(seeds)),
            )
        self.built = True

    def call(self, x, context=None):
        """`x [n, d]` and `context [n, context_size]` to parameters `[n, d, num_params]`."""
        hidden, skip = x, None
        for i, layer in enumerate(self.dense):
            out = layer(hidden)
            last = i == len(self.dense) - 1
            if i == 0 and context is not None:
                kernel = read(self.context_kernel)
                out = out + ops.matmul(ops.cast(context, out.dtype), kernel)
            if self.residual and not last and i % 2 == 0:
                out = out if skip is None else out + skip
                skip = out
            hidden = out if last else self.activation(out)
        return ops.reshape(hidden, (-1, self.size, self.num_params))

    def sweep_weights(self, context=None):
        """What `sweep` reads: transposed kernels, biases, and the context's share, as tensors."""
        kernels = [self._cast(ops.transpose(layer.dense_kernel())) for layer in self.dense]
        biases = [self._cast(read(layer.bias))[:, None] for layer in self.dense]
        if context is not None:
            biases[0] = biases[0] + self.context_columns(context)
        return kernels, biases

    def context_columns(self, context):
        """What a context `[n, context_size]` adds to the first hidden layer, `[units, n]`."""
        kernel = ops.transpose(self._cast(read(self.context_kernel)))
        return ops.matmul(kernel, ops.transpose(self._cast(context)))

    def _cast(self, x):
        return ops.cast(x, self.compute_dtype)

    def sweep(self, step, noise, weights, dtype):
        """Runs through the dimensions in order; see `zoo.networks.sweep.Sweep`.

        Args:
          step: `(noise [..., *], parameters [..., num_params]) -> (x [...], l [...])`, entry by
            entry, at any leading shape.
          noise: Tensor `[n, d, *]`.
          weights: What `sweep_weights` returned.
          dtype: Type of the outcome.

        Returns:
          `x [n, d]`, and the sum of the `l_i`, `[n]`.
        """
        return self.sweeper(step, noise, weights, dtype)
