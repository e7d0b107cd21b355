"""Keras callbacks of the training program."""

import contextlib
import math
import signal
import time

import keras
import numpy as np

from trainers.runs import checkpoints, interruptions


class Diverged(ValueError):
    """Loss or weights are no longer finite numbers.

    Attributes:
        step: Steps taken, this one included.
        epoch: The epoch, from 1.
        batch: The step within the epoch, from 1.
    """

    def __init__(self, step, epoch, batch, what):
        super().__init__(
            f"{what} at step {step} (step {batch} of epoch {epoch}); a lower --learning_rate, "
            "--warmup_steps or --clip_norm may help"
        )
        self.step, self.epoch, self.batch = step, epoch, batch


def value(variable):
    """The value of a Keras variable as a NumPy array, mirrored over replicas or not."""
    return keras.ops.convert_to_numpy(variable)


class StopWhenNotFinite(keras.callbacks.Callback):
    """Raises `Diverged` at the step whose loss is not finite, before anything is saved.

    Args:
        start: (epoch, batches of it that an earlier start has trained).
    """

    def __init__(self, start=(0, 0)):
        super().__init__()
        self._start = start

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch + 1
        self._before = self._start[1] if epoch == self._start[0] else 0

    def on_train_batch_end(self, batch, logs=None):
        # The running mean over the epoch: once not finite, it stays so.
        loss = float(np.reshape(logs["loss"], ()))
        if not math.isfinite(loss):
            step = int(value(self.model.optimizer.iterations))
            raise Diverged(step, self._epoch, self._before + batch + 1, f"the loss became {loss}")


class FinishEpoch(keras.callbacks.Callback):
    """Has `fit` go on within an epoch, of which an earlier start has trained some batches.

    To come before callbacks that end training at the end of an epoch.

    Args:
        left: Batches left of the first epoch.
        metrics: Values of the metrics' variables after the batches before.
    """

    def __init__(self, left, metrics):
        super().__init__()
        self._left, self._metrics = left, metrics

    def on_epoch_begin(self, epoch, logs=None):
        if self._left:
            for variable, array in zip(metric_variables(self.model), self._metrics, strict=True):
                variable.assign(array)

    def on_train_batch_end(self, batch, logs=None):
        # Keras' way to leave an epoch; its next one goes on with the same iterator.
        if batch + 1 == self._left:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if self._left:
            self.model.stop_training, self._left = False, 0


class KeepBest(keras.callbacks.Callback):
    """Keeps the weights with the lowest validation loss, and stops after `patience` epochs.

    With an average of the weights (EMA), validation sees the average, and the average is kept.

    Args:
        run: The `folders.Run`.
        best: {"epoch", "loss"} so far.
        patience: Epochs without a better loss after which to stop; 0: never.
    """

    def __init__(self, run, best, patience=0):
        super().__init__()
        self._run, self.best, self._patience = run, dict(best), patience
        self._epoch = 0

    def exhausted(self, epoch):
        """Whether `epoch` is the last that patience allows."""
        return 0 < self._patience <= epoch - self.best["epoch"]

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch + 1

    def on_test_begin(self, logs=None):
        if self.model.optimizer.use_ema:
            self._weights = [value(v) for v in self.model.trainable_variables]
            # Keras' own way to take the average, which does nothing else.
            self.model.optimizer.finalize_variable_values(self.model.trainable_variables)

    def on_test_end(self, logs=None):
        if logs["loss"] < self.best["loss"]:
            self.best = {"epoch": self._epoch, "loss": float(logs["loss"])}
            # Infinite weights can have a finite loss; the checkpoint of this epoch will tell.
            with contextlib.suppress(checkpoints.NotFinite):
                self._run.save_best([value(v) for v in self.model.weights], self.best)
        if self.model.optimizer.use_ema:
            for variable, weight in zip(self.model.trainable_variables, self._weights, strict=True):
                variable.assign(weight)

    def on_epoch_end(self, epoch, logs=None):
        if self.exhausted(epoch + 1):
            self.model.stop_training = True


class Limit:
    """How long a run is to be, beside its epochs.

    Args:
        steps: Most steps, or None.
        minutes: Most minutes of training, of all starts together, or None.
        validated: List of epochs, from 1, that Keras validates after; the last one joins it.
    """

    def __init__(self, steps=None, minutes=None, validated=()):
        self._steps, self._minutes, self._validated = steps, minutes, validated

    def reached(self, step, seconds):
        """Whether a run of so many steps and seconds is to end."""
        enough = self._steps is not None and step >= self._steps
        return enough or (self._minutes is not None and seconds >= 60 * self._minutes)

    def validate(self, epoch):
        """Has Keras validate after this epoch, the last one."""
        if epoch not in self._validated:
            self._validated.append(epoch)


class SaveCheckpoints(keras.callbacks.Callback):
    """Writes a line of metrics.jsonl and a checkpoint at the end of each epoch, and some within.

    Args:
        run: The `folders.Run`.
        steps: Batches of an epoch.
        start: (epoch, batches of it that an earlier start has trained).
        seconds: Seconds of training before this start.
        minutes: Minutes after which to write a checkpoint within an epoch; 0: never.
        signals: List that holds the number of a signal once one came: then the last checkpoint is
            written, and training ends.
        limit: `Limit` of the run.

    Raises:
        Diverged: If the weights are not finite.
        interruptions.Interrupted: After a signal.
    """

    def __init__(self, run, steps, start=(0, 0), seconds=0.0, minutes=0.0, signals=(), limit=None):
        super().__init__()
        self._limit, self._cut = limit or Limit(), False
        self._run, self._steps, self._first, self._before = run, steps, start, seconds
        self._minutes, self._signals = minutes, signals

    def on_train_begin(self, logs=None):
        self._start = self._saved = time.monotonic()

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._batch = self._first[1] if epoch == self._first[0] else 0
        self._trained = self._batch

    def on_train_batch_end(self, batch, logs=None):
        self._batch = self._trained + batch + 1
        waited = time.monotonic() - self._saved
        due = self._signals or 0 < 60 * self._minutes <= waited
        at_limit = self._limit.reached(self._epoch * self._steps + self._batch, self._seconds())
        if self._batch < self._steps and (due or at_limit):
            self._save(self._epoch, self._batch, metric_variables(self.model))
            self._end_if_told(
                f"after {self._batch} of {self._steps} steps of epoch {self._epoch + 1}"
            )
        if at_limit:
            # Keras goes on to the validation of the epoch, whole or not.
            self._limit.validate(self._epoch + 1)
            self._cut = self._batch < self._steps
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if self._run.writes:
            line = {"epoch": epoch + 1, "step": self._step(), "seconds": round(self._seconds(), 3)}
            line |= {name: float(number) for name, number in logs.items()}
            line["learning_rate"] = float(self.model.optimizer.learning_rate)
            self._run.log(line)
        if not self._cut:  # A checkpoint within the epoch is there.
            self._save(epoch + 1)
        self._end_if_told(f"after epoch {epoch + 1}")
        if self._limit.reached((epoch + 1) * self._steps * (not self._cut), self._seconds()):
            self.model.stop_training = True
        self.model.stop_training = self.model.stop_training or self._cut

    def _save(self, epoch, batch=0, metrics=()):
        if not self._run.writes:
            return
        arrays = [value(v) for v in (*state(self.model), *metrics)]
        meta = {"step": self._step(), "seconds": self._seconds()}
        try:
            self._run.checkpoints.save(epoch, arrays, meta, batch)
        except checkpoints.NotFinite as error:
            what = f"the weights became NaN or infinite ({error})"
            raise Diverged(meta["step"], self._epoch + 1, self._batch, what) from error
        self._saved = time.monotonic()

    def _end_if_told(self, where):
        if self._signals:
            name = signal.Signals(self._signals[0]).name
            text = f"{name}: training stopped {where}, and what it was at is saved"
            raise interruptions.Interrupted(self._signals[0], f"{text}; the same command continues")

    def _step(self):
        return int(value(self.model.optimizer.iterations))

    def _seconds(self):
        return self._before + time.monotonic() - self._start


def metric_variables(model):
    """Returns the variables of the metrics, which a checkpoint within an epoch holds too."""
    return [v for metric in model.metrics for v in metric.variables]


def state(model):
    """Returns the variables that training continues from: weights, random state, optimizer."""
    metrics = {id(v) for v in metric_variables(model)}
    return [v for v in model.variables if id(v) not in metrics] + model.optimizer.variables


def require_fitting(arrays, variables):
    """Raises ValueError unless number and shapes of the arrays are those of the variables."""
    if [tuple(v.shape) for v in variables] != [a.shape for a in arrays]:
        raise ValueError(
            f"{len(arrays)} arrays do not fit the {len(variables)} variables of this model; "
            "another version may have written them"
        )


def restore(model, arrays):
    """Assigns what `state` gave to a model compiled with the same optimizer.

    Raises:
        ValueError: If number or shapes of the arrays are not those of the model.
    """
    variables = state(model)
    require_fitting(arrays, variables)
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
