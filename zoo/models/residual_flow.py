"""Residual flow (Chen et al., 2019, arXiv:1906.02735)."""

import math

from zoo.config import register
from zoo.flow import Flow
from zoo.layers import Reshape
from zoo.models.common import (
    check_count,
    check_image,
    choose,
    prepare,
    prepare_image,
    vector_context,
)
from zoo.models.residual_blocks import Blocks, image_options

_DENSE = {"num_layers": 16, "hidden_units": (128, 128, 128)}
_IMAGES = {"width": 512, "blocks": 16}
# Blocks at the end of the image flow, on the flattened image, and the width of their layers.
_FLAT_BLOCKS, _FLAT_UNITS = 4, (128, 128)


@register("zoo")
class ResidualFlow(Flow):
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
      context_shape: Shape of one context vector, or `None`.
      num_classes: Number of classes of an integer context, or `None`.
      levels: Number of grey levels of integer data; `None` for continuous data.
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
      preprocessing: Of integer data: `"logit"`, `"center"` or `"none"`.
      alpha: Margin of the logit.
      base: As in `zoo.Flow`.
      seed: Seed of the initial weights.
      **kwargs: `dequantization`, `jit_compile`, `dtype` and `name` of `zoo.Flow`.

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
        event_shape,
        context_shape=None,
        num_classes=None,
        levels=None,
        num_layers=None,
        hidden_units=None,
        activation="lipswish",
        coefficient=0.98,
        log_det="auto",
        terms=2,
        eval_terms=20,
        probes=1,
        rate=0.5,
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
            "roulette",
            seed,
            context,
            dtype,
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
        given = (levels, preprocessing, alpha, dtype)
        dense = {"num_layers": num_layers, "hidden_units": hidden_units}
        images = {"width": width, "blocks": blocks}
        if scales is None:
            dense = choose(dense, _DENSE, images, "needs scales, the number of scales for images")
            event_shape, layers, shape = prepare(event_shape, *given)
            count = check_count("num_layers", dense["num_layers"])
            layers += builder.chain(shape, count, dense["hidden_units"], True)
        else:
            why = "is for flows without scales; with them it is width and blocks"
            units, count = image_options(**choose(images, _IMAGES, dense, why))
            halvings = check_count("scales", scales) - 1
            event_shape = check_image(event_shape, halvings, "ResidualFlow")
            layers = prepare_image(event_shape, *given, default="logit")
            layers += _scales(builder, event_shape, scales, count, units, dtype)
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


def _scales(builder, shape, scales, count, units, dtype):
    layers = []
    for i in range(scales):
        if i:
            layers.append(builder.squeeze(shape))
            shape = layers[-1].latent_shape
        layers += builder.chain(shape, count, units, i > 0)
    layers.append(Reshape(shape, (math.prod(shape),), dtype=dtype))
    flat = layers[-1].latent_shape
    return layers + builder.chain(flat, _FLAT_BLOCKS, _FLAT_UNITS, True)
