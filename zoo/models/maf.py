"""Masked autoregressive flow (Papamakarios et al., 2017, arXiv:1705.07057)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.config import register
from zoo.models.family import Family
from zoo.models.stacks import autoregressive
from zoo.transformers import Transformer
from zoo.typing import Shape


@register("zoo")
class MAF(Family):
    """Stacked autoregressive layers: one pass for `log_prob`, one sweep for `sample`.

    Data to latent, layer by layer (eq. 4): `u_i = (x_i - m_i) exp(-a_i)`, with `m` and `a` from a
    MADE over `x_1..x_i-1` and the context; `log|det du/dx| = -sum_i a_i` (eq. 5). The order of the
    dimensions is reversed from layer to layer. Where the paper puts batch normalisation after each
    layer, this flow has activation normalisation, whose density is that of the data alone.
    With `base=zoo.MADE(..., components=10)` it is the paper's MAF MoG.

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
    flow = zoo.MAF(event_shape=(3,), num_layers=2, hidden_units=(16,), seed=0)
    flow.sample(4, seed=1)
    ```

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        event_shape: Shape,
        *,
        num_layers: int = 5,
        hidden_units: Sequence[int] = (512, 512),
        activation: str = "relu",
        transformer: str | Transformer = "affine",
        order: str = "sequential",
        residual: bool = False,
        **shared: Any,
    ) -> None:
        shared = self.shared(event_shape, shared)
        network = {"hidden_units": hidden_units, "activation": activation, "residual": residual}
        layers = autoregressive(shared, num_layers, order, transformer=transformer, **network)
        super().__init__(layers, shared)
