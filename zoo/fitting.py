"""How Keras trains a flow: by maximum likelihood, on data of `x` or of `(x, context)`."""

import math

import keras
from keras import ops

from zoo.backend import step_logs


class Fitting:
    """What `Flow` tells `keras.Model` of training and evaluating."""

    def compile(self, optimizer="adam", jit_compile=None, **kwargs):
        """Configures training by maximum likelihood; there is no loss to choose.

        Args:
          optimizer: A Keras optimizer, or its name.
          jit_compile: Overrides the flow's own choice of compiling with XLA.
          **kwargs: Further arguments of `keras.Model.compile`, for example `run_eagerly`.
        """
        jit = self.uses_xla if jit_compile in (None, "auto") else jit_compile
        jit = bool(jit) and not kwargs.get("run_eagerly")
        super().compile(optimizer=optimizer, jit_compile=jit, **kwargs)

    def get_compile_config(self):
        """What `compile` was given, so that a saved flow goes on training as it did."""
        if not self.compiled:
            return None
        optimizer = keras.saving.serialize_keras_object(self.optimizer)
        return {"optimizer": optimizer, "jit_compile": bool(self.jit_compile)}

    def compile_from_config(self, config):
        """Compiles as `get_compile_config` describes."""
        self.compile(
            keras.saving.deserialize_keras_object(config["optimizer"]), config["jit_compile"]
        )
        self.optimizer.build(self.trainable_variables)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Negative log-likelihood, nats, averaged over the batch."""
        loss = -y_pred if sample_weight is None else -y_pred * sample_weight
        return self._aggregate_additional_loss(ops.mean(loss))

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Mean log-likelihood in nats, and bits per dimension."""
        self._nats.update_state(y_pred, sample_weight)
        self._bits.update_state(self._to_bits(y_pred), sample_weight)
        return self.get_metrics_result()

    def _to_bits(self, log_prob):
        return -log_prob / (math.prod(self.event_shape) * math.log(2.0))

    # `fit` hands over (x, context); Keras would take the second for a target.

    def train_step(self, *args):
        *state, data = args
        return step_logs(super().train_step(*state, _as_inputs(data)))

    def test_step(self, *args):
        *state, data = args
        return step_logs(super().test_step(*state, _as_inputs(data)))

    def predict_step(self, *args):
        *state, data = args
        return super().predict_step(*state, _as_inputs(data))


def _as_inputs(data):
    x, context, weight = keras.utils.unpack_x_y_sample_weight(data)
    return (x if context is None else (x, context), None, weight)
