"""Inverse autoregressive flow (Kingma et al., 2016, arXiv:1606.04934)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.config import register
from zoo.models.family import Family
from zoo.models.stacks import autoregressive
from zoo.transformers import Transformer
from zoo.typing import Shape


@register("zoo")
class IAF(Family):
    """Stacked inverse autoregressive layers: one pass for `sample`, one sweep for `log_prob`.

    Latent to data, layer by layer (eq. 13-14): `z_i' = g_i z_i + (1 - g_i) m_i` with the gate `g =
    sigmoid(s + 2)`, `s` and `m` from a MADE over `z_1..z_i-1` and the context; `log|det| = sum_i
    log g_i`. The order of the dimensions is reversed from layer to layer. As an approximate
    posterior (the paper's use) its samples carry their density at no extra cost.

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      num_layers: Number of autoregressive layers.
      hidden_units: Width of each hidden layer of a MADE.
      activation: Name of a Keras activation.
      transformer: Name or instance of a `zoo.transformers.Transformer`, such as `"affine"`,
        `"spline"` or `"mixture"`.
      order: `"sequential"`, reversed from layer to layer, or `"random"`, drawn anew for each.
      residual: Residual MADEs; see `zoo.networks.MADE`.
      **shared: What all families take; see `zoo.models.Family`.

    Example:

    ```python
    posterior = zoo.IAF(event_shape=(8,), context_shape=(16,), num_layers=2, hidden_units=(32,))
    ```

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        event_shape: Shape,
        *,
        num_layers: int = 4,
        hidden_units: Sequence[int] = (320, 320),
        activation: str = "elu",
        transformer: str | Transformer = "gated",
        order: str = "sequential",
        residual: bool = False,
        **shared: Any,
    ) -> None:
        shared = self.shared(event_shape, shared)
        network = {"hidden_units": hidden_units, "activation": activation, "residual": residual}
        layers = autoregressive(
            shared, num_layers, order, fast="sample", transformer=transformer, **network
        )
        super().__init__(layers, shared)
