"""Real-valued non-volume-preserving flow (Dinh et al., 2017, arXiv:1605.08803)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo import transformers
from zoo.config import count, register
from zoo.layers import ActNorm, ConvCoupling, Coupling, MultiScale, Squeeze
from zoo.models.family import Family
from zoo.transformers import Transformer
from zoo.typing import Shape


@register("zoo")
class RealNVP(Family):
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
      num_layers: Number of couplings, 8 unless told; not with `scales`.
      hidden_units: Width of each hidden layer, `(256, 256)` unless told; not with `scales`.
      activation: Name of a Keras activation, `"relu"` unless told; not with `scales`.
      transformer: Name or instance of a `zoo.transformers.Transformer`, such as `"mixture"` (of
        logistics, Flow++'s). `"affine"` is with `scales` the paper's tanh with a learned scale,
        which starts at 0 on checkerboards and at 1 on halves of the channels.
      scales: Number of scales; `None` for dense networks on the flattened event.
      width: Only with `scales`: number of maps of the networks' hidden layers on the checkerboards
        of the first scale, doubled by each squeeze; 32 unless told.
      blocks: Only with `scales`: number of residual blocks of a network; 4 unless told.
      attention: Only with `scales`: number of heads of self-attention in each network; none unless
        told.
      **shared: What all families take; see `zoo.models.Family`.

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
        event_shape: Shape,
        *,
        num_layers: int | None = None,
        hidden_units: Sequence[int] | None = None,
        activation: str | None = None,
        transformer: str | Transformer = "affine",
        scales: int | None = None,
        width: int | None = None,
        blocks: int | None = None,
        attention: int | None = None,
        **shared: Any,
    ) -> None:
        shared = self.shared(event_shape, shared)
        options = self.one_form(
            scales,
            dense={
                "num_layers": (num_layers, 8),
                "hidden_units": (hidden_units, (256, 256)),
                "activation": (activation, "relu"),
            },
            images={"width": (width, 32), "blocks": (blocks, 4), "attention": (attention, 0)},
        )
        if scales is None:
            layers = _dense_layers(shared, transformer, **options)
        else:
            layers, shape = shared.image(count("scales", scales) - 1)
            builder = _ImageBuilder(shared, transformer, **options)
            layers.append(builder.multi_scale(shape, scales))
        super().__init__(layers, shared)


def _dense_layers(shared, transformer, num_layers, **network):
    """Couplings of vectors, each after an activation normalisation."""
    layers, shape = shared.vector()
    given = {"transformer": transformer} | network | shared.conditional
    for i, seed in zip(range(count("num_layers", num_layers)), shared.seeds(100), strict=False):
        coupling = Coupling(shape, mask="odd" if i % 2 else "even", seed=seed, **given)
        layers += [ActNorm(shape, **shared.plain), coupling]
    return layers


class _ImageBuilder:
    """Builds the layers of one multi-scale RealNVP."""

    def __init__(self, shared, transformer, width, blocks, attention):
        self._transformer, self._width = transformer, count("width", width)
        self._given = {"blocks": count("blocks", blocks, least=0), "attention": attention}
        self._given |= shared.conditional
        self._plain, self._seeds = shared.plain, shared.seeds(100)

    def multi_scale(self, shape, scales):
        """The layer for images of this shape."""
        if shape[0] * shape[1] < 2 * 4 ** (scales - 1):
            raise ValueError(
                f"RealNVP with {scales} scales makes a single pixel of event_shape={shape}, which "
                "has no checkerboard: use fewer scales."
            )
        layers = []
        for i in range(scales - 1):
            squeeze = Squeeze(shape, **self._plain)
            squeezed = squeeze.latent_shape
            layers.append(
                self._couplings(shape, "checkerboard_even", "checkerboard_odd", 3, i)
                + [squeeze]
                + self._couplings(squeezed, "first_half", "second_half", 3, i + 1)
            )
            shape = (*squeezed[:2], squeezed[2] // 2)
        last = self._couplings(shape, "checkerboard_even", "checkerboard_odd", 4, scales - 1)
        return MultiScale([*layers, last], "checkerboard", **self._plain)

    def _couplings(self, shape, one, other, number, squeezes):
        transformer = self._transformer
        if transformer == "affine":
            # As in the authors' code.
            transformer = transformers.ScaledTanh(0.0 if one.startswith("checker") else 1.0)
        given = {"transformer": transformer, "network": "residual"} | self._given
        given["width"] = self._width * 2**squeezes
        layers = []
        for i in range(number):
            mask = other if i % 2 else one
            coupling = ConvCoupling(shape, mask=mask, seed=next(self._seeds), **given)
            layers += [ActNorm(shape, **self._plain), coupling]
        return layers
