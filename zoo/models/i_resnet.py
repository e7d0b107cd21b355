"""Invertible residual network (Behrmann et al., 2019, arXiv:1811.00995)."""

from zoo.config import register
from zoo.flow import Flow
from zoo.layers import MultiScale
from zoo.models.common import (
    check_count,
    check_image,
    choose,
    prepare,
    prepare_image,
    vector_context,
)
from zoo.models.residual_blocks import Blocks, image_options

_DENSE = {"num_layers": 16, "hidden_units": (64, 64, 64)}
_IMAGES = {"width": 512, "blocks": 16}


@register("zoo")
class IResNet(Flow):
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
    100 blocks of three hidden layers of 64 units.

    Args:
      event_shape: Shape of one event. Without `scales`, more than one axis is flattened; with them
        `(height, width, channels)`, height and width divisible by `2**scales`.
      context_shape: Shape of one context vector, or `None`.
      num_classes: Number of classes of an integer context, or `None`.
      levels: Number of grey levels of integer data; `None` for continuous data.
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
      preprocessing: Of integer data: `"logit"`, `"center"` or `"none"`.
      alpha: Margin of the logit.
      base: As in `zoo.Flow`.
      seed: Seed of the initial weights.
      **kwargs: `dequantization`, `jit_compile`, `dtype` and `name` of `zoo.Flow`.

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
        event_shape,
        context_shape=None,
        num_classes=None,
        levels=None,
        num_layers=None,
        hidden_units=None,
        activation="elu",
        coefficient=0.9,
        log_det="auto",
        terms=5,
        eval_terms=20,
        probes=1,
        power_iterations=5,
        tolerance=None,
        max_iterations=1000,
        scales=None,
        width=None,
        blocks=None,
        preprocessing=None,
        alpha=1e-2,
        base="normal",
        seed=None,
        dtype=None,
        **kwargs,
    ):
        context = vector_context(context_shape, num_classes)
        builder = Blocks(
            log_det,
            "series",
            seed,
            context,
            dtype,
            coefficient=coefficient,
            activation=activation,
            terms=terms,
            eval_terms=eval_terms,
            probes=probes,
            power_iterations=power_iterations,
            tolerance=tolerance,
            max_iterations=max_iterations,
        )
        given = (levels, preprocessing, alpha, dtype)
        dense = {"num_layers": num_layers, "hidden_units": hidden_units}
        images = {"width": width, "blocks": blocks}
        if scales is None:
            dense = choose(dense, _DENSE, images, "needs scales, the number of scales for images")
            event_shape, layers, shape = prepare(event_shape, *given)
            count = check_count("num_layers", dense["num_layers"])
            layers += builder.chain(shape, count, dense["hidden_units"], False)
        else:
            why = "is for flows without scales; with them it is width and blocks"
            units, count = image_options(**choose(images, _IMAGES, dense, why))
            event_shape = check_image(event_shape, check_count("scales", scales), "IResNet")
            layers = prepare_image(event_shape, *given, default="center")
            layers.append(_multi_scale(builder, event_shape, scales, count, units, dtype))
        super().__init__(
            layers,
            event_shape=event_shape,
            context_shape=context_shape,
            num_classes=num_classes,
            levels=levels,
            base=base,
            dtype=dtype,
            **kwargs,
        )


def _multi_scale(builder, shape, scales, count, units, dtype):
    parts = []
    for i in range(scales):
        squeeze = builder.squeeze(shape)
        height, width, channels = squeeze.latent_shape
        parts.append([squeeze, *builder.chain(squeeze.latent_shape, count, units, i > 0)])
        shape = (height, width, channels // 2)
    return MultiScale(parts, dtype=dtype)
