"""A masked dense layer that stores only what its mask lets through."""

import keras
import numpy as np
from keras import ops

from zoo.backend import budget, read
from zoo.config import register


@register("zoo.networks")
class MaskedDense(keras.layers.Layer):
    """Dense layer in which output `j` sees the inputs `i` with `in_degrees[i] <= out_degrees[j]`.

    Both lists of degrees are sorted, so what an output sees is a leading slice of the inputs. The
    kernel is kept as a few column blocks, each with only the rows its columns may see: the zero
    half is neither stored, nor multiplied, nor updated. What is left of the mask is one small
    triangle a block, which is masked where it is read: any weights are valid.

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
        self.kernels, self._edges = [], list(zip(edges[:-1], edges[1:], strict=True))
        for start, stop in self._edges:
            rows = int(np.searchsorted(self._in, self._out[stop - 1], side="right"))
            value = self._masked(dense[:rows, start:stop], start)
            kernel = None
            if rows:
                kernel = self.add_weight(
                    name=f"kernel_{start}",
                    shape=(rows, stop - start),
                    initializer=lambda shape, dtype, value=value: ops.cast(value, dtype),
                )
            self.kernels.append(kernel)
        self.bias = self.add_weight(name="bias", shape=(len(self._out),), initializer="zeros")
        self.built = True

    def _masked(self, kernel, start):
        """The block of columns from `start` on, zero where a degree of a row exceeds a column's."""
        rows, columns = self._in[: kernel.shape[0]], self._out[start : start + kernel.shape[1]]
        if not len(rows) or rows[-1] <= columns[0]:
            return kernel
        # Compared where it is used: a stored mask would be as large as the kernel.
        mask = ops.convert_to_tensor(rows)[:, None] <= ops.convert_to_tensor(columns)[None, :]
        return ops.where(mask, kernel, ops.zeros_like(kernel))

    def _blocks(self):
        """The masked kernel of each block of columns; those that see nothing have no rows."""
        for (start, stop), kernel in zip(self._edges, self.kernels, strict=True):
            if kernel is None:
                yield ops.zeros((0, stop - start), dtype=read(self.bias).dtype)
            else:
                yield self._masked(read(kernel), start)

    def call(self, x):
        """`[n, len(in_degrees)]` to `[n, len(out_degrees)]`."""
        parts = []
        for kernel in self._blocks():
            rows, columns = kernel.shape
            if rows == x.shape[-1]:
                parts.append(ops.matmul(x, kernel))
            elif rows:
                parts.append(ops.matmul(x[:, :rows], kernel))
            else:  # A product over no inputs crashes oneDNN.
                parts.append(ops.zeros((ops.shape(x)[0], columns), dtype=x.dtype))
        y = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)
        return y + read(self.bias)

    def dense_kernel(self):
        """The whole kernel `[len(in_degrees), len(out_degrees)]`, zeros included."""
        size = len(self._in)
        columns = [ops.pad(k, ((0, size - k.shape[0]), (0, 0))) for k in self._blocks()]
        return ops.concatenate(columns, axis=-1)
