"""Radial flow (Rezende and Mohamed, 2015, arXiv:1505.05770)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo import layers as flow_layers
from zoo.config import register
from zoo.models.family import Family
from zoo.models.stacks import amortized
from zoo.typing import Shape


@register("zoo")
class Radial(Family):
    """Radial layers, each of which expands or contracts space around one point.

    In the fast direction, layer by layer (eq. 14): `f(x) = x + beta (x - c) / (alpha + |x - c|)`
    with `beta > -alpha`. The other direction is the root of a quadratic, as exact as the first.
    Activation normalisation stands before each layer, and after the last an affine map, whose shift
    and scale are read off the context where there is one (the paper's amortised first Gaussian).

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      num_layers: Number of radial layers.
      hidden_units: Width of each hidden layer of a network that reads the context; `()`, as in the
        paper, makes a layer's parameters linear in the context (the encoder's output).
      activation: Name of a Keras activation of these networks.
      fast: The direction that takes one evaluation: `"log_prob"`, as suits training by likelihood,
        or `"sample"`, as in the paper, whose use is that of an approximate posterior.
      **shared: What all families take; see `zoo.models.Family`.

    Example:

    ```python
    flow = zoo.Radial(event_shape=(2,), num_layers=4, seed=0)
    flow.log_prob([[0.1, -0.3]])
    posterior = zoo.Radial(event_shape=(8,), context_shape=(16,), num_layers=4, fast="sample")
    ```

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        event_shape: Shape,
        *,
        num_layers: int = 32,
        hidden_units: Sequence[int] = (),
        activation: str = "relu",
        fast: str = "log_prob",
        **shared: Any,
    ) -> None:
        shared = self.shared(event_shape, shared)
        layers = amortized(
            shared,
            num_layers,
            flow_layers.Radial,
            hidden_units=hidden_units,
            activation=activation,
            fast=fast,
        )
        super().__init__(layers, shared)
