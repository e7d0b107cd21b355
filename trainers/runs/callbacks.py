"""Keras callbacks of the training program."""

import math
import time

import keras
import numpy as np


class Diverged(ValueError):
    """The loss is no longer a finite number.

    Attributes:
        step: Steps taken, this one included.
        epoch: The epoch, from 1.
        batch: The step within the epoch, from 1.
    """

    def __init__(self, step, epoch, batch, loss):
        super().__init__(
            f"the loss became {loss} at step {step} (step {batch} of epoch {epoch}); a lower "
            "--learning_rate, --warmup_steps or --clip_norm may help"
        )
        self.step, self.epoch, self.batch = step, epoch, batch


def value(variable):
    """The value of a Keras variable as a NumPy array, mirrored over replicas or not."""
    return keras.ops.convert_to_numpy(variable)


class StopWhenNotFinite(keras.callbacks.Callback):
    """Raises `Diverged` at the step whose loss is not finite, before anything is saved."""

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        # The running mean over the epoch: once not finite, it stays so.
        loss = float(np.reshape(logs["loss"], ()))
        if not math.isfinite(loss):
            step = int(value(self.model.optimizer.iterations))
            raise Diverged(step, self._epoch, batch + 1, loss)


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
            self._run.save_best([value(v) for v in self.model.weights], self.best)
        if self.model.optimizer.use_ema:
            for variable, weight in zip(self.model.trainable_variables, self._weights, strict=True):
                variable.assign(weight)

    def on_epoch_end(self, epoch, logs=None):
        if self.exhausted(epoch + 1):
            self.model.stop_training = True


class SaveEpochs(keras.callbacks.Callback):
    """Writes a line of metrics.jsonl and a checkpoint at the end of each epoch.

    Args:
        run: The `folders.Run`.
        seconds: Seconds of training before this start.
    """

    def __init__(self, run, seconds=0.0):
        super().__init__()
        self._run, self._before = run, seconds

    def on_train_begin(self, logs=None):
        self._start = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        if not self._run.writes:
            return
        step = int(value(self.model.optimizer.iterations))
        seconds = self._before + time.monotonic() - self._start
        line = {"epoch": epoch + 1, "step": step, "seconds": round(seconds, 3)}
        line |= {name: float(number) for name, number in logs.items()}
        line["learning_rate"] = float(self.model.optimizer.learning_rate)
        self._run.log(line)
        arrays = [value(v) for v in state(self.model)]
        self._run.checkpoints.save(epoch + 1, arrays, {"step": step, "seconds": seconds})


def state(model):
    """Returns the variables that training continues from: weights, random state, optimizer."""
    metrics = {id(v) for metric in model.metrics for v in metric.variables}
    return [v for v in model.variables if id(v) not in metrics] + model.optimizer.variables


def restore(model, arrays):
    """Assigns what `state` gave to a model compiled with the same optimizer.

    Raises:
        ValueError: If number or shapes of the arrays are not those of the model.
    """
    variables = state(model)
    shapes = [tuple(v.shape) for v in variables]
    if shapes != [a.shape for a in arrays]:
        raise ValueError(
            f"the checkpoint holds {len(arrays)} arrays that do not fit the {len(shapes)} "
            "variables of this model; another version wrote it: train into another --model_dir"
        )
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)
