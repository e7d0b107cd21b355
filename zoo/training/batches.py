"""Single steps, and predictions, on data that is checked as that of `fit`."""

from __future__ import annotations

from typing import Any

import keras

from zoo.training.data import check_counts, prepared, refuse_class_weight


class OnBatches(keras.Model):
    """Checks what a `LikelihoodModel` is given beside `fit` and `evaluate`."""

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Log-likelihoods `[n]`, a NumPy array.

        Args:
          x: Events `[n, *event_shape]`, a pair `(x, context)`, or a dataset as in `fit`.
          batch_size, verbose, steps, callbacks: As in `keras.Model.predict`.

        Raises:
          ValueError: Data are not of the model's shape, type or range.
        """
        check_counts(batch_size=batch_size, steps=steps)
        x = self._watch.over(self._alone(x))
        with self._watch.reports():
            return super().predict(x, batch_size, verbose, steps, callbacks)

    def predict_on_batch(self, x: Any) -> Any:
        """Log-likelihoods `[n]` of one batch of events, or pair of these and their contexts."""
        return super().predict_on_batch(self._alone(x))

    def _alone(self, x):
        """Events, and a context beside them, as `predict` hands them over."""
        x, context = x if isinstance(x, tuple) and len(x) == 2 else (x, None)
        x, context, _ = prepared(self, x, context)
        return x if context is None else (x, context)

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        """One training step; arguments and errors as in `fit`."""
        refuse_class_weight(class_weight)
        given = prepared(self, x, y, sample_weight)
        return super().train_on_batch(*given, return_dict=return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        """What `evaluate` gives, of one batch."""
        return super().test_on_batch(*prepared(self, x, y, sample_weight), return_dict=return_dict)
