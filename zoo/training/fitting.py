"""How Keras trains a flow: by maximum likelihood, on data of `x` or of `(x, context)`."""

import contextlib
import math

import keras
from keras import ops

from zoo import arguments, backend, checks
from zoo.backend import step_logs
from zoo.training.executions import Executions
from zoo.training.iterated import Settle


class Fitting(Executions):
    """What `Flow` tells `keras.Model` of training and evaluating."""

    def compile(self, optimizer="adam", jit_compile=None, steps_per_execution=None, **kwargs):
        """Configures training by maximum likelihood; there is no loss to choose.

        Args:
          optimizer: A Keras optimizer, or its name.
          jit_compile: Overrides the flow's own choice of compiling with XLA.
          steps_per_execution: Training steps that one call of TensorFlow's runs. Unless told, `fit`
            chooses 8 where the flow is compiled with XLA and trains on one device, or as many of 4
            and 2 as go into `steps_per_epoch`, `validation_steps` and, under a progress bar, the
            batches of an epoch; and one where a callback looks at single batches. Each number of
            steps is compiled by itself.
          **kwargs: Further arguments of `keras.Model.compile`, for example `run_eagerly`.

        Raises:
          ValueError: A loss is given, or an argument is not as described.
        """
        if kwargs.get("loss") is not None:
            raise ValueError(
                f"{type(self).__name__} is trained by maximum likelihood and takes no loss, got "
                f"loss={kwargs['loss']!r}; only zoo.ContinuousFlow has loss='flow_matching' too."
            )
        if not (isinstance(jit_compile, bool) or jit_compile in (None, "auto")):
            raise ValueError(
                f"jit_compile must be True, False or 'auto', got {jit_compile!r}; a loss is given "
                "by its name, loss=..."
            )
        jit = self.uses_xla if jit_compile in (None, "auto") else jit_compile
        jit = bool(jit) and not kwargs.get("run_eagerly")
        steps = steps_per_execution
        if steps is not None:
            steps = arguments.count("steps_per_execution", steps)
        super().compile(
            optimizer=optimizer, jit_compile=jit, steps_per_execution=steps or 1, **kwargs
        )
        self._give_steps(steps)

    def get_compile_config(self):
        """What `compile` was given, so that a saved flow goes on training as it did."""
        if not self.compiled:
            return None
        optimizer = keras.saving.serialize_keras_object(self.optimizer)
        config = {"optimizer": optimizer, "jit_compile": bool(self.jit_compile)}
        if self._steps_given is not None:
            config["steps_per_execution"] = self._steps_given
        return config

    def compile_from_config(self, config):
        """Compiles as `get_compile_config` describes."""
        self.compile(
            keras.saving.deserialize_keras_object(config["optimizer"]),
            config["jit_compile"],
            steps_per_execution=config.get("steps_per_execution"),
        )
        self.optimizer.build(self.trainable_variables)

    def adapt(self, x, context=None):
        """Initialises every layer from one batch of data, in order (for `ActNorm`).

        Args:
          x: `[batch, *event_shape]`; a few hundred events do.
          context: `[batch, *context_shape]`, or class labels; a class-conditional flow is adapted
            to labels drawn at random where none are given.
        """
        x = self._check_data(x)
        if self.num_classes and context is None:
            context = self._labels(ops.shape(x)[0], backend.make_seed(0))
        context = self._check_context(context, batch=ops.shape(x)[0])
        noise, vector = self._uniform(x, backend.make_seed(0)), self._embed(context)
        if self.dequantizer is not None and checks.is_integer(x):
            self.dequantizer.adapt(noise, x)
        x = self._float(x, noise)[0]
        for layer in self.flow_layers:
            layer.adapt(x, vector)
            x = layer(x, vector)[0]
        self.settle()
        if isinstance(self.base, Fitting):
            self.base.adapt(x, context if self.base.conditional else None)

    def fit(self, x=None, y=None, *args, callbacks=None, **kwargs):
        """Trains, as `keras.Model.fit`, on data of `x` or of `(x, context)`.

        Args:
          x: Events `[n, *event_shape]`, or a dataset of batches of them, alone or with a context.
          y: Contexts or labels of events given as an array.
          *args: Further arguments of `keras.Model.fit`.
          callbacks: Keras callbacks.
          **kwargs: Further arguments of `keras.Model.fit`.

        Raises:
          ValueError: Data are not of the flow's shape, type or range. Of a dataset only shapes and
            types are looked at.
        """
        self._check_training_data(x, y)
        if self.compiled and not self.optimizer.built:
            # Otherwise Keras makes its variables in the step, which TensorFlow then traces twice.
            strategy = getattr(self, "distribute_strategy", None)
            with contextlib.nullcontext() if strategy is None else strategy.scope():
                self.optimizer.build(self.trainable_variables)
        steps = self._choose_steps(x, y, args, kwargs, callbacks)
        with self._executing(steps):
            history = super().fit(x, y, *args, callbacks=_and_settle(callbacks), **kwargs)
        self.settle()
        return history

    def evaluate(self, x=None, y=None, *args, callbacks=None, **kwargs):
        """Measures loss, nats and bits per dimension; arguments and errors as in `fit`."""
        self._check_training_data(x, y)
        # Within `fit`, Keras counts its own validation by the steps of a call of `fit`.
        own = kwargs.get("_use_cached_eval_dataset", False)
        with self._executing(self.steps_per_execution if own else self._told_steps()):
            return super().evaluate(x, y, *args, callbacks=_and_settle(callbacks), **kwargs)

    def _check_training_data(self, x, y):
        spec = getattr(x, "element_spec", None)
        if spec is not None:
            x, y = spec[:2] if isinstance(spec, tuple) and len(spec) > 1 else (spec, None)
            x = x[0] if isinstance(x, tuple) else x
        described = hasattr(x, "shape") and hasattr(x, "dtype")
        if described:
            self._check_events(x)
        if y is not None and not self.conditional:
            raise ValueError(f"{self.name} takes no context, but the data comes in pairs with one.")
        if y is not None and described and spec is None:
            self._check_context(y, x.shape[0])

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
        with backend.registered_here(), backend.fused_updates(self.optimizer):
            return step_logs(super().train_step(*state, _as_inputs(data)))

    def test_step(self, *args):
        *state, data = args
        with backend.registered_here():
            return step_logs(super().test_step(*state, _as_inputs(data)))

    def predict_step(self, *args):
        *state, data = args
        return super().predict_step(*state, _as_inputs(data))


def _and_settle(callbacks):
    """The callbacks, and last one that settles the flow; validation has those of `fit` already."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    if callbacks is None:
        return [Settle()]
    return [*(callbacks if isinstance(callbacks, list | tuple) else [callbacks]), Settle()]


def _as_inputs(data):
    x, context, weight = keras.utils.unpack_x_y_sample_weight(data)
    return (x if context is None else (x, context), None, weight)
