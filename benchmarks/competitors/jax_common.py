"""What the competitors on JAX share."""

import jax
import jax.numpy as jnp
import numpy as np


def matmul(size):
    """A function that multiplies two float32 matrices of this size, and waits for it."""
    a, b = jax.random.normal(jax.random.key(0), (2, size, size))
    product = jax.jit(jnp.matmul)
    return lambda: product(a, b).block_until_ready()


class JaxModel:
    """A density as functions of its parameters, each compiled by the caller.

    Args:
      task, steps: As the builders have them.
      log_prob: `(state, x [batch, ...]) -> [batch]`.
      sample: `(state, key) -> [batch, ...]`.
      step: `(state, x) -> (state, loss)`, one training step.
      state: Parameters, and the optimizer's state.
      masked: Number of parameters that a mask takes out.
    """

    def __init__(self, task, steps, log_prob, sample, step, state, masked=0):
        self._log_prob, self._sample, self._step, self._state = log_prob, sample, step, state
        self.parameters = sum(leaf.size for leaf in jax.tree.leaves(state[0])) - masked
        self._x, self._key = jnp.asarray(task.data()), jax.random.key(0)
        self._batches = [jnp.asarray(x) for x in np.split(task.data(steps, seed=1), steps)]

    def log_prob(self):
        return np.asarray(self._log_prob(self._state, self._x))

    def sample(self):
        self._key, key = jax.random.split(self._key)
        return np.asarray(self._sample(self._state, key))

    def train(self):
        for batch in self._batches:
            self._state, loss = self._step(self._state, batch)
        return float(loss)
