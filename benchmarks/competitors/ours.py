"""Flow Zoo, through its public calls, with nothing chosen for the benchmark but what is said."""

import math

import tensorflow as tf

import zoo
from benchmarks.competitors import RATE


class ZooModel:
    """A flow of the zoo: `flow.log_prob`, `flow.sample` and `flow.fit`.

    Args:
      task, steps: As the builders have them; `fit` gets a dataset of `steps` batches.
      flow: The flow.
      steps_per_execution: As in `compile`: training steps that one call of TensorFlow's runs. The
        peers' steps are calls of their own; of a small dense flow's step a call takes half.
      masked: Number of trainable parameters that a mask takes out.
    """

    def __init__(self, task, steps, flow, steps_per_execution=1, masked=0):
        self.flow, self._batch = flow, task.batch
        variables = flow.trainable_variables
        self.parameters = sum(math.prod(v.shape) for v in variables) - masked
        self._x = tf.constant(task.data())
        data = tf.data.Dataset.from_tensor_slices(task.data(steps, seed=1))
        # There is nothing to tune, and now and then TensorFlow waits seconds for its tuner to end.
        options = tf.data.Options()
        options.autotune.enabled = False
        self._data = data.batch(task.batch, drop_remainder=True).with_options(options)
        flow.compile(
            tf.keras.optimizers.Adam(RATE), steps_per_execution=min(steps, steps_per_execution)
        )

    def log_prob(self):
        return self.flow.log_prob(self._x).numpy()

    def sample(self):
        return self.flow.sample(self._batch).numpy()

    def train(self):
        return self.flow.fit(self._data, verbose=0).history["loss"][-1]


def made(task, seed=0):
    """The network of one layer of a MAF."""
    return zoo.networks.MADE(task.size, 2, task.hidden_units, seed=seed)


def masked(task):
    """How many trainable parameters of a MAF's networks a mask takes out: those without a gradient.

    Where all weights and inputs are one, no rectifier is at zero.
    """
    network = made(task)
    values = [v.value for v in network.trainable_variables]
    for value in values:
        value.assign(tf.ones_like(value))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(network(tf.ones((1, task.size))))
    zeros = (int(tf.reduce_sum(tf.cast(g == 0, tf.int32))) for g in tape.gradient(total, values))
    return task.layers * sum(zeros)


def real_nvp(task, steps):
    flow = zoo.RealNVP(
        task.event_shape, num_layers=task.layers, hidden_units=task.hidden_units, seed=0
    )
    return ZooModel(task, steps, flow, steps_per_execution=8)


def maf(task, steps):
    flow = zoo.MAF(task.event_shape, num_layers=task.layers, hidden_units=task.hidden_units, seed=0)
    return ZooModel(task, steps, flow, steps_per_execution=8, masked=masked(task))


def glow(task, steps, **kwargs):
    """The flow of a Glow task, with further arguments of `zoo.Glow`."""
    flow = zoo.Glow(
        task.event_shape,
        scales=task.scales,
        steps=task.layers,
        width=task.hidden_units[0],
        seed=0,
        **kwargs,
    )
    return ZooModel(task, steps, flow)


def residual(task, steps, **kwargs):
    """The flow of a residual task, with further arguments of `zoo.ResidualFlow`."""
    # The family's own estimator: exact in 2 dimensions; in 64 Russian roulette with one probe, 2
    # terms that are always there in training and 20 in `log_prob`, and a Neumann gradient.
    flow = zoo.ResidualFlow(
        task.event_shape,
        num_layers=task.layers,
        hidden_units=task.hidden_units,
        coefficient=0.97,
        seed=0,
        **kwargs,
    )
    return ZooModel(task, steps, flow, steps_per_execution=8)
