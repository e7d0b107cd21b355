"""Plain TensorFlow Probability, its networks over `tf.Variable`s, with and without XLA."""

import tensorflow as tf
import tensorflow_probability as tfp

from benchmarks.competitors.tensorflow_common import Dense, TensorFlowModel, glorot
from benchmarks.tasks import masks

tfb, tfd = tfp.bijectors, tfp.distributions


def _model(task, steps, bijector, variables, count, project=None, jit=False):
    base = tfd.Sample(tfd.Normal(0.0, 1.0), [task.size])
    distribution = tfd.TransformedDistribution(base, bijector)
    return TensorFlowModel(
        task,
        steps,
        distribution.log_prob,
        lambda n, seed: distribution.sample(n, seed=seed),
        variables,
        count,
        project,
        jit,
    )


def _variables(networks):
    return [v for network in networks for v in (*network.kernels, *network.biases)]


def _real_nvp(task, steps, jit=False):
    half, layers, networks = task.size // 2, [], []
    swap = tfb.Permute([*range(half, task.size), *range(half)])
    for _ in range(task.layers):
        network = Dense((half, *task.hidden_units, task.size))
        networks.append(network)

        def shift_and_log_scale(x, outputs, network=network, **kwargs):
            shift, log_scale = tf.split(network(x), 2, axis=-1)
            return shift, tf.tanh(log_scale)

        layers += [tfb.RealNVP(half, shift_and_log_scale_fn=shift_and_log_scale), swap]
    count = sum(network.num_params() for network in networks)
    return _model(task, steps, tfb.Chain(layers), _variables(networks), count, jit=jit)


def _maf(task, steps, jit=False):
    size, layers, networks = task.size, [], []
    reverse = tfb.Permute(list(range(size))[::-1])
    for _ in range(task.layers):
        network = Dense((size, *task.hidden_units, 2 * size), masks(size, task.hidden_units))
        networks.append(network)

        def shift_and_log_scale(x, network=network, **kwargs):
            params = tf.reshape(network(x), (-1, size, 2))
            return params[..., 0], tf.tanh(params[..., 1])

        layers += [tfb.MaskedAutoregressiveFlow(shift_and_log_scale), reverse]

    def project():
        for network in networks:
            network.project()

    count = sum(network.num_params() for network in networks)
    return _model(task, steps, tfb.Chain(layers), _variables(networks), count, project, jit)


class _Convolutions(tf.Module):
    """Convolutions with rectifiers between them, in place of the Keras 2 network of `tfb.Glow`.

    Args:
      sizes: Height and width of each kernel.
      widths: Channels of the input, of each hidden layer, and of the output.
    """

    def __init__(self, sizes, widths):
        super().__init__()
        shapes = zip(sizes, sizes, widths[:-1], widths[1:], strict=True)
        self.kernels = [glorot(shape, seed) for seed, shape in enumerate(shapes)]
        self.biases = [tf.Variable(tf.zeros(width)) for width in widths[1:]]
        self.kernels[-1].assign(tf.zeros_like(self.kernels[-1]))

    def __call__(self, x):
        for i, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            x = tf.nn.conv2d(x if i == 0 else tf.nn.relu(x), kernel, 1, "SAME") + bias
        return x


def _glow(task, steps, jit=False):
    maps = task.hidden_units[0]

    def coupling(shape):
        return _Convolutions((3, 1, 3), (shape[-1], maps, maps, 2 * shape[-1]))

    def prior(shape, output_chan):
        return _Convolutions((3,), (shape[-1], 2 * output_chan))

    glow = tfb.Glow(
        task.event_shape,
        num_glow_blocks=task.scales,
        num_steps_per_block=task.layers,
        coupling_bijector_fn=coupling,
        exit_bijector_fn=prior,
        seed=0,
    )
    # Its normalisations initialise themselves from the first batch, which XLA need not see.
    glow.inverse(tf.constant(task.data()))
    variables = glow.trainable_variables
    count = sum(int(tf.size(v)) for v in variables)
    return _model(task, steps, glow, variables, count, jit=jit)


FAMILIES = {"real_nvp": _real_nvp, "maf": _maf, "glow": _glow}
LEFT_OUT = {"residual": "has no residual flow"}
