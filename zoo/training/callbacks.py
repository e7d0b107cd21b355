"""Callbacks that every training has."""

import keras


class UpdateSpectralNorms(keras.callbacks.Callback):
    """Before each validation; the last callback, after those that exchange weights."""

    def on_test_begin(self, logs=None):
        self.model.update_spectral_norms()


def with_norms(model, callbacks):
    """The callbacks, and after them that of the spectral norms: those of `fit` have it already."""
    last = UpdateSpectralNorms()
    if isinstance(callbacks, keras.callbacks.CallbackList):
        if not any(isinstance(c, UpdateSpectralNorms) for c in callbacks.callbacks):
            last.set_model(model)
            callbacks.callbacks.append(last)
        return callbacks
    if callbacks is None:
        return [last]
    return [*(callbacks if isinstance(callbacks, list | tuple) else [callbacks]), last]
