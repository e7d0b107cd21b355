"""What the flows of residual blocks share: the arguments of the blocks, and chains of them."""

import math

from zoo.layers import ActNorm, Residual, Squeeze
from zoo.layers.residual import EXACT_UP_TO
from zoo.models.common import check_count
from zoo.networks.conditioner import seed_stream


class Blocks:
    """Builds residual blocks, each after an activation normalisation.

    Args:
      log_det: As in `zoo.layers.Residual`; with `"auto"` that is `estimator` beyond a few
        dimensions.
      estimator: `"series"` or `"roulette"`.
      seed: Seed of the initial weights.
      context: Shape of the context that blocks see, or `None`.
      dtype: Type or policy of the layers.
      **options: Further arguments of `zoo.layers.Residual`, the same for all blocks.
    """

    def __init__(self, log_det, estimator, seed, context, dtype, **options):
        self._log_det, self._estimator, self._options = log_det, estimator, options
        self._seeds = seed_stream(None if seed is None else 1000 * seed)
        self._context, self._dtype = context, dtype

    def chain(self, shape, count, hidden_units, preactivated):
        """`count` pairs of a normalisation and a block on events of this shape; then one more.

        Args:
          shape: `(d,)`, or `(height, width, channels)`.
          count: Number of blocks.
          hidden_units: As in `zoo.layers.Residual`.
          preactivated: Whether the first block starts with an activation, as all others do.
        """
        layers, kind = [], self._log_det
        if kind == "auto":
            kind = "exact" if math.prod(shape) <= EXACT_UP_TO else self._estimator
        for i in range(count):
            seed = next(self._seeds)
            layers.append(ActNorm(shape, dtype=self._dtype))
            layers.append(
                Residual(
                    shape,
                    hidden_units,
                    log_det=kind,
                    preactivation=preactivated or i > 0,
                    context_shape=self._context,
                    seed=None if seed is None else 100 * seed,
                    dtype=self._dtype,
                    **self._options,
                )
            )
        return [*layers, ActNorm(shape, dtype=self._dtype)]

    def squeeze(self, shape):
        """A layer that makes 2x2 blocks of pixels the channels of one."""
        return Squeeze(shape, dtype=self._dtype)


def image_options(width, blocks):
    """The checked number of maps, twice as a tuple, and the number of blocks a scale."""
    return (check_count("width", width),) * 2, check_count("blocks", blocks)
