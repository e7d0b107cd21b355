"""A bound on the weights made while a file is read, so that its sizes cannot fill the memory."""

import contextlib
import contextvars
import math
import threading

import keras

_left = contextvars.ContextVar("left", default=None)
_lock = threading.RLock()


# Beside its numbers, what a weight counts for; and what is free. Layers are often made singly first
# and stacked then, and masks and factors cost as much again.
EACH, TIMES, FREE = 8, 32, 1 << 12


@contextlib.contextmanager
def weights_of(count):
    """Within, in this thread, weights far beyond `count` numbers are refused with a ValueError.

    Keras has no way to learn of a layer's weights before they are made; so `add_weight` is replaced
    for the time being, in one thread at a time.
    """
    with _lock:
        add_weight = keras.layers.Layer.add_weight

        def counted(layer, *args, shape=None, **kwargs):
            reserve(*(args[:1] if shape is None else (shape,)))
            return add_weight(layer, *args, shape=shape, **kwargs)

        token = _left.set([TIMES * count + FREE])
        keras.layers.Layer.add_weight = counted
        try:
            yield
        finally:
            keras.layers.Layer.add_weight = add_weight
            _left.reset(token)


def reserve(shape=()):
    """To be told before an array of this shape is made.

    Raises:
      ValueError: It exceeds what is left of `weights_of`, where that is in force.
    """
    budget = _left.get()
    if budget is None:
        return
    shape = (shape,) if isinstance(shape, int) else tuple(shape or ())
    budget[0] -= math.prod(shape) + EACH
    if budget[0] < 0:
        raise ValueError(
            "its configuration asks for far more weights than the file holds, at last for an array "
            f"of shape {list(shape)}"
        )
