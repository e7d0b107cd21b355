"""TensorFlow without a library of flows: one evaluation of each network, all under XLA.

The bar that a library should clear: what somebody who knows the mathematics writes in an hour.
"""

import math

import tensorflow as tf

from benchmarks.competitors.tensorflow_common import Dense, TensorFlowModel
from benchmarks.tasks import masks


def _normal(z):
    return -0.5 * tf.reduce_sum(z * z + math.log(2 * math.pi), axis=-1)


def _model(task, steps, networks, log_prob, decode, project=None):
    variables = [v for network in networks for v in (*network.kernels, *network.biases)]
    count = sum(network.num_params() for network in networks)
    compiled = tf.function(decode, jit_compile=True, autograph=False)

    def sample(n, seed):
        # XLA's own random numbers are slower than TensorFlow's.
        return compiled(tf.random.stateless_normal((n, task.size), seed))

    return TensorFlowModel(
        task, steps, log_prob, sample, variables, count, project, jit=True, jit_sample=False
    )


def _real_nvp(task, steps):
    half = task.size // 2
    networks = [Dense((half, *task.hidden_units, task.size)) for _ in range(task.layers)]

    def parameters(network, kept):
        shift, log_scale = tf.split(network(kept), 2, axis=-1)
        return shift, tf.tanh(log_scale)

    def log_prob(x):
        one, two = tf.split(x, 2, axis=-1)
        total = 0.0
        for network in networks:
            shift, log_scale = parameters(network, one)
            one, two = (two - shift) * tf.exp(-log_scale), one
            total -= tf.reduce_sum(log_scale, axis=-1)
        return _normal(one) + _normal(two) + total

    def sample(z):
        one, two = tf.split(z, 2, axis=-1)
        for network in reversed(networks):
            shift, log_scale = parameters(network, two)
            one, two = two, one * tf.exp(log_scale) + shift
        return tf.concat([one, two], axis=-1)

    return _model(task, steps, networks, log_prob, sample)


def _maf(task, steps):
    size = task.size
    widths = (size, *task.hidden_units, 2 * size)
    networks = [Dense(widths, masks(size, task.hidden_units)) for _ in range(task.layers)]

    def log_prob(x):
        total = 0.0
        for network in networks:
            params = tf.reshape(network(x), (-1, size, 2))
            log_scale = tf.tanh(params[..., 1])
            x = tf.reverse((x - params[..., 0]) * tf.exp(-log_scale), [-1])
            total -= tf.reduce_sum(log_scale, axis=-1)
        return _normal(x) + total

    def sample(z):
        for network in reversed(networks):
            z = _sequential(network, tf.reverse(z, [-1]), size)
        return z

    def project():
        for network in networks:
            network.project()

    return _model(task, steps, networks, log_prob, sample, project)


def _sequential(network, u, size):
    """`u` to `x`: each step adds one input to the first layer, and wants two outputs of the last.

    What lies between is computed whole at every step.
    """
    columns = tf.reshape(network.kernels[-1], (-1, size, 2))

    def step(i, x, first):
        hidden = tf.nn.relu(first)
        for kernel, bias in zip(network.kernels[1:-1], network.biases[1:-1], strict=True):
            hidden = tf.nn.relu(hidden @ kernel + bias)
        params = hidden @ columns[:, i] + tf.reshape(network.biases[-1], (size, 2))[i]
        value = u[:, i] * tf.exp(tf.tanh(params[:, 1])) + params[:, 0]
        x = tf.tensor_scatter_nd_update(x, [[i]], value[None])
        return i + 1, x, first + value[:, None] * network.kernels[0][i]

    first = tf.zeros_like(u[:, :1]) + network.biases[0]
    state = tf.while_loop(
        lambda i, *_: i < size,
        step,
        (0, tf.zeros((size, u.shape[0])), first),
        maximum_iterations=size,
    )
    return tf.transpose(state[1])


FAMILIES = {"real_nvp": _real_nvp, "maf": _maf}
LEFT_OUT = {"glow": "not written by hand", "residual": "not written by hand"}
