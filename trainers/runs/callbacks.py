"""Keras callbacks of the training program."""

import math
import time

import keras
import numpy as np
import tensorflow as tf

import zoo
from trainers.reports import pictures
from trainers.runs import common


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
        _swap_average(self.model)

    def on_test_end(self, logs=None):
        if logs["loss"] < self.best["loss"]:
            self.best = {"epoch": self._epoch, "loss": float(logs["loss"])}
            self._run.save_best([value(v) for v in self.model.weights], self.best)
        _swap_average(self.model)

    def on_epoch_end(self, epoch, logs=None):
        if self.exhausted(epoch + 1):
            self.model.stop_training = True


def _swap_average(model):
    """Exchanges the weights and their average, if the optimizer keeps one."""
    if not model.optimizer.use_ema:
        return
    averages = model.optimizer._model_variables_moving_average
    for variable, average in zip(model.trainable_variables, averages, strict=True):
        weight = value(variable)
        variable.assign(value(average))
        average.assign(weight)


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


class Pictures(keras.callbacks.Callback):
    """Draws samples every few epochs, to pictures/ and TensorBoard.

    Must come before `KeepBest` in the list, whose end of validation takes the average out again.

    Args:
        folder: Folder of the run.
        interval: Epochs between pictures.
        tensorboard: Whether to write them for TensorBoard too.
        seed: Seed of the samples, the same at every epoch.
    """

    def __init__(self, folder, interval, tensorboard=True, seed=0):
        super().__init__()
        self._folder, self._interval, self._seed = folder, interval, seed
        self._writer = None
        if tensorboard:
            self._writer = tf.summary.create_file_writer(str(folder / "tensorboard" / "pictures"))

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch + 1

    def on_test_end(self, logs=None):
        if self._epoch % self._interval:
            return
        try:
            picture = pictures.sample_picture(self.model, seed=self._seed)
        except zoo.NotConverged as error:  # No reason to end a training.
            print(f"no picture of epoch {self._epoch}: {error}", flush=True)
            return
        path = self._folder / "pictures" / f"epoch-{self._epoch:05d}.png"
        with common.written_whole(path) as part:
            pictures.save_png(picture, part)
        if self._writer:
            with self._writer.as_default():
                tf.summary.image("samples", picture[None], step=self._epoch)
            self._writer.flush()
