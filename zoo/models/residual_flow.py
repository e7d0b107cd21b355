"""Residual flow (Chen et al., 2019, arXiv:1906.02735)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from zoo.config import count, register
from zoo.layers import Reshape, Squeeze
from zoo.models.family import Family
from zoo.models.residual_blocks import Blocks
from zoo.typing import Shape

# Blocks at the end of the image flow, on the flattened image, and the width of their layers.
_FLAT_BLOCKS, _FLAT_UNITS = 4, (128, 128)


@register("zoo")
class ResidualFlow(Family):
    """Contractive residual blocks trained with an unbiased log-density; sampled by fixed points.

    Data to latent, block by block, each after an activation normalisation: `z = x + g(x)`, as in
    `zoo.IResNet`. Here the series of the log-determinant goes on for a random number of terms,
    each divided by the probability that it is there, which makes its estimate unbiased (eq. 6); its
    gradient is estimated by one Neumann series, in memory that does not grow with the number of
    terms (eq. 8); and the activation is LipSwish (section 3.3). In few dimensions the
    log-determinant is exact.

    With `scales` it is the paper's architecture for images: `blocks` blocks of 3x3, 1x1 and 3x3
    convolutions a scale, 2x2 blocks of pixels squeezed into channels between scales, nothing that
    leaves early, and four dense blocks at the end. Published are 3 scales of 16 blocks of 512 maps.

    Args:
      event_shape: Shape of one event. Without `scales`, more than one axis is flattened; with them
        `(height, width, channels)`, height and width divisible by `2**(scales - 1)`.
      num_layers: Number of blocks, 16 unless told; not with `scales`.
      hidden_units: Width of each hidden layer, `(128, 128, 128)` unless told; not with `scales`.
      activation: `"lipswish"` or `"elu"`.
      coefficient: Bound of the spectral norm of each linear map, in (0, 1).
      log_det: `"exact"`, `"series"`, `"roulette"`, or `"auto"`: exact for blocks of at most 8
        dimensions, by roulette beyond. See `zoo.layers.Residual`.
      terms: Number of terms that are always there in training.
      eval_terms: The same outside of training.
      probes: Number of random vectors a trace.
      rate: The probability of ending after each further term.
      power_iterations: Power iterations of each linear map in a training step.
      tolerance: Of the inverse: 1e-6 unless told, 1e-12 in float64.
      max_iterations: Most iterations of a block's inverse.
      scales: Number of scales; `None` for dense branches on the flattened event.
      width: Only with `scales`: number of maps of the hidden layers, 512 unless told.
      blocks: Only with `scales`: number of blocks a scale, 16 unless told.
      **shared: What all families take; see `zoo.models.Family`.

    Example:

    ```python
    flow = zoo.ResidualFlow(event_shape=(2,), num_layers=4, hidden_units=(16, 16), seed=0)
    flow.decode(flow.encode([[0.1, -0.3]]))
    ```

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        event_shape: Shape,
        *,
        num_layers: int | None = None,
        hidden_units: Sequence[int] | None = None,
        activation: str = "lipswish",
        coefficient: float = 0.98,
        log_det: str = "auto",
        terms: int = 2,
        eval_terms: int = 20,
        probes: int = 1,
        rate: float = 0.5,
        power_iterations: int = 5,
        tolerance: float | None = None,
        max_iterations: int = 1000,
        scales: int | None = None,
        width: int | None = None,
        blocks: int | None = None,
        **shared: Any,
    ) -> None:
        shared = self.shared(event_shape, shared)
        options = self.one_form(
            scales,
            dense={
                "num_layers": (num_layers, 16),
                "hidden_units": (hidden_units, (128, 128, 128)),
            },
            images={"width": (width, 512), "blocks": (blocks, 16)},
        )
        builder = Blocks(
            shared,
            log_det,
            "roulette",
            coefficient=coefficient,
            activation=activation,
            terms=terms,
            eval_terms=eval_terms,
            probes=probes,
            rate=rate,
            power_iterations=power_iterations,
            tolerance=tolerance,
            max_iterations=max_iterations,
        )
        if scales is None:
            layers, shape = shared.vector()
            layers += builder.dense(shape, preactivated=True, **options)
        else:
            layers, shape = shared.image(count("scales", scales) - 1)
            for i in range(scales):
                if i:
                    layers.append(Squeeze(shape, **shared.plain))
                    shape = layers[-1].latent_shape
                layers += builder.scale(shape, preactivated=i > 0, **options)
            layers.append(Reshape(shape, latent_shape=(math.prod(shape),), **shared.plain))
            flat = layers[-1].latent_shape
            layers += builder.chain(flat, _FLAT_BLOCKS, _FLAT_UNITS, preactivated=True)
        super().__init__(layers, shared)
