"""TensorFlow without a library of flows: one evaluation of each network, all under XLA.

The bar that a library should clear: what somebody who knows the mathematics writes in an hour.
"""

import math

import tensorflow as tf

from benchmarks.competitors.tensorflow_common import (
    TensorFlowModel,
    coupling_networks,
    made_networks,
    of_noise,
)


def _normal(z):
    return -0.5 * tf.reduce_sum(z * z + math.log(2 * math.pi), axis=-1)


def _model(task, steps, networks, log_prob, decode, masked=0):
    sample = of_noise(task, decode)
    return TensorFlowModel(
        task, steps, log_prob, sample, networks, masked, jit=True, jit_sample=False
    )


def real_nvp(task, steps):
    networks = coupling_networks(task)

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

    def decode(z):
        one, two = tf.split(z, 2, axis=-1)
        for network in reversed(networks):
            shift, log_scale = parameters(network, two)
            one, two = two, one * tf.exp(log_scale) + shift
        return tf.concat([one, two], axis=-1)

    return _model(task, steps, networks, log_prob, decode)


def maf(task, steps):
    (networks, masked), size = made_networks(task), task.size

    def log_prob(x):
        total = 0.0
        for network in networks:
            params = tf.reshape(network(x), (-1, size, 2))
            log_scale = tf.tanh(params[..., 1])
            x = tf.reverse((x - params[..., 0]) * tf.exp(-log_scale), [-1])
            total -= tf.reduce_sum(log_scale, axis=-1)
        return _normal(x) + total

    def decode(z):
        for network in reversed(networks):
            z = sequential(network, tf.reverse(z, [-1]), size)
        return z

    return _model(task, steps, networks, log_prob, decode, masked)


def sequential(network, u, size):
    """`u` to `x`: each step adds one input to the first layer, and wants two outputs of the last.

    What lies between is computed whole at every step.
    """
    first, *between, last = network.layers
    columns = tf.reshape(last.kernel, (-1, size, 2))

    def step(i, x, before):
        hidden = tf.nn.relu(before)
        for layer in between:
            hidden = layer(hidden)
        params = hidden @ columns[:, i] + tf.reshape(last.bias, (size, 2))[i]
        value = u[:, i] * tf.exp(tf.tanh(params[:, 1])) + params[:, 0]
        x = tf.tensor_scatter_nd_update(x, [[i]], value[None])
        return i + 1, x, before + value[:, None] * tf.convert_to_tensor(first.kernel)[i]

    before = tf.zeros_like(u[:, :1]) + first.bias
    state = (0, tf.zeros((size, u.shape[0])), before)
    state = tf.while_loop(lambda i, *_: i < size, step, state, maximum_iterations=size)
    return tf.transpose(state[1])
