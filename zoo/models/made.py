"""Masked autoencoder density estimator (Germain et al., 2015, arXiv:1502.03509)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.config import count, register
from zoo.distributions import MixtureBase
from zoo.layers import Autoregressive
from zoo.models.family import Family
from zoo.typing import Shape


@register("zoo")
class MADE(Family):
    """`p(x) = prod_i p(x_i | x_1..x_i-1)`, each conditional a Gaussian or a mixture of Gaussians.

    With one component this is a single autoregressive layer over its base; with more (MADE MoG;
    Papamakarios et al., 2017, section 4) it is a density without a latent, of use as the `base` of
    another flow.

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      components: Number of Gaussians a dimension.
      hidden_units: Width of each hidden layer.
      activation: Name of a Keras activation.
      **shared: What all families take; see `zoo.models.Family`.

    Example:

    ```python
    base = zoo.MADE(event_shape=(3,), components=5, hidden_units=(32,))
    flow = zoo.MAF(event_shape=(3,), hidden_units=(32,), base=base)
    ```

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        event_shape: Shape,
        *,
        components: int = 1,
        hidden_units: Sequence[int] = (512, 512),
        activation: str = "relu",
        **shared: Any,
    ) -> None:
        shared = self.shared(event_shape, shared)
        layers, shape = shared.vector()
        seed = next(shared.seeds())
        network = {"hidden_units": hidden_units, "activation": activation, "seed": seed}
        if count("components", components) == 1:
            layers.append(Autoregressive(shape, **network, **shared.conditional))
            super().__init__(layers, shared)
            return
        if shared.flow["base"] != "normal":
            raise ValueError(
                f"base is for one component: mixtures have none, got components={components}."
            )
        mixture = MixtureBase(shape, components=components, **network, **shared.conditional)
        super().__init__(layers, shared, base=mixture)
