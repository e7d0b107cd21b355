"""What the competitors on TensorFlow share."""

import math

import numpy as np
import tensorflow as tf

from benchmarks.competitors.model import Model


def matmul(size):
    """A function that multiplies two float32 matrices of this size, and waits for it."""
    a, b = (
        tf.constant(np.random.default_rng(i).normal(size=(size, size)), tf.float32) for i in (0, 1)
    )
    product = tf.function(tf.linalg.matmul)
    return lambda: product(a, b).numpy()


def glorot(shape, seed):
    """A `tf.Variable` with Glorot's uniform initialization, for a matrix or a kernel."""
    fan = math.prod(shape[:-2]) * (shape[-2] + shape[-1])
    bound = math.sqrt(6.0 / fan)
    value = np.random.default_rng(seed).uniform(-bound, bound, shape)
    return tf.Variable(value.astype("float32"))


class Dense(tf.Module):
    """A stack of dense layers with rectifiers between them.

    Args:
      widths: Width of the input, of each hidden layer, and of the output.
      masks: Boolean masks `[inputs, outputs]`, one a layer, which the kernels start with; see
        `project`.
    """

    def __init__(self, widths, masks=None):
        super().__init__()
        shapes = list(zip(widths[:-1], widths[1:], strict=True))
        self.kernels = [glorot(shape, seed) for seed, shape in enumerate(shapes)]
        self.biases = [tf.Variable(tf.zeros(shape[1])) for shape in shapes]
        self.masks = None if masks is None else [tf.constant(m, tf.float32) for m in masks]
        self.project()

    def __call__(self, x):
        for i, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            x = tf.linalg.matmul(x if i == 0 else tf.nn.relu(x), kernel) + bias
        return x

    def project(self):
        """Sets masked weights to zero: a constraint after each update, as Keras has them."""
        for kernel, mask in zip(self.kernels, self.masks or (), strict=self.masks is not None):
            kernel.assign(kernel * mask)

    def num_params(self):
        """Number of unmasked weights, and of biases."""
        masks = self.masks or [tf.ones_like(kernel) for kernel in self.kernels]
        weights = sum(int(tf.reduce_sum(mask)) for mask in masks)
        return weights + sum(int(tf.size(bias)) for bias in self.biases)


class TensorFlowModel(Model):
    """A density over `tf.Variable`s, its calls compiled by `tf.function`.

    Args:
      task, steps: As in `Model`.
      log_prob: `x [batch, ...] -> [batch]`.
      sample: `(n, seed [2]) -> [n, ...]`.
      variables: Those to train.
      count: Number of unmasked parameters.
      project: Called after each update.
      jit: Whether to compile with XLA.
      jit_sample: The same for `sample`, where it differs.
    """

    def __init__(
        self,
        task,
        steps,
        log_prob,
        sample,
        variables,
        count,
        project=None,
        jit=False,
        jit_sample=None,
    ):
        super().__init__(task, steps)
        self._x = tf.constant(task.data())
        self._batches = list(tf.split(tf.constant(task.data(steps, seed=1)), steps))
        self._variables, self._count = list(variables), count
        self._optimizer = tf.optimizers.Adam(self.rate)
        self._optimizer.build(self._variables)

        def step(x):
            with tf.GradientTape() as tape:
                loss = -tf.reduce_mean(log_prob(x))
            gradients = tape.gradient(loss, self._variables)
            self._optimizer.apply(gradients, self._variables)
            if project is not None:
                project()
            return loss

        self._log_prob = tf.function(log_prob, jit_compile=jit, autograph=False)
        self._sample = tf.function(
            lambda seed: sample(task.batch, seed),
            jit_compile=jit if jit_sample is None else jit_sample,
            autograph=False,
        )
        self._step = tf.function(step, jit_compile=jit, autograph=False)
        self._draws = 0

    def num_params(self):
        return self._count

    def log_prob(self):
        return self._log_prob(self._x).numpy()

    def sample(self):
        self._draws += 1
        return self._sample(tf.constant([0, self._draws])).numpy()

    def train(self):
        for batch in self._batches:
            loss = self._step(batch)
        return float(loss)
