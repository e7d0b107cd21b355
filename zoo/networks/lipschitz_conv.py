"""Convolutional networks whose Lipschitz constant is bounded."""

import numpy as np
from keras import ops

from zoo import backend
from zoo.config import register
from zoo.networks.conditioner import seed_stream
from zoo.networks.convolve import plain
from zoo.networks.lipschitz import LAST, LipschitzNetwork, branch_units
from zoo.networks.spectral import SpectralDense, SpectralLinear, norm_of


def _transposed(kernel):
    """The kernel of the transpose of a convolution of odd size that pads with zeros."""
    return ops.transpose(ops.flip(kernel, axis=(0, 1)), (0, 1, 3, 2))


def _power_iterations(count):
    """A compiled function of a kernel and a vector that runs up to `count` power iterations."""

    def run(kernel, vector):
        back = _transposed(kernel)

        def length(x):
            return ops.sqrt(ops.sum(x * x))

        def body(state):
            before, _ = state
            vector = plain(plain(before, kernel), back)
            vector = vector / (length(vector) + 1e-20)
            return vector, length(vector - before)

        # The norm is off by less than the square of what the vector is off. Of singular values
        # this many iterations cannot tell apart, within .3 % of the largest, either will do.
        state = (vector[None] / length(vector), ops.ones((), vector.dtype))
        return backend.while_loop(lambda s: s[1] > 1e-4, body, state, count)[0][0]

    return backend.shape_invariant_jit(run)


_settle = _power_iterations(1000)


@register("zoo.networks")
class SpectralConv(SpectralLinear):
    """A convolution that keeps the image's size; see `SpectralLinear`.

    Its norm is that of the convolution as it is applied, with its zero padding, to images of this
    size, and not that of the kernel as a matrix.

    Args:
      image_shape: `(height, width, channels)` of the input.
      filters: Number of channels of the output.
      size: Height and width of the kernel, odd.
      coefficient: Bound of the norm, in (0, 1).
      **kwargs: `iterations`, `scale`, `seed`, `dtype` and `name` of `SpectralLinear`.

    Raises:
      ValueError: `size` is even, or the coefficient out of range.
    """

    def __init__(self, image_shape, filters, size, coefficient, **kwargs):
        if size % 2 == 0:
            raise ValueError(f"The size of the kernel must be odd, got {size}.")
        shape = (size, size, image_shape[-1], filters)
        super().__init__(shape, filters, image_shape, coefficient, **kwargs)
        self.update_spectral_norm()

    def apply(self, kernel, x):
        return _by_images(x, kernel)

    def adjoint(self, kernel, y):
        return _by_images(y, _transposed(kernel))

    def converged(self, kernel):
        # What is kept may belong to a norm that was the largest once, and would stay there.
        kept, kernel = backend.value(self.vector), backend.value(self.kernel)
        other = np.random.default_rng(0).standard_normal(kept.shape)
        found = [_settle(kernel, start) for start in (kept, ops.cast(other, kept.dtype))]
        norms = [float(norm_of(self.apply(kernel, vector[None]))) for vector in found]
        return found[not norms[0] >= norms[1]]  # What was kept may be no number.


def _by_images(x, kernel):
    if len(x.shape) == 4:
        return plain(x, kernel)
    flat = plain(ops.reshape(x, (-1, *x.shape[2:])), kernel)
    return ops.reshape(flat, (*ops.shape(x)[:2], *flat.shape[1:]))


@register("zoo.networks")
class LipschitzConvNet(LipschitzNetwork):
    """Convolutions of bounded norm, from an image to an image of the same shape.

    The kernels are 3x3, 1x1, and 3x3 again for two hidden layers, as published; with more, all
    between the first and the last are 1x1.

    Args:
      image_shape: `(height, width, channels)`.
      hidden_units: Number of maps of each hidden layer, at least one.
      coefficient: Bound of the norm of each convolution, in (0, 1).
      iterations: Power iterations a training step.
      seed: Seed of the initial weights.
      **kwargs: `activation`, `preactivation` and `context_size` of `LipschitzNetwork`; `dtype` and
        `name` of a Keras layer.

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        image_shape,
        hidden_units=(512, 512),
        coefficient=0.97,
        iterations=5,
        seed=None,
        dtype=None,
        **kwargs,
    ):
        units = branch_units(hidden_units)
        height, width, channels = image_shape
        widths, seeds = (channels, *units, channels), seed_stream(seed)
        layers = []
        for i, (before, after) in enumerate(zip(widths[:-1], widths[1:], strict=True)):
            options = {"iterations": iterations, "seed": next(seeds), "dtype": dtype}
            if i in (0, len(units)):
                options["scale"] = LAST if i else 1.0
                layer = SpectralConv((height, width, before), after, 3, coefficient, **options)
            else:
                layer = SpectralDense(before, after, coefficient, **options)
            layers.append(layer)
        super().__init__(layers, units[0], seed=next(seeds), dtype=dtype, **kwargs)
