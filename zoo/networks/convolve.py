"""A convolution with a gradient that suits few filters.

Not for loops: what TensorFlow traces within one is kept with its gradient for good; see
`zoo.backend.registered_here`.
"""

from keras import ops

from zoo import backend


def convolve(x, kernel):
    """`x [n, h, w, channels]` to `[n, h, w, filters]`, as large, with zeros around `x`.

    Args:
      x: The maps.
      kernel: Tensor `[size, size, channels, filters]` of the type of `x`.
    """
    if backend.faster_gradients() and _thins(kernel.shape):
        return _by_products(x, kernel)
    return plain(x, kernel)


def plain(x, kernel):
    """`convolve(x, kernel)` with the backend's own gradient."""
    if x.shape[0] == 0:  # TensorFlow on a CPU gives no maps of the wrong shape for none.
        return ops.zeros((*x.shape[:-1], kernel.shape[-1]), dtype=x.dtype)
    return ops.conv(x, kernel, padding="same", data_format="channels_last")


def _thins(shape):
    """Whether a gradient's patches, of all that one input touches, are no wider than two inputs.

    For 128 maps to 12, 16 pixels square, the two products took a third of the time of TensorFlow's
    own gradient on a CPU, for 24 half of it, for 48 as long.
    """
    height, width, channels, filters = shape
    return height * width > 1 and height * width * filters <= 2 * channels


@ops.custom_gradient
def _by_products(x, kernel):
    """`plain(x, kernel)`; its gradients are two products of matrices with the same patches."""

    def gradient(*args, upstream=None):
        upstream = args[0] if upstream is None else upstream
        height, width, channels, filters = kernel.shape
        patches = _patches(upstream, height, width)
        flat = ops.reshape(ops.transpose(kernel, (0, 1, 3, 2)), (-1, channels))
        found = backend.transposed_product(ops.reshape(x, (-1, channels)), patches)
        found = ops.reshape(found, (channels, height, width, filters))
        of_x = ops.reshape(ops.matmul(patches, flat), ops.shape(x))
        return of_x, ops.transpose(found, (1, 2, 0, 3))

    return plain(x, kernel), gradient


def _patches(y, height, width):
    """Of `y [n, h, w, c]`, what each input had a part in: `[n h w, height width c]`."""
    shape = ops.shape(y)
    # A kernel of even size reaches one further to the right of where it is than to the left.
    before = height // 2, width // 2
    after = height - 1 - before[0], width - 1 - before[1]
    y = ops.pad(y, ((0, 0), (before[0], after[0]), (before[1], after[1]), (0, 0)))
    parts = [
        y[:, i : i + shape[1], j : j + shape[2]]
        for i in reversed(range(height))
        for j in reversed(range(width))
    ]
    return ops.reshape(ops.concatenate(parts, axis=-1), (-1, height * width * shape[-1]))
