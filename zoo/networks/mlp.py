"""Multilayer perceptron."""

import keras
from keras import ops

from zoo.config import register
from zoo.networks.conditioner import (
    check_hidden_units,
    check_residual,
    get_activation,
    seed_stream,
)


@register("zoo.networks")
class MLP(keras.layers.Layer):
    """Dense layers from a vector, and a context beside it, to parameters.

    The last layer starts at zero, so that the flow around it starts near the identity.

    Args:
      size: Length of the input vector; may be 0, which makes the output a learned constant.
      output_shape: Shape of the output of one event.
      hidden_units: Width of each hidden layer.
      activation: Name of a Keras activation.
      context_size: Length of the context, which is concatenated to the input, or `None`.
      seed: Seed of the initial weights.
      residual: Adds the input of each pair of hidden layers to its output (He et al., 2016,
        arXiv:1603.05027, activations first); wants an odd number of hidden layers of one width.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: `residual` with widths it cannot take.
    """

    def __init__(
        self,
        size,
        output_shape,
        hidden_units=(256, 256),
        activation="relu",
        context_size=None,
        seed=None,
        residual=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self._output_shape = tuple(output_shape)
        units = check_hidden_units(hidden_units)
        if residual:
            check_residual(units)
        self.activation, self.residual = get_activation(activation), residual
        seeds = seed_stream(seed)
        outputs = 1
        for n in self._output_shape:
            outputs *= n
        self.dense = []
        # A product over no inputs crashes oneDNN: the network then sees a one.
        width = max(size + (context_size or 0), 1)
        for n in units:
            self.dense.append(
                keras.layers.Dense(
                    n,
                    kernel_initializer=keras.initializers.GlorotUniform(next(seeds)),
                    dtype=self.dtype_policy,
                )
            )
        self.dense.append(
            keras.layers.Dense(outputs, kernel_initializer="zeros", dtype=self.dtype_policy)
        )
        for layer in self.dense:
            layer.build((None, width))
            width = layer.units
        self.built = True

    def call(self, x, context=None):
        """`x [n, size]` and `context [n, context_size]` to `[n, *output_shape]`."""
        if context is not None:
            x = ops.concatenate([x, ops.cast(context, x.dtype)], axis=-1)
        elif x.shape[-1] == 0:
            x = ops.ones((ops.shape(x)[0], 1), dtype=x.dtype)
        skip = None
        for i, layer in enumerate(self.dense[:-1]):
            out = layer(x)
            if self.residual and i % 2 == 0:
                skip = out = out if skip is None else out + skip
            x = self.activation(out)
        return ops.reshape(self.dense[-1](x), (-1, *self._output_shape))
