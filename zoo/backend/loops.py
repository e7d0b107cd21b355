"""Loops in one traced step, and rows that they write."""

import keras

from zoo.backend.compiled import uses_xla
from zoo.backend.which import NAME

if NAME == "tensorflow":
    import tensorflow as tf
else:
    import jax


def loop(count, body, state):
    """`state = body(i, state)` for `i = 0..count-1`, in one traced step; gradients pass."""
    if NAME == "tensorflow":

        def step(i, *state):
            return (i + 1, *body(i, state))

        return tf.while_loop(
            lambda i, *state: i < count,
            step,
            (tf.constant(0), *state),
            maximum_iterations=count,
        )[1:]
    return jax.lax.fori_loop(0, count, lambda i, state: tuple(body(i, state)), tuple(state))


def while_loop(condition, body, state, maximum):
    """`state = body(state)` while `condition(state)`, at most `maximum` times; no gradients."""
    if NAME == "tensorflow":
        return tf.while_loop(
            lambda *state: condition(state),
            lambda *state: tuple(body(state)),
            tuple(state),
            maximum_iterations=maximum,
        )
    return jax.lax.while_loop(
        lambda s: jax.numpy.logical_and(s[0] < maximum, condition(s[1])),
        lambda s: (s[0] + 1, tuple(body(s[1]))),
        (jax.numpy.int32(0), tuple(state)),
    )[1]


def put_rows(x, start, rows):
    """`x` with `rows` in place of its own from row `start` on."""
    if NAME == "jax" or uses_xla():
        return keras.ops.slice_update(x, (start, keras.ops.zeros_like(start)), rows)
    places = start + tf.range(tf.shape(rows)[0], dtype=start.dtype)
    return tf.tensor_scatter_nd_update(x, places[:, None], rows)


def put(x, i, value, axis):
    """`x` with `value`, which lacks that axis, in place `i` along an axis."""
    value = keras.ops.expand_dims(value, axis)
    if NAME == "jax" or uses_xla():
        zero = keras.ops.zeros_like(i)
        start = [i if a == axis else zero for a in range(len(x.shape))]
        return keras.ops.slice_update(x, start, value)
    shape = [-1 if a == axis else 1 for a in range(len(x.shape))]
    here = keras.ops.reshape(keras.ops.arange(x.shape[axis]) == i, shape)
    return keras.ops.where(here, value, x)
