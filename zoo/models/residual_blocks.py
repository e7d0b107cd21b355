"""What the flows of residual blocks share: chains of blocks."""

import math

from zoo.config import count
from zoo.layers import ActNorm, Residual
from zoo.layers.residual import EXACT_UP_TO


class Blocks:
    """Builds residual blocks, each after an activation normalisation.

    Args:
      shared: The `Shared` arguments of the family.
      log_det: As in `zoo.layers.Residual`; with `"auto"` that is `estimator` beyond a few
        dimensions.
      estimator: `"series"` or `"roulette"`.
      **options: Further arguments of `zoo.layers.Residual`, the same for all blocks.
    """

    def __init__(self, shared, log_det, estimator, **options):
        self._log_det, self._estimator = log_det, estimator
        self._plain, self._options = shared.plain, options | shared.conditional
        self._seeds = shared.seeds(100)

    def chain(self, shape, num_blocks, hidden_units, preactivated):
        """Pairs of a normalisation and a block on events of this shape; then one more of these.

        Args:
          shape: `(d,)`, or `(height, width, channels)`.
          num_blocks: Number of blocks.
          hidden_units: As in `zoo.layers.Residual`.
          preactivated: Whether the first block starts with an activation, as all others do.
        """
        layers, kind = [], self._log_det
        if kind == "auto":
            kind = "exact" if math.prod(shape) <= EXACT_UP_TO else self._estimator
        options = self._options | {"hidden_units": hidden_units, "log_det": kind}
        for i in range(num_blocks):
            options |= {"preactivation": preactivated or i > 0, "seed": next(self._seeds)}
            layers += [ActNorm(shape, **self._plain), Residual(shape, **options)]
        return [*layers, ActNorm(shape, **self._plain)]

    def dense(self, shape, num_layers, hidden_units, preactivated):
        """The chain of a flow of vectors."""
        return self.chain(shape, count("num_layers", num_layers), hidden_units, preactivated)

    def scale(self, shape, width, blocks, preactivated):
        """The chain of a scale of a flow of images: 3x3, 1x1 and 3x3 convolutions a block."""
        units = (count("width", width),) * 2
        return self.chain(shape, count("blocks", blocks), units, preactivated)
