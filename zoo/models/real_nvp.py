"""Real-valued non-volume-preserving flow (Dinh et al., 2017, arXiv:1605.08803)."""

from zoo import transformers
from zoo.config import register
from zoo.flow import Flow
from zoo.layers import ActNorm, ConvCoupling, Coupling, MultiScale, Squeeze
from zoo.models.common import (
    check_count,
    check_image,
    choose,
    prepare,
    prepare_image,
    vector_context,
)
from zoo.networks.conditioner import seed_stream


@register("zoo")
class RealNVP(Flow):
    """Couplings that scale and shift one half by functions of the other; fast both ways.

    Latent to data, layer by layer (eq. 7): `x_b = z_b exp(s(z_a)) + t(z_a)`, `x_a = z_a`, on even
    and odd dimensions in turn; `log|det dx/dz| = sum s` (eq. 6). Where the paper puts batch
    normalisation between couplings, this flow has activation normalisation, whose density is that
    of the data alone.

    With `scales` it is the paper's architecture for images (section 3.6): each scale has three
    couplings on checkerboards, squeezes 2x2 blocks of pixels into channels, has three couplings on
    halves of the channels, and lets half of the numbers leave for the latent; the last one has four
    on checkerboards. The networks are residual and convolutional.

    Args:
      event_shape: Shape of one event. Without `scales`, more than one axis is flattened; with them
        `(height, width, channels)`, height and width divisible by `2**(scales - 1)`.
      context_shape: Shape of one context vector, or `None`.
      num_classes: Number of classes of an integer context, or `None`.
      levels: Number of grey levels of integer data; `None` for continuous data.
      num_layers: Number of couplings, 8 unless told; not with `scales`.
      hidden_units: Width of each hidden layer, `(256, 256)` unless told; not with `scales`.
      activation: Name of a Keras activation, `"relu"` unless told; not with `scales`.
      transformer: Name or instance of a `zoo.transformers.Transformer`. `"affine"` is with `scales`
        the paper's tanh with a learned scale, which starts at 0 on checkerboards and at 1 on halves
        of the channels.
      scales: Number of scales; `None` for dense networks on the flattened event.
      width: Only with `scales`: number of maps of the networks' hidden layers on the checkerboards
        of the first scale, doubled by each squeeze; 32 unless told.
      blocks: Only with `scales`: number of residual blocks of a network; 4 unless told.
      preprocessing: Of integer data: `"logit"`, `"center"` or `"none"`.
      alpha: Margin of the logit.
      base: As in `zoo.Flow`.
      seed: Seed of the initial weights.
      **kwargs: `dequantization`, `jit_compile`, `recompute`, `dtype` and `name` of `zoo.Flow`.

    Example:

    ```python
    flow = zoo.RealNVP(event_shape=(4,), num_layers=2, hidden_units=(32,), seed=0)
    flow.sample(3, seed=1, temperature=0.7)
    images = zoo.RealNVP(event_shape=(4, 4, 1), levels=256, scales=2, width=8, blocks=1)
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
        activation=None,
        transformer="affine",
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
        common = {"context_shape": vector_context(context_shape, num_classes), "dtype": dtype}
        given = (levels, preprocessing, alpha, dtype)
        dense = {"num_layers": num_layers, "hidden_units": hidden_units, "activation": activation}
        images = {"width": width, "blocks": blocks}
        if scales is None:
            why = "needs scales, the number of scales of a flow of images"
            dense = choose(dense, _DENSE, images, why)
            event_shape, layers, shape = prepare(event_shape, *given)
            layers += _dense_layers(shape, transformer, seed, common, **dense)
        else:
            why = "is for flows without scales; with them it is width and blocks"
            images = choose(images, _IMAGES, dense, why)
            halvings = check_count("scales", scales) - 1
            event_shape = check_image(event_shape, halvings, "RealNVP")
            layers = prepare_image(event_shape, *given, default="logit")
            builder = _ImageBuilder(transformer, seed, common, **images)
            layers.append(builder.multi_scale(event_shape, scales))
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


_DENSE = {"num_layers": 8, "hidden_units": (256, 256), "activation": "relu"}
_IMAGES = {"width": 32, "blocks": 4}


def _dense_layers(shape, transformer, seed, common, num_layers, hidden_units, activation):
    """Couplings of vectors, each after an activation normalisation."""
    seeds, layers = seed_stream(None if seed is None else 1000 * seed), []
    for i in range(check_count("num_layers", num_layers)):
        layers.append(ActNorm(shape, dtype=common["dtype"]))
        layers.append(
            Coupling(
                shape,
                "odd" if i % 2 else "even",
                transformer,
                hidden_units,
                activation,
                seed=None if seed is None else 100 * next(seeds),
                **common,
            )
        )
    return layers


class _ImageBuilder:
    """Builds the layers of one multi-scale RealNVP."""

    def __init__(self, transformer, seed, common, width, blocks):
        self._transformer, self._common = transformer, common
        self._width, self._blocks = check_count("width", width), check_count("blocks", blocks, 0)
        self._seeds = seed_stream(None if seed is None else 1000 * seed)

    def multi_scale(self, shape, scales):
        """The layer for images of this shape."""
        if shape[0] * shape[1] < 2 * 4 ** (scales - 1):
            raise ValueError(
                f"RealNVP with {scales} scales makes a single pixel of event_shape={shape}, which "
                "has no checkerboard: use fewer scales."
            )
        layers = []
        for i in range(scales - 1):
            squeeze = Squeeze(shape, dtype=self._common["dtype"])
            squeezed = squeeze.latent_shape
            layers.append(
                self._couplings(shape, "checkerboard_even", "checkerboard_odd", 3, i)
                + [squeeze]
                + self._couplings(squeezed, "first_half", "second_half", 3, i + 1)
            )
            shape = (*squeezed[:2], squeezed[2] // 2)
        last = self._couplings(shape, "checkerboard_even", "checkerboard_odd", 4, scales - 1)
        return MultiScale([*layers, last], "checkerboard", dtype=self._common["dtype"])

    def _couplings(self, shape, one, other, count, squeezes):
        transformer = self._transformer
        if transformer == "affine":
            # As in the authors' code.
            transformer = transformers.ScaledTanh(0.0 if one.startswith("checker") else 1.0)
        layers = []
        for i in range(count):
            seed = next(self._seeds)
            layers.append(ActNorm(shape, dtype=self._common["dtype"]))
            layers.append(
                ConvCoupling(
                    shape,
                    other if i % 2 else one,
                    transformer,
                    "residual",
                    self._width * 2**squeezes,
                    self._blocks,
                    seed=None if seed is None else 100 * seed,
                    **self._common,
                )
            )
        return layers
