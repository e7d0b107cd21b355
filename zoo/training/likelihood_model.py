"""Models that Keras trains by a likelihood, on data of `x` or of `(x, context)`."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import keras
from keras import ops

from zoo import backend, config, specs
from zoo.training import losses
from zoo.training.batches import OnBatches
from zoo.training.callbacks import with_norms
from zoo.training.checks import Watch
from zoo.training.data import check_counts, is_absent, like, prepared, refuse_class_weight
from zoo.typing import ArrayLike, Tensor


class LikelihoodModel(OnBatches):
    """What maximises a likelihood, or a bound of it, with Keras' `fit`.

    Subclasses set `event` and, where they are conditioned on something, `context`, say whether they
    `uses_xla`, and implement

    ```python
    def log_likelihood(self, x, context, seed, training): ...   # nats [batch]
    ```

    and where needed `update_spectral_norms`. `seed` is a `keras.random.SeedGenerator`.

    Args:
      **kwargs: `dtype` and `name` of a Keras model.

    Attributes:
      event, context: What an event and a context are (`zoo.specs`).
    """

    event: specs.EventSpec

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.context = specs.ContextSpec()
        self.training_loss = losses.MaximumLikelihood()
        self.seed_generator = keras.random.SeedGenerator()
        self._optimized = None  # Places of the weights that the optimizer was built for.
        self._watch = Watch(self)
        self._nats = keras.metrics.Mean(name="nats")
        self._bits = keras.metrics.Mean(name="bits_per_dim")

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one event."""
        return self.event.shape

    @property
    def levels(self) -> int | None:
        """Number of grey levels of discrete data, or `None`."""
        return self.event.levels

    @property
    def context_shape(self) -> tuple[int, ...] | None:
        """Shape of one context: `()` for labels, `None` where the model takes none."""
        return self.context.shape

    @property
    def num_classes(self) -> int | None:
        """Number of classes of an integer context, or `None`."""
        return self.context.num_classes

    @property
    def conditional(self) -> bool:
        """Whether the model takes a context."""
        return self.context.exists

    def log_likelihood(
        self, x: Tensor, context: Tensor | None = None, seed: Any = None, training: bool = False
    ) -> Tensor:
        """Log-likelihood `[batch]`, nats, of data as a training step hands it over."""
        raise NotImplementedError

    def update_spectral_norms(self) -> None:
        """Brings what is iterated of the weights to convergence; nothing by default."""

    def to_bits(self, log_prob: Tensor) -> Tensor:
        """Bits per dimension of log-likelihoods in nats."""
        return -log_prob / (self.event.size * math.log(2.0))

    @backend.names_in_common()
    def compile(
        self,
        optimizer: str | keras.optimizers.Optimizer = "adam",
        loss: str | losses.MaximumLikelihood | None = None,
        jit_compile: bool | str | None = None,
        steps_per_execution: int = 1,
        **kwargs: Any,
    ) -> None:
        """Configures training.

        Args:
          optimizer: A Keras optimizer, or its name.
          loss: `None` for the model's own, `"likelihood"`, `"flow_matching"` for continuous flows,
            or a `zoo.training` loss.
          jit_compile: Overrides the model's own choice of compiling with XLA.
          steps_per_execution: Training steps that one call of a compiled function runs: 8 make its
            own cost, a few milliseconds, small beside those of a small dense flow.
          **kwargs: Further arguments of `keras.Model.compile`, for example `run_eagerly`. Metrics
            are nats and bits per dimension, and no others are taken.

        Raises:
          ValueError: An argument is not as described.
        """
        for name in ("metrics", "weighted_metrics", "loss_weights"):
            if kwargs.get(name) is not None:
                raise ValueError(
                    f"{name} is not taken: a {type(self).__name__} has no predictions to compare "
                    "with targets, and measures nats and bits_per_dim; measure more in a callback."
                )
        if not (isinstance(jit_compile, bool) or jit_compile in (None, "auto")):
            raise ValueError(f"jit_compile must be True, False or 'auto', got {jit_compile!r:.80}.")
        try:
            keras.optimizers.get(optimizer)
        except (ValueError, TypeError):
            raise ValueError(
                f"optimizer must be a Keras optimizer or the name of one, got {optimizer!r:.80}."
            ) from None
        if loss is not None:
            self.set_loss(loss)
        jit = self.uses_xla if jit_compile in (None, "auto") else jit_compile
        jit = bool(jit) and not kwargs.get("run_eagerly")
        steps = config.count("steps_per_execution", steps_per_execution)
        self._optimized = None
        super().compile(optimizer=optimizer, jit_compile=jit, steps_per_execution=steps, **kwargs)

    def set_loss(self, loss: str | losses.MaximumLikelihood) -> None:
        """Chooses what training steps minimise; arguments and errors as in `compile`."""
        self.training_loss = losses.get(loss, self)
        # Functions of an earlier loss are of no use.
        self.train_function = None

    def get_compile_config(self):
        """What `compile` was given, so that a saved model goes on training as it did."""
        if not self.compiled:
            return None
        known = {} if self._optimized is None else {"optimized": list(self._optimized)}
        return known | {
            "optimizer": keras.saving.serialize_keras_object(self.optimizer),
            "loss": self.training_loss.name,
            "jit_compile": bool(self.jit_compile),
            "steps_per_execution": self.steps_per_execution,
        }

    def compile_from_config(self, config):
        """Compiles as `get_compile_config` describes."""
        config = dict(config)
        known = config.pop("optimized", None)
        optimizer = keras.saving.deserialize_keras_object(config.pop("optimizer"))
        self.compile(optimizer, **config)
        # Those that the state in the file is of: some may have been frozen since.
        self._build_optimizer(known)

    @backend.names_in_common()
    def _build_optimizer(self, places=None):
        """Makes an optimizer's variables for weights at these places, or for those trained now."""
        trained, weights = {id(w) for w in self.trainable_weights}, self.weights
        if places is None:
            places = [i for i, w in enumerate(weights) if id(w) in trained]
        self.optimizer.build([weights[i] for i in places])
        self._optimized = tuple(places)

    def fit(
        self,
        x: Any = None,
        y: ArrayLike | None = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        sample_weight: ArrayLike | None = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Trains, as `keras.Model.fit`, on data of `x` or of `(x, context)`.

        Args:
          x: Events `[n, *event_shape]`, or a dataset of batches of them, alone, with a context, or
            with a context (`None` where there is none) and weights.
          y: Contexts or labels of events given as an array.
          batch_size, epochs, verbose, validation_split: As in `keras.Model.fit`.
          callbacks: Keras callbacks.
          validation_data: `x`, `(x, context)` or `(x, context, weights)`, or a dataset.
          sample_weight: Weight of each event in loss and metrics, real numbers `[n]` or `[n, 1]`.
          **kwargs: Further arguments of `keras.Model.fit`, but `class_weight`.

        Raises:
          ValueError: Data are not of the model's shape, type or range: arrays before training,
            datasets and generators as their batches come (distributed ones are not looked at).
        """
        refuse_class_weight(kwargs.pop("class_weight", None))
        check_counts(validation_split, batch_size=batch_size, epochs=epochs)
        x, y, sample_weight = prepared(self, x, y, sample_weight)
        if isinstance(validation_data, list | tuple) or hasattr(validation_data, "shape"):
            given = keras.utils.unpack_x_y_sample_weight(validation_data)
            validation_data = prepared(self, *given)
        elif hasattr(validation_data, "element_spec"):
            prepared(self, validation_data, None, None)
        if self.compiled and not self.optimizer.built:
            # Otherwise Keras makes its variables in the step, which TensorFlow then traces twice.
            strategy = getattr(self, "distribute_strategy", None)
            with contextlib.nullcontext() if strategy is None else strategy.scope():
                self._build_optimizer()
        with self._watch.reports():
            history = super().fit(
                self._watch.over(x),
                y,
                batch_size=batch_size,
                epochs=epochs,
                verbose=verbose,
                callbacks=with_norms(self, callbacks),
                validation_split=validation_split,
                validation_data=self._watch.over(validation_data),
                sample_weight=sample_weight,
                **kwargs,
            )
        self.update_spectral_norms()
        return history

    def evaluate(
        self,
        x: Any = None,
        y: ArrayLike | None = None,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        sample_weight: ArrayLike | None = None,
        steps: int | None = None,
        callbacks: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Measures loss, nats and bits per dimension; arguments and errors as in `fit`."""
        check_counts(batch_size=batch_size, steps=steps)
        if not kwargs.get("_use_cached_eval_dataset"):  # Within `fit`, which has looked at it.
            x, y, sample_weight = prepared(self, x, y, sample_weight)
            x = self._watch.over(x)
        with self._watch.reports():
            return super().evaluate(
                x,
                y,
                batch_size=batch_size,
                verbose=verbose,
                sample_weight=sample_weight,
                steps=steps,
                callbacks=with_norms(self, callbacks),
                **kwargs,
            )

    def call(self, inputs, training=False):
        """Log-likelihood `[batch]` of `x`, or of `(x, context)`; in training minus the loss."""
        x, context = inputs if isinstance(inputs, list | tuple) else (inputs, None)
        loss = self.training_loss if training else losses.MaximumLikelihood()
        return -loss(self, x, context, self.seed_generator, training)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """The loss averaged over the batch, weighted where weights are given."""
        loss = -y_pred
        if sample_weight is not None:
            loss = loss * like(sample_weight, loss)
        loss = sum((ops.cast(more, loss.dtype) for more in self.losses), ops.mean(loss))
        return backend.of_replica(loss)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Mean log-likelihood in nats, and bits per dimension."""
        if sample_weight is not None:
            sample_weight = like(sample_weight, y_pred)
        self._nats.update_state(y_pred, sample_weight)
        self._bits.update_state(self.to_bits(y_pred), sample_weight)
        return self.get_metrics_result()

    # `fit` hands over (x, context); Keras would take the second for a target.

    def train_step(self, *args):
        *state, data = args
        with backend.registered_here(), backend.fused_updates(self.optimizer):
            logs = backend.step_logs(super().train_step(*state, self._as_inputs(data)))
        return self.training_loss.logs(logs)

    def test_step(self, *args):
        *state, data = args
        with backend.registered_here():
            return backend.step_logs(super().test_step(*state, self._as_inputs(data)))

    def predict_step(self, *args):
        *state, data = args
        return super().predict_step(*state, self._as_inputs(data))

    def _as_inputs(self, data):
        x, context, weight = keras.utils.unpack_x_y_sample_weight(data)
        pair = self.conditional and not is_absent(context)
        return (x, context) if pair else x, None, weight
