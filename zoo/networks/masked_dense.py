"""A masked dense layer that stores only what its mask lets through."""

import keras
import numpy as np
from keras import ops

from zoo.backend import budget, constrain, read
from zoo.config import register


class DegreeMask(keras.constraints.Constraint):
    """Zero where an input's degree exceeds the output's.

    Args:
      in_degrees: Integer array, one a row of the kernel.
      out_degrees: Integer array, one a column.
    """

    def __init__(self, in_degrees, out_degrees):
        self.in_degrees = np.asarray(in_degrees, np.int32)
        self.out_degrees = np.asarray(out_degrees, np.int32)
        self.dense = bool(self.in_degrees.max(initial=0) <= self.out_degrees.min(initial=0))

    def __call__(self, w):
        w = ops.convert_to_tensor(w)
        # Compared where it is used: a stored mask would be as large as the kernel.
        rows = ops.convert_to_tensor(self.in_degrees)
        mask = rows[:, None] <= ops.convert_to_tensor(self.out_degrees)[None, :]
        return ops.where(mask, w, ops.zeros_like(w))

    def gradient_only(self, w):
        """`w` itself, with the gradient masked.

        Any optimizer that works entry by entry then leaves the masked entries at zero, also one
        that knows nothing of constraints; and no forward pass pays for it.
        """

        @ops.custom_gradient
        def identity(w):
            def gradient(*args, upstream=None):
                return self(args[0] if upstream is None else upstream)

            return ops.copy(w), gradient

        return identity(w)


@register("zoo.networks")
class MaskedDense(keras.layers.Layer):
    """Dense layer in which output `j` sees the inputs `i` with `in_degrees[i] <= out_degrees[j]`.

    Both lists of degrees are sorted, so what an output sees is a leading slice of the inputs. The
    kernel is kept as a few column blocks, each with only the rows its columns may see: the zero
    half is neither stored, nor multiplied, nor updated. What is left of the mask is one small
    triangle a block, zero from the start and kept so by a masked gradient and a constraint.

    Args:
      in_degrees: Sorted integers, one an input.
      out_degrees: Sorted integers, one an output.
      kernel_initializer: Keras initializer of the dense kernel that the blocks are cut from.
      blocks: Number of column blocks.
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    def __init__(
        self, in_degrees, out_degrees, kernel_initializer="glorot_uniform", blocks=4, **kwargs
    ):
        super().__init__(**kwargs)
        self._in = np.asarray(in_degrees, np.int32)
        self._out = np.asarray(out_degrees, np.int32)
        edges = np.unique(np.linspace(0, len(self._out), blocks + 1).round().astype(int))
        initializer = keras.initializers.get(kernel_initializer)
        shape = (max(len(self._in), 1), len(self._out))
        budget.reserve(shape)
        dense = initializer(shape, dtype=self.variable_dtype)
        self.kernels, self._columns = [], []
        for start, stop in zip(edges[:-1], edges[1:], strict=True):
            columns = self._out[start:stop]
            rows = int(np.searchsorted(self._in, columns[-1], side="right"))
            self._columns.append(stop - start)
            if rows == 0:
                self.kernels.append(None)
                continue
            mask = DegreeMask(self._in[:rows], columns)
            value = mask(dense[:rows, start:stop])
            kernel = self.add_weight(
                name=f"kernel_{start}",
                shape=(rows, stop - start),
                initializer=lambda shape, dtype, value=value: ops.cast(value, dtype),
                constraint=None if mask.dense else mask,
            )
            constrain(kernel)
            self.kernels.append(kernel)
        self.bias = self.add_weight(name="bias", shape=(len(self._out),), initializer="zeros")
        self.built = True

    def _kernel(self, block):
        kernel = read(self.kernels[block])
        constraint = self.kernels[block].constraint
        return kernel if constraint is None else constraint.gradient_only(kernel)

    def call(self, x):
        """`[n, len(in_degrees)]` to `[n, len(out_degrees)]`."""
        parts = []
        for block, columns in enumerate(self._columns):
            if self.kernels[block] is None:
                parts.append(ops.zeros((ops.shape(x)[0], columns), dtype=x.dtype))
                continue
            kernel = self._kernel(block)
            parts.append(ops.matmul(x[:, : kernel.shape[0]], kernel))
        y = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)
        return y + read(self.bias)

    def dense_kernel(self):
        """The whole kernel `[len(in_degrees), len(out_degrees)]`, zeros included."""
        size = len(self._in)
        columns = []
        for block, width in enumerate(self._columns):
            if self.kernels[block] is None:
                columns.append(ops.zeros((size, width), dtype=self.variable_dtype))
                continue
            kernel = self._kernel(block)
            columns.append(ops.pad(kernel, ((0, size - kernel.shape[0]), (0, 0))))
        return ops.concatenate(columns, axis=-1)
