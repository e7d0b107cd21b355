"""The rational-quadratic spline as a transformer."""

import math

from keras import ops

from zoo import bijectors
from zoo.config import count, positive, register, share
from zoo.transformers.base import Transformer


@register("zoo.transformers")
class Spline(Transformer):
    """Monotone rational-quadratic spline on `[-bound, bound]`, the identity outside it.

    The boundary derivatives are one, so that the spline joins the identity smoothly (Durkan et
    al., 2019, arXiv:1906.04032); see `zoo.bijectors.RationalQuadraticSpline`.

    Args:
      num_bins: Number of bins.
      bound: Half the width of the interval that the spline covers, in latent units.
      min_bin: Smallest width and height of a bin, as a share of the interval.
      min_slope: Smallest derivative at an inner knot.
    """

    def __init__(self, num_bins=8, bound=3.0, min_bin=1e-3, min_slope=1e-3):
        self.num_bins = count("num_bins", num_bins, 2)
        self.bound = positive("bound", bound)
        self.min_bin = positive("min_bin", min_bin)
        self.min_slope = share("min_slope", min_slope)
        if self.min_bin * self.num_bins >= 1:
            raise ValueError(f"min_bin times num_bins must be below 1, got {min_bin * num_bins}.")

    @property
    def num_params(self):
        """Widths and heights of the bins, and derivatives at the inner knots."""
        return 3 * self.num_bins - 1

    def _bins(self, logits):
        share = self.min_bin + (1.0 - self.min_bin * self.num_bins) * ops.softmax(logits, axis=-1)
        return 2.0 * self.bound * share

    def bijector(self, params):
        widths, heights, slopes = ops.split(params, (self.num_bins, 2 * self.num_bins), axis=-1)
        # softplus(x + offset) is 1 - min_slope at x = 0: parameters of zero give the identity.
        offset = math.log(math.expm1(1.0 - self.min_slope))
        return bijectors.RationalQuadraticSpline(
            self._bins(widths),
            self._bins(heights),
            self.min_slope + ops.softplus(slopes + offset),
            self.bound,
        )

    def get_config(self):
        return {
            "num_bins": self.num_bins,
            "bound": self.bound,
            "min_bin": self.min_bin,
            "min_slope": self.min_slope,
        }
