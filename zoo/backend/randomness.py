"""Seeds, and whether weights are being trained, as one argument of what estimates or draws."""

import secrets

import keras
import numpy as np

from zoo.backend.arrays import is_concrete
from zoo.backend.which import NAME, samplers

if NAME == "tensorflow":
    import tensorflow as tf
else:
    import jax


def make_seed(seed=None):
    """A stateless seed: the same integer gives the same numbers in every process.

    Args:
      seed: `None` (fresh randomness), an integer from 0 to `2**31 - 1`, or a stateless seed as TFP
        takes it (two int32 numbers, or a JAX key), which is handed through.

    Raises:
      ValueError: It is none of these.
    """
    if seed is None:
        if NAME == "tensorflow" and not tf.executing_eagerly():
            return samplers.sanitize_seed(None)
        seed = secrets.randbits(31)
    number = _number(seed)
    if number is not None and 0 <= number < 2**31:
        if NAME == "jax":
            return jax.random.PRNGKey(number)
        return tf.constant([0, number], tf.int32)
    if number is not None or not _is_stateless(seed):
        raise ValueError(
            "seed must be an integer from 0 to 2**31 - 1, two of 32 bits, or None for fresh "
            f"randomness, got {seed!r:.80}."
        )
    if NAME == "tensorflow":
        seed = tf.convert_to_tensor(seed)
        if seed.shape.rank == 0:
            seed = tf.stack([tf.zeros([], tf.int32), tf.cast(seed, tf.int32)])
    return seed


def _number(seed):
    """An integer that is known now, given as a number, an array or a tensor; else `None`."""
    if isinstance(seed, int | np.integer):
        return None if isinstance(seed, bool) else int(seed)
    if "int" in str(getattr(seed, "dtype", "")) and np.ndim(seed) == 0 and is_concrete(seed):
        return int(seed)
    return None


def _is_stateless(seed):
    """Whether `seed` is two int32 numbers, a key of JAX's, or an integer not known yet."""
    if isinstance(seed, list | tuple):
        whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in seed)
        return len(seed) == 2 and whole and all(-(2**31) <= n < 2**31 for n in seed)
    kind = str(getattr(seed, "dtype", ""))
    return "key" in kind or ("int" in kind and tuple(seed.shape) in ((), (2,)))


def draw_seed(generator):
    """The next stateless seed of a `keras.random.SeedGenerator`."""
    seed = generator.next()
    return tf.cast(seed, tf.int32) if NAME == "tensorflow" else seed


def split_seed(seed, n=2):
    """`n` independent stateless seeds out of one."""
    return samplers.split_seed(seed, n=n)


class Randomness:
    """Seeds for one evaluation of a flow, and whether its weights are being trained in it.

    It is handed from a flow to its layers, each of which gets seeds of its own (`after`). With an
    integer's seed the numbers are the same in every process; with a generator each seed is drawn
    when it is asked for, so that a distribution made once estimates anew in every training step.

    Args:
      seed: A stateless seed, a `keras.random.SeedGenerator`, or `None` for fixed seeds.
      training: Whether weights are trained: estimators may then be others, and vectors of power
        iterations move on.
      start: How many seeds are taken already.
    """

    def __init__(self, seed=None, training=False, start=0):
        self.training = bool(training)
        self._seed, self._start = seed, start

    def seed(self, index=0):
        """The stateless seed with this index, another one for each index."""
        seed = self._seed
        if isinstance(seed, keras.random.SeedGenerator):
            seed = draw_seed(seed)
        elif seed is None:
            seed = make_seed(0)
        return samplers.fold_in(seed, self._start + index + 1)

    def after(self, count):
        """Seeds that begin `count` later: what stays after another layer took as many."""
        return Randomness(self._seed, self.training, self._start + count)


def uniform(shape, dtype, seed):
    """Numbers in `[0, 1)`.

    Args:
      shape: Shape of what is drawn.
      dtype: Floating type.
      seed: A stateless seed, or a `keras.random.SeedGenerator`.
    """
    if isinstance(seed, keras.random.SeedGenerator):
        seed = draw_seed(seed)
    return samplers.uniform(shape, dtype=dtype, seed=seed)
