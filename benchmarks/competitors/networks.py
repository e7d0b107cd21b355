"""The networks of this library's flows by themselves: about what is left when a flow costs nothing.

Each network is evaluated once, on what the one before it gave: matrix products or convolutions,
biases, rectifiers, and a sum in place of a transformation; no log-determinant, no base but the
noise that `sample` starts from. It tells which share of the time of a flow is its networks', as
this framework runs them, and is no peer.
"""

import math

import tensorflow as tf

import zoo
from benchmarks.competitors import ours
from benchmarks.competitors.tensorflow_common import TensorFlowModel, of_noise


def _model(task, steps, networks, run, masked=0, jit=True):
    """Networks as a model that trains as a density does.

    Args:
      task, steps: As the builders have them.
      networks: Keras layers.
      run: `x [batch, *event_shape] -> [batch, *event_shape]`.
      masked: Number of parameters that a mask takes out.
      jit: Whether our flow is compiled with XLA.
    """

    def log_prob(x):
        y = run(x)
        return -tf.reduce_sum(y * y, axis=range(1, len(y.shape)))

    def none(n, seed):
        raise NotImplementedError("a MAF's sample is no single pass through its networks")

    sample = none if task.family == "maf" else of_noise(task, run, jit)
    return TensorFlowModel(
        task, steps, log_prob, sample, networks, masked, jit=jit, jit_sample=False
    )


def real_nvp(task, steps):
    half = task.size // 2
    networks = [
        zoo.networks.MLP(half, (half, 2), task.hidden_units, seed=i) for i in range(task.layers)
    ]

    def run(x):
        # The halves change places, as they do from one coupling to the next.
        one, two = tf.split(x, 2, axis=-1)
        for network in networks:
            one, two = two + network(one)[..., 0], one
        return tf.concat([one, two], axis=-1)

    return _model(task, steps, networks, run)


def maf(task, steps):
    networks = [ours.made(task, seed=i) for i in range(task.layers)]

    def run(x):
        for network in networks:
            x = x + network(x)[..., 0]
        return x

    return _model(task, steps, networks, run, ours.masked(task))


def glow(task, steps):
    scales, channels = [], task.event_shape[-1]
    for scale in range(task.scales):
        half = channels = 2 * channels  # A squeeze makes four of one, and two halves of those.
        nets = [
            zoo.networks.ConvNet(half, 2 * half, task.hidden_units[0], seed=i)
            for i in range(task.layers)
        ]
        # The last prior sees nothing: it has no convolution.
        nets += [zoo.networks.LinearConvNet(half, 2 * half)] * (scale < task.scales - 1)
        scales.append(nets)

    def flat(x):
        return tf.reshape(x, (-1, math.prod(x.shape[1:])))

    def run(x):
        leaving = []
        for nets in scales:
            one, two = tf.split(tf.nn.space_to_depth(x, 2), 2, axis=-1)
            for network in nets:
                one, two = two + tf.split(network(one), 2, axis=-1)[0], one
            leaving.append(flat(two))
            x = one
        return tf.reshape(tf.concat([*leaving, flat(x)], axis=1), (-1, *task.event_shape))

    return _model(task, steps, [net for nets in scales for net in nets], run, jit=False)
