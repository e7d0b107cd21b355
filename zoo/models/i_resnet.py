"""Invertible residual network (Behrmann et al., 2019, arXiv:1811.00995)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.config import count, register
from zoo.layers import MultiScale, Squeeze
from zoo.models.family import Family
from zoo.models.residual_blocks import Blocks
from zoo.typing import Shape


@register("zoo")
class IResNet(Family):
    """Residual blocks `x + g(x)` whose branches are contractions; sampled by fixed points.

    Data to latent, block by block, each after an activation normalisation: `z = x + g(x)`, with
    every linear map of `g` of spectral norm at most `coefficient` (eq. 3), so that the block is
    invertible (theorem 1) and the inverse is found by iterating `x = z - g(x)` (algorithm 1).
    `log|det dz/dx| = sum_k (-1)^(k+1) tr(J^k) / k` (eq. 4) is truncated after `terms` terms and its
    traces estimated with random vectors: beyond a few dimensions the density is an estimate, with a
    bias of at most `-d (log(1 - L) + sum_k L^k / k)` for a branch of constant `L` (theorem 3). In
    few dimensions it is exact.

    With `scales` it is the paper's architecture for images: each scale squeezes 2x2 blocks of
    pixels into channels, has `blocks` blocks of 3x3, 1x1 and 3x3 convolutions, and lets half of the
    channels leave for the latent. Published are 3 scales of 16 blocks of 512 maps, and for vectors
    100 blocks of three hidden layers of 64 units. Integers are by
    default centered with `scales`.

    Args:
      event_shape: Shape of one event. Without `scales`, more than one axis is flattened; with them
        `(height, width, channels)`, height and width divisible by `2**scales`.
      num_layers: Number of blocks, 16 unless told; not with `scales`.
      hidden_units: Width of each hidden layer, `(64, 64, 64)` unless told; not with `scales`.
      activation: `"elu"` or `"lipswish"`.
      coefficient: Bound of the spectral norm of each linear map, in (0, 1).
      log_det: `"exact"`, `"series"`, `"roulette"`, or `"auto"`: exact for blocks of at most 8
        dimensions, the truncated series beyond. See `zoo.layers.Residual`.
      terms: Number of terms of the series in training.
      eval_terms: The same outside of training.
      probes: Number of random vectors a trace.
      power_iterations: Power iterations of each linear map in a training step.
      tolerance: Of the inverse: 1e-6 unless told, 1e-12 in float64.
      max_iterations: Most iterations of a block's inverse.
      scales: Number of scales; `None` for dense branches on the flattened event.
      width: Only with `scales`: number of maps of the hidden layers, 512 unless told.
      blocks: Only with `scales`: number of blocks a scale, 16 unless told.
      **shared: What all families take; see `zoo.models.Family`.

    Example:

    ```python
    flow = zoo.IResNet(event_shape=(2,), num_layers=4, hidden_units=(16, 16), seed=0)
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
        activation: str = "elu",
        coefficient: float = 0.9,
        log_det: str = "auto",
        terms: int = 5,
        eval_terms: int = 20,
        probes: int = 1,
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
                "hidden_units": (hidden_units, (64, 64, 64)),
            },
            images={"width": (width, 512), "blocks": (blocks, 16)},
        )
        builder = Blocks(
            shared,
            log_det,
            "series",
            coefficient=coefficient,
            activation=activation,
            terms=terms,
            eval_terms=eval_terms,
            probes=probes,
            power_iterations=power_iterations,
            tolerance=tolerance,
            max_iterations=max_iterations,
        )
        if scales is None:
            layers, shape = shared.vector()
            layers += builder.dense(shape, preactivated=False, **options)
        else:
            layers, shape = shared.image(count("scales", scales), default="center")
            parts = []
            for i in range(scales):
                squeeze = Squeeze(shape, **shared.plain)
                height, width, channels = squeeze.latent_shape
                chain = builder.scale(squeeze.latent_shape, preactivated=i > 0, **options)
                parts.append([squeeze, *chain])
                shape = (height, width, channels // 2)
            layers.append(MultiScale(parts, **shared.plain))
        super().__init__(layers, shared)
