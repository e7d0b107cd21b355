"""What the competitors on TensorFlow share."""

import math

import keras
import tensorflow as tf

from benchmarks import tasks
from benchmarks.competitors import RATE


def matmul(size):
    """A function that multiplies two float32 matrices of this size, and waits for it."""
    a, b = tf.random.normal((2, size, size))
    product = tf.function(tf.linalg.matmul)
    return lambda: product(a, b).numpy()


def network(widths, sizes=None, masks=None):
    """Dense layers, or convolutions, with rectifiers between them.

    Args:
      widths: Width of the input, of each hidden layer, and of the output.
      sizes: Height and width of each kernel; `None` for dense layers.
      masks: Boolean masks `[inputs, outputs]` of dense layers. Masked weights start at zero, and
        Keras' optimizers put them back there after each update.
    """
    model = keras.Sequential([keras.Input((None, None, widths[0]) if sizes else widths[:1])])
    for i, width in enumerate(widths[1:]):
        activation = "relu" if i < len(widths) - 2 else None
        options = {
            "activation": activation,
            "kernel_initializer": keras.initializers.GlorotUniform(i),
        }
        if sizes:
            model.add(keras.layers.Conv2D(width, sizes[i], padding="same", **options))
            continue
        mask = None if masks is None else tf.constant(masks[i], tf.float32)
        constraint = None if masks is None else lambda kernel, mask=mask: kernel * mask
        model.add(keras.layers.Dense(width, kernel_constraint=constraint, **options))
        if masks is not None:
            kernel = model.layers[-1].kernel
            kernel.assign(kernel * mask)
    return model


def of_noise(task, decode, jit=True):
    """`(n, seed) -> samples`: `decode`, compiled, of normal noise.

    That is drawn by TensorFlow, for XLA's own random numbers are slower.
    """
    compiled = tf.function(decode, jit_compile=jit, autograph=False)
    return lambda n, seed: compiled(tf.random.stateless_normal((n, *task.event_shape), seed))


def coupling_networks(task):
    """The networks of a RealNVP's couplings."""
    widths = (task.size // 2, *task.hidden_units, task.size)
    return [network(widths) for _ in range(task.layers)]


def made_networks(task):
    """The networks of a MAF's layers, and how many of their weights the masks take out."""
    widths, masks = (task.size, *task.hidden_units, 2 * task.size), tasks.masks(task)
    masked = sum(int((~mask).sum()) for mask in masks)
    return [network(widths, masks=masks) for _ in range(task.layers)], task.layers * masked


class TensorFlowModel:
    """A density over variables, its calls compiled by `tf.function`.

    Args:
      task, steps: As the builders have them.
      log_prob: `x [batch, ...] -> [batch]`.
      sample: `(n, seed [2]) -> [n, ...]`.
      networks: Keras layers, or whatever else has `trainable_variables`.
      masked: Number of parameters that a mask takes out.
      jit: Whether to compile with XLA.
      jit_sample: The same for `sample`, where it differs.
    """

    def __init__(
        self, task, steps, log_prob, sample, networks, masked=0, jit=False, jit_sample=None
    ):
        self.networks = networks
        variables = [v for network in networks for v in network.trainable_variables]
        self.parameters = sum(math.prod(v.shape) for v in variables) - masked
        self._x, self._draws = tf.constant(task.data()), 0
        self._batches = tf.split(tf.constant(task.data(steps, seed=1)), steps)
        optimizer = keras.optimizers.Adam(RATE)
        optimizer.build(variables)

        def step(x):
            with tf.GradientTape() as tape:
                loss = -tf.reduce_mean(log_prob(x))
            optimizer.apply(tape.gradient(loss, variables), variables)
            return loss

        def compiled(function, jit):
            return tf.function(function, jit_compile=jit, autograph=False)

        self._log_prob, self._step = compiled(log_prob, jit), compiled(step, jit)
        self._sample = compiled(
            lambda seed: sample(task.batch, seed), jit if jit_sample is None else jit_sample
        )

    def log_prob(self):
        return self._log_prob(self._x).numpy()

    def sample(self):
        self._draws += 1
        return self._sample(tf.constant([0, self._draws])).numpy()

    def train(self):
        for batch in self._batches:
            loss = self._step(batch)
        return float(loss)
