"""A bound on the weights that are made: sizes of a file or a call cannot fill the memory."""

import contextlib
import contextvars
import math
import os
import threading

import keras

_left = contextvars.ContextVar("left", default=None)
_lock = threading.RLock()


# Beside its numbers, what a weight counts for; and what is free. Layers are often made singly first
# and stacked then, and masks and factors cost as much again.
EACH, TIMES, FREE = 8, 32, 1 << 12


def weights_of(count):
    """Within, in this thread, weights far beyond `count` numbers are refused with a ValueError."""
    return _bounded(
        TIMES * count + FREE,
        EACH,
        "its configuration asks for far more weights than the file holds",
    )


@contextlib.contextmanager
def of_this_machine(name):
    """Within, in this thread, weights beyond the machine's memory are refused with a ValueError.

    `name` is what the error calls the object that is made.
    """
    if _left.get() is not None or (memory := _memory()) is None:
        yield
        return
    with _bounded(memory // 4, 0, f"{name} asks for more weights than this machine has memory for"):
        yield


def _memory():
    """Bytes of the machine's memory, `None` where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


@contextlib.contextmanager
def _bounded(count, each, words):
    """Within, arrays of more numbers than `count`, each one `each` more, are refused in `words`.

    Keras has no way to learn of a layer's weights before they are made; so `add_weight` is replaced
    for the time being, in one thread at a time.
    """
    with _lock:
        add_weight = keras.layers.Layer.add_weight

        def counted(layer, *args, shape=None, **kwargs):
            reserve(*(args[:1] if shape is None else (shape,)))
            return add_weight(layer, *args, shape=shape, **kwargs)

        token = _left.set([count, each, words])
        keras.layers.Layer.add_weight = counted
        try:
            yield
        finally:
            keras.layers.Layer.add_weight = add_weight
            _left.reset(token)


def reserve(shape=()):
    """To be told before an array of this shape is made.

    Raises:
      ValueError: It exceeds what is left of a bound, where one is in force.
    """
    budget = _left.get()
    if budget is None:
        return
    shape = (shape,) if isinstance(shape, int) else tuple(shape or ())
    _, each, words = budget
    budget[0] -= math.prod(shape) + each
    if budget[0] < 0:
        raise ValueError(f"{words}, at last for an array of shape {list(shape)}")
