"""What the competitors on JAX share."""

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.competitors.model import Model


def matmul(size):
    """A function that multiplies two float32 matrices of this size, and waits for it."""
    keys = jax.random.split(jax.random.key(0))
    a, b = (jax.random.normal(key, (size, size)) for key in keys)
    product = jax.jit(jnp.matmul)
    return lambda: product(a, b).block_until_ready()


class JaxModel(Model):
    """A density as functions of its parameters, each compiled by the caller.

    Args:
      task, steps: As in `Model`.
      log_prob: `(state, x [batch, ...]) -> [batch]`.
      sample: `(state, key) -> [batch, ...]`.
      step: `(state, x) -> (state, loss)`, one training step.
      state: Parameters, and the optimizer's state.
      count: Number of unmasked parameters.
    """

    def __init__(self, task, steps, log_prob, sample, step, state, count):
        super().__init__(task, steps)
        self._log_prob, self._sample, self._step = log_prob, sample, step
        self._state, self._count = state, count
        self._x = jnp.asarray(task.data())
        data = task.data(steps, seed=1)
        self._batches = [jnp.asarray(x) for x in np.split(data, steps)]
        self._key = jax.random.key(0)

    def num_params(self):
        return self._count

    def log_prob(self):
        return np.asarray(self._log_prob(self._state, self._x))

    def sample(self):
        self._key, key = jax.random.split(self._key)
        return np.asarray(self._sample(self._state, key))

    def train(self):
        for batch in self._batches:
            self._state, loss = self._step(self._state, batch)
        return float(loss)
