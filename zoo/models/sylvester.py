"""Sylvester normalizing flow (van den Berg et al., 2018, arXiv:1803.05649)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo import layers as flow_layers
from zoo.config import register
from zoo.models.family import Family
from zoo.models.stacks import amortized
from zoo.typing import Shape


@register("zoo")
class Sylvester(Family):
    """Sylvester layers, each of which is a planar one with many ridges.

    In the fast direction, layer by layer (eq. 13-14): `f(x) = x + Q R tanh(S Q^T x + b)` with `Q`
    orthonormal, `R` and `S` upper triangular and `R_ii S_ii > -1`; `log|det| = sum_i log(1 + R_ii
    S_ii sech(a_i)^2)`. The other direction solves one increasing scalar equation a ridge, to a
    tolerance. Activation normalisation stands before each layer, and after the last an affine map,
    whose shift and scale are read off the context where there is one.

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      num_layers: Number of Sylvester layers.
      variant: `"orthogonal"`, `"householder"` or `"triangular"`, the kinds of `Q`, all
        orthogonal to rounding at any weights; see `zoo.layers.Sylvester`. The triangular one
        reverses the dimensions in every second layer.
      bottleneck: Number of ridges of the orthogonal variant; `None` for the smaller of the number
        of dimensions and 32.
      num_reflections: Number of reflections of the Householder variant.
      hidden_units: Width of each hidden layer of a network that reads the context; `()`, as in the
        paper, makes a layer's parameters linear in the context (the encoder's output).
      activation: Name of a Keras activation of these networks.
      fast: The direction that takes one evaluation: `"log_prob"`, as suits training by likelihood,
        or `"sample"`, as in the paper, whose use is that of an approximate posterior.
      tolerance, max_iterations: Of the solution of the equations; see `zoo.layers.Sylvester`.
      **shared: What all families take; see `zoo.models.Family`.

    Example:

    ```python
    flow = zoo.Sylvester(event_shape=(2,), num_layers=4, seed=0)
    flow.log_prob([[0.1, -0.3]])
    posterior = zoo.Sylvester(event_shape=(8,), context_shape=(16,), num_layers=4, fast="sample")
    ```

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        event_shape: Shape,
        *,
        num_layers: int = 16,
        variant: str = "orthogonal",
        bottleneck: int | None = None,
        num_reflections: int = 8,
        hidden_units: Sequence[int] = (),
        activation: str = "relu",
        fast: str = "log_prob",
        tolerance: float | None = None,
        max_iterations: int = 100,
        **shared: Any,
    ) -> None:
        shared = self.shared(event_shape, shared)
        layers = amortized(
            shared,
            num_layers,
            flow_layers.Sylvester,
            each=lambda i: {"reverse": i % 2 == 1},
            variant=variant,
            bottleneck=bottleneck,
            num_reflections=num_reflections,
            hidden_units=hidden_units,
            activation=activation,
            fast=fast,
            tolerance=tolerance,
            max_iterations=max_iterations,
        )
        super().__init__(layers, shared)
