"""Linear maps of bounded spectral norm."""

import math

import keras
import numpy as np
from keras import ops

from zoo import backend
from zoo.backend import read
from zoo.config import is_number, register


def check_coefficient(coefficient):
    """`coefficient` as a number between 0 and 1.

    Raises:
      ValueError: It is not.
    """
    if not (is_number(coefficient) and 0 < coefficient < 1):
        raise ValueError(
            "coefficient bounds the Lipschitz constant of a residual branch, whose inverse exists "
            f"for 0 < coefficient < 1, got {coefficient!r}."
        )
    return float(coefficient)


class SpectralLinear(keras.layers.Layer):
    """A linear map with a bias, used with its spectral norm at most at `coefficient`.

    The norm is that of the operator, found by power iteration (Miyato et al., 2018,
    arXiv:1802.05957; for convolutions Gouk et al., 2021, arXiv:1804.04368). The weight is scaled
    only where the norm is above the coefficient (Behrmann et al., 2019, eq. 3). The vector of the
    iteration is kept, and saved: each training step moves it on with the weights it starts with,
    `update_spectral_norm` brings it to convergence. Subclasses say what the operator is.

    Args:
      kernel_shape: Shape of the kernel.
      outputs: Number of entries, or channels, of the output.
      input_shape: Shape of one input of the operator.
      coefficient: Bound of the norm, in (0, 1).
      iterations: Power iterations a training step.
      scale: Factor on the initial kernel.
      seed: Seed of the initial weights.
      **kwargs: `dtype` and `name` of a Keras layer. All is computed in the variables' type.
    """

    def __init__(
        self,
        kernel_shape,
        outputs,
        input_shape,
        coefficient,
        iterations=5,
        scale=1.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.coefficient, self.iterations = check_coefficient(coefficient), iterations
        self.kernel = self._add("kernel", kernel_shape, _uniform(kernel_shape, scale, seed))
        self.bias = self._add("bias", (outputs,), _uniform(kernel_shape, scale, seed, bias=True))
        # The same on all replicas, which see the same weights.
        self.vector = self._add(
            "vector",
            tuple(input_shape),
            keras.initializers.RandomNormal(stddev=1.0, seed=0),
            trainable=False,
            aggregation="only_first_replica",
        )
        self.built = True

    def _add(self, name, shape, initializer, **kwargs):
        return self.add_weight(
            name=name, shape=shape, initializer=initializer, autocast=False, **kwargs
        )

    def apply(self, kernel, x):
        """The operator on `x [..., *input]`."""
        raise NotImplementedError

    def adjoint(self, kernel, y):
        """Its transpose on `y [..., *output]`."""
        raise NotImplementedError

    def update_spectral_norm(self):
        """Brings the vector to convergence with today's kernel."""
        kernel = ops.convert_to_numpy(self.kernel)
        if np.isfinite(kernel).all():
            self.vector.assign(self.converged(kernel))

    def converged(self, kernel):
        """The vector of a kernel, an array."""
        raise NotImplementedError

    def is_settled(self):
        """Whether the kept vector is near enough to that of today's kernel.

        It is where the norm after scaling, found by some more iterations, lies below the middle
        between the coefficient and one; and where there is no telling, for NaN.
        """
        kernel, vector = backend.value(self.kernel), backend.value(self.vector)
        norms = []
        for _ in range(max(self.iterations, 5)):
            norms.append(float(norm_of(self.apply(kernel, (vector / norm_of(vector))[None]))))
            vector = self.iterate(kernel, vector)
        scaled = max(norms) * min(1.0, self.coefficient / norms[0])
        return not scaled > 0.5 * (1.0 + self.coefficient)

    def load_own_variables(self, store):
        super().load_own_variables(store)
        if not self.is_settled():
            self.update_spectral_norm()

    def iterate(self, kernel, vector):
        """One power iteration."""
        vector = self.adjoint(kernel, self.apply(kernel, vector[None]))[0]
        return vector / (norm_of(vector) + 1e-20)

    def norm(self):
        """The operator's norm before it is scaled, as the kept vector has it."""
        vector = read(self.vector)
        return norm_of(self.apply(read(self.kernel), (vector / norm_of(vector))[None]))

    def weights_now(self, training=False):
        """The scaled kernel and the bias; in a training step the vector moves on."""
        kernel, vector = read(self.kernel), read(self.vector)
        if training:
            fixed = ops.stop_gradient(kernel)
            # A loop, for XLA would spend long on compiling all steps of all maps.
            (vector,) = backend.loop(
                self.iterations, lambda _, state: (self.iterate(fixed, state[0]),), (vector,)
            )
            self.vector.assign(vector)
        vector = ops.stop_gradient(vector)
        vector = vector / (norm_of(vector) + 1e-20)
        # The gradient goes through the norm: u v^T, with u the image of v at unit length.
        norm = norm_of(self.apply(kernel, vector[None]))
        return [kernel * ops.minimum(1.0, self.coefficient / norm), read(self.bias)]


@register("zoo.networks")
class SpectralDense(SpectralLinear):
    """A matrix on the last axis, `[inputs, units]`; see `SpectralLinear`.

    On images it is the 1x1 convolution, whose norm is that of the matrix.

    Args:
      inputs: Number of entries of the input.
      units: Number of entries of the output.
      coefficient: Bound of the norm, in (0, 1).
      **kwargs: `iterations`, `scale`, `seed`, `dtype` and `name` of `SpectralLinear`.
    """

    def __init__(self, inputs, units, coefficient, **kwargs):
        super().__init__((inputs, units), units, (inputs,), coefficient, **kwargs)
        self.update_spectral_norm()

    def apply(self, kernel, x):
        return _product(x, kernel)

    def adjoint(self, kernel, y):
        return _product(y, ops.transpose(kernel))

    def converged(self, kernel):
        left, _, _ = np.linalg.svd(kernel.astype("float64"), full_matrices=False)
        return left[:, 0].astype(self.vector.dtype)


def fingerprints(layers):
    """Sums of each kernel and of its squares, which change where it does but for a permutation."""
    kernels = [read(layer.kernel) for layer in layers]
    return ops.stack([x for k in kernels for x in (ops.sum(k), ops.sum(k * k))])


def _uniform(kernel_shape, scale, seed, bias=False):
    """Uniform within `1 / sqrt(inputs)`, as in the authors' code."""
    bound = scale / math.sqrt(math.prod(kernel_shape[:-1]))
    seed = None if seed is None else 2 * seed + bias
    return keras.initializers.RandomUniform(-bound, bound, seed=seed)


def norm_of(x):
    """The Euclidean norm of all of `x`; its gradient is finite at zero."""
    return ops.sqrt(ops.sum(x * x) + 1e-30)


def _product(x, kernel):
    """`x [..., inputs]` times a matrix, as one product of matrices."""
    if len(x.shape) == 2:
        return ops.matmul(x, kernel)
    flat = ops.matmul(ops.reshape(x, (-1, kernel.shape[0])), kernel)
    return ops.reshape(flat, (*ops.shape(x)[:-1], kernel.shape[1]))
