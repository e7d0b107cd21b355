"""Mixtures of logistics as transformers."""

import math

import numpy as np
from keras import ops

from zoo import bijectors
from zoo.config import count, positive, register, share
from zoo.numerics import soft_clamp
from zoo.transformers.base import Iterated

_MAX_LOGIT = 15.0  # Shares down to 1e-13, and sums of weights far within the range of float32.


@register("zoo.transformers")
class LogisticMixture(Iterated):
    """Affine map of the logit of a mixture of logistics' distribution function, data to latent.

    Flow++'s coupling law (Ho et al., 2019, arXiv:1902.00275, section 3.2). See
    `zoo.bijectors.LogisticMixture`.

    One direction is explicit; the other is found by bracketing, to the `tolerance`, and an entry
    that did not converge is NaN, of which a flow's public calls make `zoo.NotConverged`.

    At parameters of zero the components have weights of `1 / num_components`, scales of `start`,
    and means at quantiles of the distribution whose sum with `start` times a logistic variable is
    logistic, so that the map is near the identity and no two components are alike.

    Args:
      num_components: Number of logistics, at least 2.
      start: Scale of the components at parameters of zero, between 0 and 1.
      fast: The explicit direction: `"log_prob"`, data to latent, or `"sample"`, latent to data.
      tolerance: Half the width of the bracket at which the other direction stops, relative to its
        result where that is above one; `None`: 1e-12 in float64, 1e-6 in float32.
      max_iterations: Number of evaluations after which it gives up.
      max_log_scale: The log-scale of the affine map is softly clamped to this magnitude, nats.
      max_log_slope: The log-scales of the components, likewise, about that of `start`.

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        num_components=8,
        start=0.75,
        fast="log_prob",
        tolerance=None,
        max_iterations=200,
        max_log_scale=3.0,
        max_log_slope=7.0,
    ):
        super().__init__(fast, tolerance, max_iterations)
        self.num_components = count("num_components", num_components, 2)
        self.start = share("start", start)
        self.max_log_scale = positive("max_log_scale", max_log_scale)
        self.max_log_slope = positive("max_log_slope", max_log_slope)
        # Quantiles of the density that is proportional to 1 / (cosh x + cos(pi start)).
        middles = (np.arange(self.num_components) + 0.5) / self.num_components - 0.5
        angles = np.pi * self.start * middles
        self._means = 2.0 * np.arctanh(np.tan(angles) / math.tan(0.5 * np.pi * self.start))

    @property
    def num_params(self):
        """Shift and log-scale, and weight, mean and log-slope of each component."""
        return 2 + 3 * self.num_components

    def _parts(self, params):
        k = self.num_components
        affine, logits, means, slopes = ops.split(params, (2, 2 + k, 2 + 2 * k), axis=-1)
        shift, log_scale = ops.unstack(affine, axis=-1)
        return (
            shift,
            soft_clamp(log_scale, self.max_log_scale),
            soft_clamp(logits, _MAX_LOGIT),
            means + ops.cast(self._means, params.dtype),
            soft_clamp(slopes, self.max_log_slope) - math.log(self.start),
        )

    def bijector(self, params):
        return bijectors.LogisticMixture(
            params, self._parts, self.fast, self.tolerance, self.max_iterations, name="mixture"
        )

    def get_config(self):
        return {
            "num_components": self.num_components,
            "start": self.start,
            **super().get_config(),
            "max_log_scale": self.max_log_scale,
            "max_log_slope": self.max_log_slope,
        }
