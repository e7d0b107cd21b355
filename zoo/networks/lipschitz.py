"""Networks whose Lipschitz constant is bounded, and their derivatives in closed form."""

import keras
from keras import ops

from zoo.backend import read
from zoo.config import register
from zoo.networks.conditioner import check_hidden_units, seed_stream
from zoo.networks.spectral import SpectralDense

# The last map of a branch starts small, so that the flow starts near the identity, and not at
# zero, where its norm has no direction.
LAST = 1e-3

ACTIVATIONS = ("elu", "lipswish")


class Elu(keras.layers.Layer):
    """`x` above zero, `exp(x) - 1` below; its slope is within (0, 1]."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.built = True

    def weights_now(self):
        """Tensors that `evaluate` needs."""
        return []

    def evaluate(self, x, weights):
        """The activation of `x`, and its slope there, in the shape of `x`."""
        below = ops.exp(ops.minimum(x, 0.0))
        return ops.where(x > 0, x, below - 1.0), ops.where(x > 0, ops.ones_like(x), below)


class LipSwish(keras.layers.Layer):
    """`x sigmoid(b x) / 1.1`, `b = softplus(beta)` learned (Chen et al., 2019, section 3.3).

    Its slope is at most 1 in magnitude, whatever `b`.
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)
        initial = keras.initializers.Constant(0.5)
        self.beta = self.add_weight(name="beta", shape=(), initializer=initial, autocast=False)
        self.built = True

    def weights_now(self):
        """Tensors that `evaluate` needs."""
        return [ops.softplus(read(self.beta))]

    def evaluate(self, x, weights):
        """The activation of `x`, and its slope there, in the shape of `x`."""
        scaled = weights[0] * x
        gate = ops.sigmoid(scaled)
        return x * gate / 1.1, gate * (1.0 + scaled * (1.0 - gate)) / 1.1


def lipschitz_activation(name, dtype=None):
    """A new layer for the activation of this name.

    Raises:
      ValueError: There is none.
    """
    if name not in ACTIVATIONS:
        raise ValueError(
            f"activation must be one of {ACTIVATIONS}, whose slopes are at most 1, got {name!r}."
        )
    return {"elu": Elu, "lipswish": LipSwish}[name](dtype=dtype)


class Linearization:
    """The derivative of a network at a point, whose products are chains of matrix products.

    Args:
      layers: `SpectralLinear`s, first the one at the input.
      kernels: Their scaled kernels.
      slopes: For each layer the slopes `[n, ...]` of the activation before it, or `None`.
    """

    def __init__(self, layers, kernels, slopes):
        self._steps = list(zip(layers, kernels, slopes, strict=True))

    def without_gradient(self):
        """The same derivative as a constant."""
        layers, kernels, slopes = zip(*self._steps, strict=True)
        fixed = [
            [None if tensor is None else ops.stop_gradient(tensor) for tensor in tensors]
            for tensors in (kernels, slopes)
        ]
        return Linearization(layers, *fixed)

    def jvp(self, v):
        """`J v` for `v [n, *event]`, or for several vectors an event, `[m, n, *event]`."""
        for layer, kernel, slope in self._steps:
            v = layer.apply(kernel, v if slope is None else v * slope)
        return v

    def vjp(self, v):
        """`J^T v`; shapes as in `jvp`."""
        for layer, kernel, slope in reversed(self._steps):
            v = layer.adjoint(kernel, v)
            v = v if slope is None else v * slope
        return v


def branch_units(hidden_units):
    """The widths of the hidden layers of a residual branch.

    Raises:
      ValueError: They are no positive integers, or there is none.
    """
    units = check_hidden_units(hidden_units)
    if not units:
        raise ValueError("A residual branch needs at least one hidden layer: hidden_units=().")
    return units


class LipschitzNetwork(keras.layers.Layer):
    """Linear maps of bounded norm with activations between them, from an event to an event.

    As a function of the event, its Lipschitz constant is at most the product of the coefficients
    of its linear maps. A context vector enters after the first of them, through a matrix without a
    bound. Subclasses make the list of linear maps.

    Args:
      layers: `SpectralLinear`s.
      width: Number of units, or maps, after the first of them.
      activation: `"elu"` or `"lipswish"`.
      preactivation: Whether an activation comes before the first linear map too.
      context_size: Length of the context, or `None`.
      seed: Seed of the context's initial weights.
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    def __init__(
        self,
        layers,
        width,
        activation="lipswish",
        preactivation=True,
        context_size=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.linear = list(layers)
        self.activations = [
            lipschitz_activation(activation, self.dtype_policy)
            for _ in self.linear[0 if preactivation else 1 :]
        ]
        self.context_kernel = None
        if context_size:
            self.context_kernel = self.add_weight(
                name="context_kernel",
                shape=(context_size, width),
                initializer=keras.initializers.GlorotUniform(seed),
                autocast=False,
            )
        self.built = True

    def update_spectral_norms(self):
        """Brings the power iteration of each linear map to convergence with today's weights."""
        for layer in self.linear:
            layer.update_spectral_norm()

    def weights_now(self, training=False):
        """What `evaluate` reads, nested lists of tensors; a training step moves the norms on."""
        given = [] if self.context_kernel is None else [read(self.context_kernel)]
        return [
            [layer.weights_now(training) for layer in self.linear],
            [activation.weights_now() for activation in self.activations],
            given,
        ]

    def evaluate(self, x, context, weights):
        """The network, a function of tensors alone.

        Args:
          x: `[n, *event]`.
          context: `[n, c]`, or `None`.
          weights: What `weights_now` returned.

        Returns:
          The value `[n, *event]`, and the `Linearization` at `x`.
        """
        linear, activations, given = weights
        plain = len(self.linear) - len(self.activations)
        hidden, slopes = x, [None] * plain
        for i, (layer, (kernel, bias)) in enumerate(zip(self.linear, linear, strict=True)):
            if i >= plain:
                hidden, slope = self.activations[i - plain].evaluate(hidden, activations[i - plain])
                slopes.append(slope)
            hidden = layer.apply(kernel, hidden) + bias
            if i == 0 and context is not None:
                added = ops.matmul(ops.cast(context, hidden.dtype), given[0])
                hidden = hidden + ops.reshape(added, (-1, *[1] * (len(x.shape) - 2), bias.shape[0]))
        return hidden, Linearization(self.linear, [pair[0] for pair in linear], slopes)

    def call(self, x, context=None):
        """`x [n, *event]` and `context [n, c]` to `[n, *event]`."""
        return self.evaluate(x, context, self.weights_now())[0]


@register("zoo.networks")
class LipschitzMLP(LipschitzNetwork):
    """Dense layers of bounded norm, from a vector to a vector of the same length.

    Args:
      size: Length of the vector.
      hidden_units: Width of each hidden layer, at least one.
      coefficient: Bound of the norm of each matrix, in (0, 1).
      iterations: Power iterations a training step.
      seed: Seed of the initial weights.
      **kwargs: `activation`, `preactivation` and `context_size` of `LipschitzNetwork`; `dtype` and
        `name` of a Keras layer.

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        size,
        hidden_units=(128, 128, 128),
        coefficient=0.97,
        iterations=5,
        seed=None,
        dtype=None,
        **kwargs,
    ):
        units = branch_units(hidden_units)
        widths, seeds = (size, *units, size), seed_stream(seed)
        layers = [
            SpectralDense(
                before,
                after,
                coefficient,
                iterations=iterations,
                scale=LAST if i == len(units) else 1.0,
                seed=next(seeds),
                dtype=dtype,
            )
            for i, (before, after) in enumerate(zip(widths[:-1], widths[1:], strict=True))
        ]
        super().__init__(layers, units[0], seed=next(seeds), dtype=dtype, **kwargs)
