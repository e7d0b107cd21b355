"""What is seen of a flow while it trains: lines, or a bar, and pictures."""

import math
import sys
import time

import keras
import tensorflow as tf

import zoo
from trainers.reports import pictures
from trainers.runs import metrics


class Pictures(keras.callbacks.Callback):
    """Draws samples every few epochs, to pictures/ and TensorBoard.

    Validation shows it the average of the weights, where there is one.

    Args:
        folder: Folder of the run.
        interval: Epochs between pictures; 0: none.
        tensorboard: Whether to write them for TensorBoard too.
        seed: Seed of the samples, the same at every epoch.
    """

    def __init__(self, folder, interval, tensorboard=True, seed=0):
        super().__init__()
        self._folder, self._interval, self._seed = folder, interval, seed
        self._writer, self._tensorboard = None, tensorboard

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch + 1

    def on_test_end(self, logs=None):
        if not self._interval or self._epoch % self._interval:
            return
        if not pictures.drawable(self.model.event_shape):
            return
        try:
            picture = pictures.sample_picture(self.model, seed=self._seed)
        except zoo.NotConverged as error:  # No reason to end a training.
            print(f"no picture of epoch {self._epoch}: {error}", flush=True)
            return
        path = self._folder / "pictures" / f"epoch-{self._epoch:05d}.png"
        pictures.save_png(picture, path)
        if self._tensorboard:
            folder = str(self._folder / "tensorboard" / "pictures")
            self._writer = self._writer or tf.summary.create_file_writer(folder)
            with self._writer.as_default():
                tf.summary.image("samples", picture[None], step=self._epoch)
            self._writer.flush()


class Watch(keras.callbacks.Callback):
    """Tells how a training goes: "compiling", then rate, time left, validation and the best so far.

    In bits per dimension where events are of levels, else in nats; so many digits that two of the
    error are shown. The error is two standard errors of the mean, from those of batches.

    Args:
        epochs: Most epochs.
        max_steps: Most steps, or None.
        max_minutes: Most minutes, or None.
        progress: "bar" rewrites a line, "line" prints one an epoch and one a minute, "none" is
            silent, "auto" is a bar on a terminal and lines elsewhere.
        file: Where to print; the standard output by default.
    """

    EVERY = {"bar": 0.2, "line": 60.0}

    def __init__(self, epochs, max_steps=None, max_minutes=None, progress="auto", file=None):
        super().__init__()
        self._epochs, self._max_steps, self._max_minutes = epochs, max_steps, max_minutes
        self._file = file or sys.stdout
        auto = "bar" if self._file.isatty() else "line"
        self._kind = auto if progress == "auto" else progress
        self._best, self._validated, self._figure = math.inf, [], ""

    def continue_from(self, best):
        """Takes up {"epoch", "loss"} of the best weights so far."""
        self._best, self._best_epoch, self._error = best["loss"], best["epoch"], 0.0

    def on_train_begin(self, logs=None):
        self._steps = self.params["steps"]
        self._start, self._first, self._told = time.monotonic(), None, 0.0
        self._say("compiling ...")

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._figure = epoch + 1, ""
        self._done = int(keras.ops.convert_to_numpy(self.model.optimizer.iterations))

    def on_train_batch_end(self, batch, logs=None):
        now, step = time.monotonic(), self._done + batch + 1
        if self._first is None:
            self._say(f"compiled in {now - self._start:.0f} s")
            self._first, self._told = (now, step), now
        elif now - self._told >= self.EVERY.get(self._kind, math.inf):
            self._told = now
            loss = float(keras.ops.convert_to_numpy(logs["loss"]))
            self._say(self._line(step, now, f"training {self._shown(loss)}"), rewritten=True)
        self._last = step

    def on_test_begin(self, logs=None):
        self._validated, self._before = [], (0, 0.0)

    def on_test_batch_end(self, batch, logs=None):
        # What Keras hands on is the mean so far; the batch's own follows from it.
        count, total = self._before
        mean = float(keras.ops.convert_to_numpy(logs["loss"])) * (batch + 1)
        self._validated.append((mean - total) / (batch + 1 - count))
        self._before = batch + 1, mean

    def on_test_end(self, logs=None):
        loss, error = float(logs["loss"]), 0.0
        if len(self._validated) > 2:
            # The last batch may be a small one.
            error = metrics.mean_and_error(self._validated[:-1])["error"]
        if loss < self._best:
            self._best, self._best_epoch, self._error = loss, self._epoch, error
        self._figure = f"validation {self._shown(loss, error)}"
        self._figure += f", best {self._shown(self._best, self._error, False)} of epoch "
        self._figure += f"{self._best_epoch}"

    def on_epoch_end(self, epoch, logs=None):
        figure = self._figure or f"training {self._shown(float(logs['loss']))}"
        self._say(self._line(self._last, time.monotonic(), figure))

    def _line(self, step, now, figure):
        began, first = self._first
        taken = (now - began) / max(step - first, 1)
        per_epoch = self._steps or 1
        total = min(self._epochs * per_epoch, self._max_steps or math.inf)
        left = (total - step) * taken
        if self._max_minutes is not None:
            left = min(left, 60 * self._max_minutes - (now - self._start))
        within = f"step {(step - 1) % per_epoch + 1}/{per_epoch}"
        rate = f"{1 / taken:.3g} steps/s" if step > first and taken > 0 else "- steps/s"
        return (
            f"epoch {self._epoch}/{self._epochs}, {within}, {rate}, {_clock(left)} left, {figure}"
        )

    def _shown(self, loss, error=0.0, unit=True):
        """A loss in the unit that fits; nats are of the log-likelihood, which grows."""
        dims = math.prod(self.model.event_shape) * math.log(2)
        value, error = (loss / dims, error / dims) if self.model.levels else (-loss, error)
        text = f"{value:.{metrics.decimals(error)}f}"
        if error:
            text += f" ± {error:.{metrics.decimals(error)}f}"
        return text + (" bits/dim" if self.model.levels else " nats") * unit

    def _say(self, text, rewritten=False):
        if self._kind == "none":
            return
        end = "" if rewritten and self._kind == "bar" else "\n"
        wipe = "\r\x1b[K" if self._kind == "bar" else ""
        print(f"{wipe}{text}", end=end, file=self._file, flush=True)


def _clock(seconds):
    minutes, seconds = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
