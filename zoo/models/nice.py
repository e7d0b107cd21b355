"""Non-linear independent components estimation (Dinh et al., 2015, arXiv:1410.8516)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.config import count, register
from zoo.layers import Coupling, Elementwise
from zoo.models.family import Family
from zoo.typing import Shape


@register("zoo")
class NICE(Family):
    """Additive couplings that preserve volume, then one diagonal scale.

    Each coupling shifts one half by a function of the other (eq. 5), on even and odd dimensions in
    turn; the last layer scales each dimension by `exp(s_i)` (section 3.3), and the latent is
    logistic (section 3.4). The log-determinant is `-sum_i s_i`, the same for all data.

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      num_layers: Number of couplings; at least 3 for every dimension to act on every other.
      hidden_units: Width of each hidden layer; the paper's MNIST network is `(1000,) * 5`.
      activation: Name of a Keras activation.
      **shared: What all families take; see `zoo.models.Family`.

    Example:

    ```python
    flow = zoo.NICE(event_shape=(4,), hidden_units=(32,), seed=0)
    flow.log_prob([[0.1, 0.2, 0.3, 0.4]])
    ```

    Raises:
      ValueError: An argument is not as described.
    """

    defaults = {"base": "logistic"}

    def __init__(
        self,
        event_shape: Shape,
        *,
        num_layers: int = 4,
        hidden_units: Sequence[int] = (1000,) * 5,
        activation: str = "relu",
        **shared: Any,
    ) -> None:
        shared = self.shared(event_shape, shared)
        layers, shape = shared.vector()
        given = {"hidden_units": hidden_units, "activation": activation} | shared.conditional
        for i, seed in zip(range(count("num_layers", num_layers)), shared.seeds(100), strict=False):
            mask = "odd" if i % 2 else "even"
            layers.append(Coupling(shape, mask=mask, transformer="additive", seed=seed, **given))
        layers.append(Elementwise(shape, transformer="scale", **shared.plain))
        super().__init__(layers, shared)
