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
from benchmarks.competitors.tensorflow_common import TensorFlowModel


def _model(task, steps, flow, layers, run):
    """Networks as a model that trains as a density does.

    Args:
      task, steps: As in `Model`.
      flow: Of which they are.
      layers: Whose `network`s they are.
      run: `x [batch, *event_shape] -> [batch, *event_shape]`.
    """
    variables = [v for layer in layers for v in layer.network.trainable_variables]
    count = sum(ours.unmasked(v) for v in variables)

    def log_prob(x):
        y = run(x)
        return -tf.reduce_sum(y * y, axis=range(1, len(y.shape)))

    def sample(n, seed):
        if task.family == "maf":
            raise NotImplementedError("a MAF's sample is no single pass through its networks")
        # XLA's own random numbers are slower than TensorFlow's.
        return compiled(tf.random.stateless_normal((n, *task.event_shape), seed))

    compiled = tf.function(run, jit_compile=flow.uses_xla, autograph=False)
    return TensorFlowModel(
        task, steps, log_prob, sample, variables, count, jit=flow.uses_xla, jit_sample=False
    )


def _real_nvp(task, steps):
    flow = ours.FAMILIES["real_nvp"](task, steps).flow
    layers = [layer for layer in flow.stack.layers if isinstance(layer, zoo.layers.Coupling)]

    def run(x):
        # The halves change places, as they do from one coupling to the next.
        one, two = tf.split(x, 2, axis=-1)
        for layer in layers:
            one, two = two + layer.network(one)[..., 0], one
        return tf.concat([one, two], axis=-1)

    return _model(task, steps, flow, layers, run)


def _maf(task, steps):
    flow = ours.FAMILIES["maf"](task, steps).flow
    layers = [layer for layer in flow.stack.layers if isinstance(layer, zoo.layers.Autoregressive)]

    def run(x):
        for layer in layers:
            x = x + layer.network(x)[..., 0]
        return x

    return _model(task, steps, flow, layers, run)


def _glow(task, steps):
    flow = ours.FAMILIES["glow"](task, steps).flow
    scales = []
    for stack in flow.stack.layers[-1].scales:
        squeeze, repeat, prior = stack.layers
        couplings = [step.layers[-1] for step in repeat.unstacked()]
        # The last prior sees nothing: it has no convolution.
        couplings += [prior] if isinstance(prior, zoo.layers.ConvCoupling) else []
        scales.append((squeeze, couplings))

    def flat(x):
        return tf.reshape(x, (-1, math.prod(x.shape[1:])))

    def run(x):
        leaving = []
        for squeeze, couplings in scales:
            one, two = tf.split(squeeze(x)[0], 2, axis=-1)
            for coupling in couplings:
                params = tf.split(coupling.network(one), 2, axis=-1)[0]
                one, two = two + params, one
            leaving.append(flat(two))
            x = one
        return tf.reshape(tf.concat([*leaving, flat(x)], axis=1), (-1, *task.event_shape))

    return _model(task, steps, flow, [layer for _, found in scales for layer in found], run)


FAMILIES = {"real_nvp": _real_nvp, "maf": _maf, "glow": _glow}
LEFT_OUT = {"residual": "measures the networks of flows that evaluate each of them once"}
