"""Convolutions with what comes after them, a shift and scale of each channel, folded in."""

import math

import keras
from keras import ops

from zoo.backend import add_bias, read
from zoo.config import register
from zoo.networks.convolve import convolve
from zoo.networks.hoisting import WAYS, hoisted
from zoo.numerics import soft_clamp, standardizing


class HoistedConv(keras.layers.Layer):
    """A convolution whose kernel and bias are computed from the weights, in the variables' type.

    Scaling a kernel costs little, scaling a map of activations a pass over memory. Only the
    convolution itself is in the policy's compute type. Subclasses implement
    `kernel_and_bias()`, for which see `zoo.networks.hoisting`.

    Args:
      channels: Number of channels of the input.
      filters: Number of channels of the output.
      size: Height and width of the kernel; the output is as large as the input.
      initializer: Keras initializer of the kernel.
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    hoists = {way: {"kernel_and_bias": 2} for way in WAYS}

    def __init__(self, channels, filters, size, initializer, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.filters = filters
        self.kernel = self._add("kernel", initializer, (size, size, channels, filters))
        self.built = True

    def _add(self, name, initializer="zeros", shape=None):
        return self.add_weight(
            name=name, shape=shape or (self.filters,), initializer=initializer, autocast=False
        )

    def kernel_and_bias(self):
        """The kernel `[*lead, size, size, channels, filters]` and the bias `[*lead, filters]`."""
        raise NotImplementedError

    def call(self, x, activation=None):
        """`x [n, h, w, channels]` to `[n, h, w, filters]`, in the compute type.

        Args:
          x: The maps.
          activation: Function of what comes out, or `None`.
        """
        kernel, bias = (ops.cast(w, self.compute_dtype) for w in hoisted(self, "kernel_and_bias"))
        x, shape = ops.cast(x, self.compute_dtype), ops.shape(x)
        if kernel.shape[:2] == (1, 1):
            # The same additions, and a product of two matrices is the better tuned of the two.
            x = ops.reshape(x, (-1, shape[-1]))
            y = ops.matmul(x, ops.reshape(kernel, kernel.shape[2:]))
            y = _activate(add_bias(y, bias), activation)
            return ops.reshape(y, (*shape[:-1], self.filters))
        return _activate(add_bias(convolve(x, kernel), bias), activation)


@register("zoo.networks")
class NormConv(HoistedConv):
    """Convolution, then activation normalisation of its channels (Glow's hidden layers).

    `adapt` standardizes the output on one batch, as `zoo.layers.ActNorm` does. With `weight_norm`
    the kernel of each filter is used at unit length (Salimans and Kingma, 2016, arXiv:1602.07868):
    the scale of the normalisation is then the filter's gain, and `adapt` their data-dependent
    initialisation.

    Args:
      channels: Number of channels of the input.
      filters: Number of channels of the output.
      size: Height and width of the kernel.
      weight_norm: Whether to normalise the kernel.
      gain: Factor on the output before `adapt`.
      min_variance: Floor of the variance that `adapt` divides by.
      max_log_scale: The log-scale is softly clamped to this magnitude, nats.
      seed: Seed of the initial kernel, normal with standard deviation 0.05.
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    def __init__(
        self,
        channels,
        filters,
        size=3,
        weight_norm=False,
        gain=1.0,
        min_variance=1e-4,
        max_log_scale=8.0,
        seed=None,
        **kwargs,
    ):
        initializer = keras.initializers.RandomNormal(stddev=0.05, seed=seed)
        super().__init__(channels, filters, size, initializer, **kwargs)
        self.weight_norm = weight_norm
        self.min_variance, self.max_log_scale = float(min_variance), float(max_log_scale)
        start = max_log_scale * math.atanh(-math.log(gain) / max_log_scale)
        self.shift = self._add("shift")
        self.log_scale = self._add("log_scale", keras.initializers.Constant(start))

    def _direction(self):
        kernel = read(self.kernel)
        if self.weight_norm:
            kernel = kernel * ops.rsqrt(
                ops.sum(kernel * kernel, axis=(-4, -3, -2), keepdims=True) + 1e-12
            )
        return kernel

    def kernel_and_bias(self):
        scale = ops.exp(-soft_clamp(read(self.log_scale), self.max_log_scale))
        return _scaled(self._direction(), scale), -read(self.shift) * scale

    def adapt(self, x, activation=None):
        """Standardizes the output on `x [n, h, w, channels]`; returns that output, as `call`."""
        y = convolve(ops.cast(x, self.variable_dtype), self._direction())
        y = ops.reshape(y, (-1, self.filters))
        shift, log_scale = standardizing(y, self.min_variance, self.max_log_scale)
        self.shift.assign(shift)
        self.log_scale.assign(log_scale)
        return self(x, activation=activation)


@register("zoo.networks")
class ZeroConv(HoistedConv):
    """Convolution that starts at zero, times `exp(3 g)` with one learned `g` a channel.

    Glow's output layer (Kingma and Dhariwal, 2018, section 3.3 and the authors' code).

    Args:
      channels: Number of channels of the input.
      filters: Number of channels of the output.
      size: Height and width of the kernel.
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    def __init__(self, channels, filters, size=3, **kwargs):
        super().__init__(channels, filters, size, "zeros", **kwargs)
        self.bias = self._add("bias")
        self.gain = self._add("gain")

    def kernel_and_bias(self):
        scale = ops.exp(3.0 * read(self.gain))
        return _scaled(read(self.kernel), scale), read(self.bias) * scale


def _scaled(kernel, scale):
    """`kernel [*lead, size, size, channels, filters]` times `scale [*lead, filters]`."""
    return kernel * ops.reshape(scale, (*scale.shape[:-1], 1, 1, 1, scale.shape[-1]))


def _activate(x, activation):
    return x if activation is None else activation(x)
