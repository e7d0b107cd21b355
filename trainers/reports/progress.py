"""Pictures of a flow while it trains."""

import keras
import tensorflow as tf

import zoo
from trainers.reports import pictures


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
