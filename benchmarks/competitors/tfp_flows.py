"""Plain TensorFlow Probability, its networks over `tf.Variable`s, with and without XLA."""

import tensorflow as tf
import tensorflow_probability as tfp

from benchmarks.competitors.tensorflow_common import (
    TensorFlowModel,
    coupling_networks,
    made_networks,
    network,
)

tfb, tfd = tfp.bijectors, tfp.distributions


def _model(task, steps, bijector, **kwargs):
    base = tfd.Sample(tfd.Normal(0.0, 1.0), [task.size])
    flow = tfd.TransformedDistribution(base, bijector)
    return TensorFlowModel(
        task, steps, flow.log_prob, lambda n, seed: flow.sample(n, seed=seed), **kwargs
    )


def real_nvp(task, steps, jit=False):
    half, layers, networks = task.size // 2, [], coupling_networks(task)
    swap = tfb.Permute([*range(half, task.size), *range(half)])
    for net in networks:

        def shift_and_log_scale(x, outputs, net=net, **kwargs):
            shift, log_scale = tf.split(net(x), 2, axis=-1)
            return shift, tf.tanh(log_scale)

        layers += [tfb.RealNVP(half, shift_and_log_scale_fn=shift_and_log_scale), swap]
    return _model(task, steps, tfb.Chain(layers), networks=networks, jit=jit)


def maf(task, steps, jit=False):
    layers, (networks, masked) = [], made_networks(task)
    reverse = tfb.Permute(list(range(task.size))[::-1])
    for net in networks:

        def shift_and_log_scale(x, net=net, **kwargs):
            params = tf.reshape(net(x), (-1, task.size, 2))
            return params[..., 0], tf.tanh(params[..., 1])

        layers += [tfb.MaskedAutoregressiveFlow(shift_and_log_scale), reverse]
    return _model(task, steps, tfb.Chain(layers), networks=networks, masked=masked, jit=jit)


def glow(task, steps, jit=False):
    maps, networks = task.hidden_units[0], []

    def convolutions(widths, sizes):
        # In place of the Keras 2 network of `tfb.Glow`; the last layer starts at zero.
        net = network(widths, sizes)
        net.layers[-1].kernel.assign(tf.zeros_like(net.layers[-1].kernel))
        networks.append(net)
        return net

    def coupling(shape):
        return convolutions((shape[-1], maps, maps, 2 * shape[-1]), (3, 1, 3))

    def prior(shape, output_chan):
        return convolutions((shape[-1], 2 * output_chan), (3,))

    bijector = tfb.Glow(
        task.event_shape,
        num_glow_blocks=task.scales,
        num_steps_per_block=task.layers,
        coupling_bijector_fn=coupling,
        exit_bijector_fn=prior,
        seed=0,
    )
    # Its normalisations initialise themselves from the first batch, which XLA need not see.
    bijector.inverse(tf.constant(task.data()))
    return _model(task, steps, bijector, networks=[*networks, bijector], jit=jit)
