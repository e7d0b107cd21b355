"""Deep sigmoidal flows as transformers."""

import math

import numpy as np
from keras import ops

from zoo import bijectors
from zoo.config import count, positive, register
from zoo.transformers.base import Iterated


@register("zoo.transformers")
class DeepSigmoidal(Iterated):
    """A monotone network of sigmoids whose weights are the parameters (Huang et al., 2018).

    Deep sigmoidal flow (DSF; arXiv:1804.00779, eq. 8): layers `x' = logit(w sigmoid(a x + b))`
    with slopes `a > 0` and weights `w` that are positive and sum to one. Deep dense sigmoidal flow
    (DDSF; eq. 10): between layers there are `num_units` numbers in place of one, mixed by weights
    of the same kind. With one layer the two are the same. See `zoo.bijectors.DeepSigmoidal`.

    One direction is explicit; the other is found by bracketing and may, in principle, fail: an
    entry that did not converge is NaN, of which a flow's public calls make `zoo.NotConverged`.

    At parameters of zero the units stand at quantiles of the distribution whose sum with half a
    logistic variable is logistic (density `1 / (pi cosh x)`), so that the map is near the identity
    and no two units are alike.

    Args:
      num_units: Number of sigmoids of a layer.
      num_layers: Number of layers.
      dense: Whether layers are dense (DDSF).
      fast: The explicit direction: `"log_prob"`, data to latent, or `"sample"`, latent to data.
      tolerance: Half the width of the bracket at which the other direction stops, relative to its
        result where that is above one; `None`: 1e-12 in float64, 1e-6 in float32.
      max_iterations: Number of evaluations after which it gives up.
      min_slope: Smallest slope `a`, below 2.

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        num_units=16,
        num_layers=1,
        dense=False,
        fast="log_prob",
        tolerance=None,
        max_iterations=200,
        min_slope=1e-3,
    ):
        super().__init__(fast, tolerance, max_iterations)
        self.num_units = count("num_units", num_units, 2)
        self.num_layers = count("num_layers", num_layers, 1)
        self.dense = bool(dense)
        self.min_slope = positive("min_slope", min_slope)
        if self.min_slope >= 2:
            raise ValueError(f"min_slope must be below 2, where slopes start, got {min_slope!r}.")
        # softplus(x + offset) + min_slope is 2 at x = 0.
        self._offset = math.log(math.expm1(2.0 - self.min_slope))
        middles = (np.arange(self.num_units) + 0.5) / self.num_units - 0.5
        self._centers = 2.0 * np.arctanh(np.tan(0.5 * np.pi * middles))

    def _sizes(self):
        """How many inputs and outputs each layer has."""
        inner = self.num_units if self.dense else 1
        sizes = [1] + [inner] * (self.num_layers - 1) + [1]
        return list(zip(sizes[:-1], sizes[1:], strict=True))

    @property
    def num_params(self):
        """Slopes, biases and weights of each layer, and how it mixes its inputs if it has many."""
        per_unit = sum(2 + outputs + (inputs > 1) * inputs for inputs, outputs in self._sizes())
        return self.num_units * per_unit

    def _layers(self, params):
        units, start, layers = self.num_units, 0, []

        def take(count):
            nonlocal start
            start += count
            return params[..., start - count : start]

        for inputs, outputs in self._sizes():
            scale = ops.softplus(take(units) + self._offset) + self.min_slope
            bias = take(units) - ops.cast(2.0 * self._centers, params.dtype)
            log_weights = _log_shares(take(units * outputs), outputs, units)
            log_mix = _log_shares(take(units * inputs), units, inputs) if inputs > 1 else None
            layers.append((log_mix, ops.log(scale), bias, log_weights))
        return layers

    def bijector(self, params):
        return bijectors.DeepSigmoidal(
            params,
            self._layers,
            self.fast,
            self.tolerance,
            self.max_iterations,
            name="deep_sigmoidal",
        )

    def get_config(self):
        return {
            "num_units": self.num_units,
            "num_layers": self.num_layers,
            "dense": self.dense,
            **super().get_config(),
            "min_slope": self.min_slope,
        }


def _log_shares(logits, rows, columns):
    """Logarithms of weights `[..., rows, columns]`, each row of which sums to one.

    Rows that started alike would stay alike: each starts as a wave of a frequency of its own.
    """
    logits = ops.reshape(logits, (*ops.shape(logits)[:-1], rows, columns))
    if rows > 1:
        waves = np.cos(np.pi * np.outer(np.arange(rows), np.arange(columns) + 0.5) / columns)
        logits = logits + ops.cast(waves, logits.dtype)
    return ops.log_softmax(logits, axis=-1)
