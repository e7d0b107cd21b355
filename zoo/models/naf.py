"""Neural autoregressive flow (Huang et al., 2018, arXiv:1804.00779)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.config import count, register
from zoo.models.family import Family
from zoo.models.stacks import autoregressive
from zoo.transformers import DeepSigmoidal
from zoo.typing import Shape


@register("zoo")
class NAF(Family):
    """Autoregressive layers whose transformer is itself a monotone neural network.

    Data to latent, layer by layer (eq. 8, DSF): `u_i = logit(w_i sigmoid(a_i x_i + b_i))`, with the
    slopes, biases and weights of `num_units` sigmoids from a MADE over `x_1..x_i-1` and the
    context; with `sigmoid_layers` above one such maps follow each other, and with `dense` (eq. 10,
    DDSF) numbers of all units go from one to the next. Such a flow approximates any density whose
    conditionals are continuous (theorem 1). The order of the dimensions is reversed from layer to
    layer; between layers is activation normalisation.

    `log_prob` is one pass. The transformer has no closed inverse: `sample` sweeps through the
    dimensions with a bracketing root finder at each, stops at a tolerance, and raises
    `zoo.NotConverged` rather than return what did not reach it; in distributions and SavedModels
    such events are NaN. With `fast="sample"` it is the other way round, for use as an approximate
    posterior.

    Args:
      event_shape: Shape of one event; more than one axis is flattened.
      num_layers: Number of autoregressive layers.
      hidden_units: Width of each hidden layer of a MADE.
      activation: Name of a Keras activation.
      num_units: Number of sigmoids of a layer of the transformer.
      sigmoid_layers: Number of layers of the transformer.
      dense: Whether they are dense (DDSF).
      fast: The direction that takes one pass: `"log_prob"` or `"sample"`.
      tolerance: Of the other direction; see `zoo.transformers.DeepSigmoidal`.
      max_iterations: Number of evaluations after which the other direction gives up.
      order: `"sequential"`, reversed from layer to layer, or `"random"`, drawn anew for each.
      residual: Residual MADEs; see `zoo.networks.MADE`.
      **shared: What all families take; see `zoo.models.Family`.

    Example:

    ```python
    flow = zoo.NAF(event_shape=(3,), num_layers=2, hidden_units=(16,), num_units=4, seed=0)
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
        activation: str = "elu",
        num_units: int = 16,
        sigmoid_layers: int = 1,
        dense: bool = False,
        fast: str = "log_prob",
        tolerance: float | None = None,
        max_iterations: int = 200,
        order: str = "sequential",
        residual: bool = False,
        **shared: Any,
    ) -> None:
        shared = self.shared(event_shape, shared)
        transformer = DeepSigmoidal(
            num_units=num_units,
            num_layers=count("sigmoid_layers", sigmoid_layers),
            dense=dense,
            fast=fast,
            tolerance=tolerance,
            max_iterations=max_iterations,
        )
        network = {"hidden_units": hidden_units, "activation": activation, "residual": residual}
        layers = autoregressive(
            shared, num_layers, order, fast=fast, transformer=transformer, **network
        )
        super().__init__(layers, shared)
