"""Flow Zoo, through its public calls, with nothing chosen for the benchmark."""

import numpy as np
import tensorflow as tf

import zoo
from benchmarks.competitors.model import Model


class ZooModel(Model):
    """A flow of the zoo: `flow.log_prob`, `flow.sample` and `flow.fit`.

    Args:
      task, steps: As in `Model`; `fit` gets a dataset of `steps` batches.
      flow: The flow.
    """

    def __init__(self, task, steps, flow):
        super().__init__(task, steps)
        self.flow = flow
        self._x = tf.constant(task.data())
        self._dataset = tf.data.Dataset.from_tensor_slices(task.data(steps, seed=1))
        self._dataset = self._dataset.batch(task.batch, drop_remainder=True)
        # There is nothing to tune, and now and then TensorFlow waits seconds for its tuner to end.
        options = tf.data.Options()
        options.autotune.enabled = False
        self._dataset = self._dataset.with_options(options)
        flow.compile(tf.keras.optimizers.Adam(self.rate))

    def num_params(self):
        return sum(unmasked(v) for v in self.flow.trainable_variables)

    def log_prob(self):
        return self.flow.log_prob(self._x).numpy()

    def sample(self):
        return self.flow.sample(self.task.batch).numpy()

    def train(self):
        return self.flow.fit(self._dataset, verbose=0).history["loss"][-1]


def unmasked(variable):
    """How many weights of a variable its mask lets through; all where it has none."""
    if variable.constraint is None:
        return int(np.prod(variable.shape))
    return int(np.count_nonzero(variable.constraint(np.ones(variable.shape, "float32"))))


def _real_nvp(task, steps):
    flow = zoo.RealNVP(
        task.event_shape, num_layers=task.layers, hidden_units=task.hidden_units, seed=0
    )
    return ZooModel(task, steps, flow)


def _maf(task, steps):
    flow = zoo.MAF(task.event_shape, num_layers=task.layers, hidden_units=task.hidden_units, seed=0)
    return ZooModel(task, steps, flow)


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
    return ZooModel(task, steps, flow)


FAMILIES = {"real_nvp": _real_nvp, "maf": _maf, "glow": glow, "residual": residual}
LEFT_OUT = {}
