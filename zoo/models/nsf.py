"""Neural spline flow (Durkan et al., 2019, arXiv:1906.04032)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from zoo.config import SEEDS, choice, count, register
from zoo.layers import ActNorm, Autoregressive, Coupling, LULinear
from zoo.models.family import Family
from zoo.networks.conditioner import check_hidden_units
from zoo.transformers import Spline
from zoo.typing import Shape

KINDS = ("coupling", "autoregressive")


@register("zoo")
class NSF(Family):
    """Rational-quadratic splines whose knots a network predicts, and linear maps between them.

    Data to latent, `num_layers` times: a linear map `P L U` with a random permutation, which starts
    as the permutation, then an elementwise monotone spline on `[-bound, bound]` (eq. 4), the
    identity outside; a linear map comes last (section 3.1). Either half of the dimensions gets its
    splines from a network of the other half, RQ-NSF (C), which is fast both ways, or each dimension
    from a MADE of those before it, RQ-NSF (AR), which samples in a sweep. The networks are residual
    (section 5.1). The seed decides the permutations too.

    Where the paper standardizes the data beforehand, this flow starts with an activation
    normalisation, whose density is that of the data alone: it brings the bulk of the data into the
    splines' interval.

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      kind: `"coupling"` or `"autoregressive"`.
      num_layers: Number of spline layers.
      hidden_units: Width of each hidden layer of a network; of a residual one, the first layer's,
        and two a block.
      activation: Name of a Keras activation.
      num_bins: Number of bins of a spline.
      bound: Half the width of the interval that the splines cover, in deviations of the data.
      residual: Whether the networks are residual, which wants an odd number of hidden layers of one
        width. `None`: where `hidden_units` is such.
      **shared: What all families take; see `zoo.models.Family`.

    Example:

    ```python
    flow = zoo.NSF(event_shape=(3,), num_layers=2, hidden_units=(16, 16, 16), seed=0)
    flow.sample(4, seed=1)
    ```

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        event_shape: Shape,
        *,
        kind: str = "coupling",
        num_layers: int = 10,
        hidden_units: Sequence[int] = (256,) * 5,
        activation: str = "relu",
        num_bins: int = 8,
        bound: float = 3.0,
        residual: bool | None = None,
        **shared: Any,
    ) -> None:
        autoregressive = choice("kind", kind, KINDS) == "autoregressive"
        shared = self.shared(event_shape, shared)
        layers, shape = shared.vector()
        units = check_hidden_units(hidden_units)
        if choice("residual", residual, (True, False, None)) is None:
            residual = len(units) % 2 == 1 and len(set(units)) == 1
        network = shared.conditional | {
            "transformer": Spline(num_bins=num_bins, bound=bound),
            "hidden_units": units,
            "activation": activation,
            "residual": residual,
        }
        layers.append(ActNorm(shape, **shared.plain))
        seeds, first = shared.seeds(100), 100 * (shared.seed or 0) % SEEDS
        permutations = itertools.count(first)
        for i in range(count("num_layers", num_layers)):
            layers.append(LULinear(shape, seed=next(permutations), **shared.plain))
            network["seed"] = next(seeds)
            if autoregressive:
                layers.append(Autoregressive(shape, **network))
            else:
                layers.append(Coupling(shape, mask="odd" if i % 2 else "even", **network))
        layers.append(LULinear(shape, seed=next(permutations), **shared.plain))
        super().__init__(layers, shared)
