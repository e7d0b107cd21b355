"""Glow (Kingma and Dhariwal, 2018, arXiv:1807.03039)."""

from __future__ import annotations

from typing import Any

from zoo import transformers
from zoo.config import count, register
from zoo.layers import (
    ActNormConv1x1,
    ConvCoupling,
    Elementwise,
    MultiScale,
    Scan,
    Squeeze,
    Stack,
)
from zoo.models.family import Family
from zoo.transformers import Transformer
from zoo.typing import Shape


@register("zoo")
class Glow(Family):
    """Scales of steps of [actnorm, invertible 1x1 convolution, coupling]; fast both ways.

    Data to latent: each scale squeezes 2x2 blocks of pixels into channels, takes `steps` steps, and
    lets half of its channels leave for the latent (figure 2). Actnorm and convolution are one
    affine map of the channels; the coupling shifts and scales one half of them given the other
    (table 1). The learned priors are part of the bijection: what leaves is shifted and scaled given
    what stays, and what remains at the end by learned numbers of its own, so that the latent is
    standard normal; a `base` of `zoo.MAF((height * width * channels,))` makes them autoregressive.

    A context conditions the couplings and the priors. Integers are by default centered.

    Args:
      event_shape: `(height, width, channels)`, height and width divisible by `2**scales`.
      scales: Number of scales, the paper's L.
      steps: Number of steps a scale, the paper's K.
      width: Number of maps of the networks' hidden layers.
      coupling: `"affine"` (scale `sigmoid(s + 2)`, as published), `"additive"`, `"tanh"` (log-scale
        `2 tanh(s / 2)`), `"mixture"` (of logistics, Flow++'s), or another name or instance of a
        `zoo.transformers.Transformer`.
      conv: Parametrization of the 1x1 convolutions, `"lu"` or `"plain"`.
      learn_prior: Whether the priors are learned; otherwise standard normal.
      attention: Number of heads of self-attention in each coupling's network, as in Flow++ (Ho et
        al., 2019); 0 for none.
      **shared: What all families take; see `zoo.models.Family`.

    Example:

    ```python
    flow = zoo.Glow((4, 4, 1), levels=256, scales=2, steps=1, width=8, seed=0)
    flow.sample(2, seed=1, temperature=0.7)
    ```

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        event_shape: Shape,
        *,
        scales: int = 3,
        steps: int = 32,
        width: int = 512,
        coupling: str | Transformer = "affine",
        conv: str = "lu",
        learn_prior: bool = True,
        attention: int = 0,
        **shared: Any,
    ) -> None:
        shared = self.shared(event_shape, shared)
        layers, shape = shared.image(count("scales", scales), default="center")
        builder = _Builder(
            shared,
            steps=count("steps", steps),
            coupling={
                "transformer": "sigmoid" if coupling == "affine" else coupling,
                "width": count("width", width),
                "attention": attention,
            },
            conv=conv,
            learn_prior=learn_prior,
        )
        layers.append(MultiScale(builder.scales(shape, scales), **shared.plain))
        super().__init__(layers, shared)


class _Builder:
    """Builds the layers of one Glow."""

    def __init__(self, shared, steps, coupling, conv, learn_prior):
        self._steps, self._coupling = steps, coupling
        self._conv, self._learn_prior = conv, learn_prior
        self._plain, self._conditional = shared.plain, shared.conditional
        self._seeds = shared.seeds(100)

    def scales(self, shape, count):
        """The layers of each of `count` scales, for images of this shape."""
        scales = []
        for i in range(count):
            layers = self._scale(shape)
            height, width, channels = layers[-1].latent_shape
            scales.append(layers + self._prior(layers[-1].latent_shape, top=i == count - 1))
            shape = (height, width, channels // 2)
        return scales

    def _scale(self, shape):
        squeeze = Squeeze(shape, **self._plain)
        steps = [self._step(squeeze.latent_shape) for _ in range(self._steps)]
        return [squeeze, Scan(steps, **self._plain)]

    def _step(self, shape):
        linear = ActNormConv1x1(shape, kind=self._conv, seed=next(self._seeds), **self._plain)
        given = self._coupling | self._conditional
        return Stack([linear, ConvCoupling(shape, seed=next(self._seeds), **given)], **self._plain)

    def _prior(self, shape, top):
        if not self._learn_prior:
            return []
        # Wider than a coupling's: features of later scales differ by orders of magnitude.
        affine = transformers.Affine(max_log_scale=5.0)
        given = {"transformer": affine} | self._conditional
        if top:
            return [Elementwise(shape, hidden_units=(), **given)]
        return [ConvCoupling(shape, network="linear", **given)]
