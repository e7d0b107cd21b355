"""Variables and arrays: what `keras.ops` has no word for."""

import keras
import numpy as np

from zoo.backend.which import NAME

if NAME == "tensorflow":
    import tensorflow as tf

    _SPARSE = tf.SparseTensor, tf.SparseTensorSpec, tf.IndexedSlices
    _NOT_DENSE: tuple = *_SPARSE, tf.RaggedTensor, tf.RaggedTensorSpec
else:
    import jax

    _NOT_DENSE = ()


def raw(variable):
    """The backend's own variable behind a `keras.Variable` (a `tf.Variable` under TensorFlow)."""
    return variable.value


def read(variable):
    """The value of a `keras.Variable` as a tensor, in the type that autocasting asks for."""
    if NAME == "tensorflow":
        return tf.convert_to_tensor(variable.value)
    return variable.value


def value(variable):
    """The value of a `keras.Variable` as a tensor, in its own type."""
    if NAME == "tensorflow":
        return tf.convert_to_tensor(raw(variable))
    return raw(variable)


def together(x, *others):
    """`x` and `others` as they are, none of which is there before all of them are."""
    if NAME == "jax":
        return jax.lax.optimization_barrier((x, *others))
    with tf.control_dependencies(others):
        return tf.identity(x), *others


def dtype(name):
    """The type called `name`, as TFP wants it."""
    return tf.as_dtype(name) if NAME == "tensorflow" else jax.numpy.dtype(name)


def wide_dtype():
    """The widest floating type there is: JAX has no float64 unless told to."""
    return "float64" if NAME == "tensorflow" else str(jax.dtypes.canonicalize_dtype("float64"))


def is_concrete(x):
    """Whether `x` holds numbers that can be looked at now (it is no tracer or graph tensor)."""
    if NAME == "tensorflow":
        return not tf.is_tensor(x) or hasattr(x, "numpy")
    return not isinstance(x, jax.core.Tracer)


def is_on_host(x):
    """Whether `x` holds numbers that can be looked at without copying them from a device."""
    if isinstance(x, np.ndarray):
        return True
    if not is_concrete(x) or not hasattr(x, "__array__"):
        return False
    if NAME == "tensorflow":
        return not hasattr(x, "device") or "CPU" in x.device
    return not hasattr(x, "devices") or all(d.platform == "cpu" for d in x.devices())


def is_dense(x):
    """Whether `x` is no sparse or ragged array, tensor, or description of one."""
    # SciPy's and JAX's sparse arrays have the method.
    return not (isinstance(x, _NOT_DENSE) or hasattr(x, "todense"))


def has_tracers(tensors):
    """Whether any of `tensors` belongs to a function being traced by the user."""
    if NAME == "tensorflow" and not tf.executing_eagerly():
        return True
    return any(t is not None and not is_concrete(t) for t in tensors)


def length(x):
    """Number of rows of `x [n, ...]`: an integer where it is known, which costs nothing to ask."""
    n = x.shape[0]
    return keras.ops.shape(x)[0] if n is None else n


def largest(x, axis=None, keepdims=False):
    """The largest entries along axes; of none it is minus infinity, where `ops.max` would refuse.

    There are none where there are no events: a batch, or what is left of one, may be empty.
    """
    if NAME == "tensorflow":
        return tf.reduce_max(x, axis=axis, keepdims=keepdims)
    return jax.numpy.max(x, axis=axis, keepdims=keepdims, initial=-np.inf)


def transposed_product(a, b):
    """`a` transposed times `b`, of matrices `[n, c]` and `[n, d]`, without a transposed copy."""
    if NAME == "tensorflow":
        return tf.matmul(a, b, transpose_a=True)
    return keras.ops.matmul(keras.ops.transpose(a), b)


def add_bias(x, bias):
    """`x [..., c] + bias [c]`.

    TensorFlow's gradient of a plain sum keeps `x` for its shape, where the shape is not known
    before; and of convolution, this sum and a rectifier it makes one operation.
    """
    return tf.nn.bias_add(x, bias) if NAME == "tensorflow" else x + bias
