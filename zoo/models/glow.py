"""Glow (Kingma and Dhariwal, 2018, arXiv:1807.03039)."""

from zoo import transformers
from zoo.config import register
from zoo.flow import Flow
from zoo.layers import (
    ActNormConv1x1,
    ConvCoupling,
    Elementwise,
    MultiScale,
    Scan,
    Squeeze,
    Stack,
)
from zoo.models.common import check_count, check_image, prepare_image, vector_context
from zoo.networks.conditioner import seed_stream


@register("zoo")
class Glow(Flow):
    """Scales of steps of [actnorm, invertible 1x1 convolution, coupling]; fast both ways.

    Data to latent: each scale squeezes 2x2 blocks of pixels into channels, takes `steps` steps, and
    lets half of its channels leave for the latent (figure 2). Actnorm and convolution are one
    affine map of the channels; the coupling shifts and scales one half of them given the other
    (table 1). The learned priors are part of the bijection: what leaves is shifted and scaled given
    what stays, and what remains at the end by learned numbers of its own, so that the latent is
    standard normal.

    A context conditions the couplings and the priors.

    Args:
      event_shape: `(height, width, channels)`, height and width divisible by `2**scales`.
      context_shape: Shape of one context vector, or `None`.
      num_classes: Number of classes of an integer context, or `None`.
      levels: Number of grey levels of integer data; `None` for continuous data.
      scales: Number of scales, the paper's L.
      steps: Number of steps a scale, the paper's K.
      width: Number of maps of the networks' hidden layers.
      coupling: `"affine"` (scale `sigmoid(s + 2)`, as published), `"additive"`, `"tanh"` (log-scale
        `2 tanh(s / 2)`), or another name or instance of a `zoo.transformers.Transformer`.
      conv: Parametrization of the 1x1 convolutions, `"lu"` or `"plain"`.
      learn_prior: Whether the priors are learned; otherwise standard normal.
      preprocessing: Of integer data: `"center"` (default), `"logit"` or `"none"`.
      alpha: Margin of the logit.
      base: As in `zoo.Flow`; a `zoo.MAF` over `(height * width * channels,)` makes the prior
        autoregressive.
      seed: Seed of the initial weights.
      **kwargs: `dequantization`, `jit_compile`, `recompute`, `dtype` and `name` of `zoo.Flow`. With
        `dtype="mixed_bfloat16"` the networks compute in bfloat16, all else in float32.

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
        event_shape,
        context_shape=None,
        num_classes=None,
        levels=None,
        scales=3,
        steps=32,
        width=512,
        coupling="affine",
        conv="lu",
        learn_prior=True,
        preprocessing=None,
        alpha=1e-2,
        base="normal",
        seed=None,
        dtype=None,
        **kwargs,
    ):
        shape = check_image(event_shape, check_count("scales", scales), "Glow")
        layers = prepare_image(shape, levels, preprocessing, alpha, dtype, default="center")
        builder = _Builder(
            check_count("steps", steps),
            check_count("width", width),
            transformers.get("sigmoid" if coupling == "affine" else coupling),
            conv,
            learn_prior,
            vector_context(context_shape, num_classes),
            seed,
            dtype,
        )
        layers.append(MultiScale(builder.scales(shape, scales), dtype=dtype))
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


class _Builder:
    """Builds the layers of one Glow."""

    def __init__(self, steps, width, transformer, conv, learn_prior, context, seed, dtype):
        self._steps, self._width, self._transformer = steps, width, transformer
        self._conv, self._learn_prior = conv, learn_prior
        self._common = {"context_shape": context, "dtype": dtype}
        self._seeds = seed_stream(None if seed is None else 1000 * seed)

    def _seed(self):
        seed = next(self._seeds)
        return None if seed is None else 100 * seed

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
        squeeze = Squeeze(shape, dtype=self._common["dtype"])
        steps = [self._step(squeeze.latent_shape) for _ in range(self._steps)]
        return [squeeze, Scan(steps, dtype=self._common["dtype"])]

    def _step(self, shape):
        dtype = self._common["dtype"]
        linear = ActNormConv1x1(shape, self._conv, self._seed(), dtype=dtype)
        coupling = ConvCoupling(
            shape,
            transformer=self._transformer,
            width=self._width,
            seed=self._seed(),
            **self._common,
        )
        return Stack([linear, coupling], dtype=dtype)

    def _prior(self, shape, top):
        if not self._learn_prior:
            return []
        # Wider than a coupling's: features of later scales differ by orders of magnitude.
        affine = transformers.Affine(max_log_scale=5.0)
        if top:
            return [Elementwise(shape, affine, hidden_units=(), **self._common)]
        return [ConvCoupling(shape, transformer=affine, network="linear", **self._common)]
