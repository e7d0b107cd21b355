"""Seeds, and whether weights are being trained, as one argument of what estimates or draws."""

import keras

from zoo import backend


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
            seed = backend.draw_seed(seed)
        elif seed is None:
            seed = backend.make_seed(0)
        return backend.samplers.fold_in(seed, self._start + index + 1)

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
        seed = backend.draw_seed(seed)
    return backend.samplers.uniform(shape, dtype=dtype, seed=seed)
