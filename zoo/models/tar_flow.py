"""Transformer autoregressive flow (Zhai et al., 2024, arXiv:2412.06329)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from zoo import backend, computations
from zoo.config import count, is_number, register
from zoo.layers import ActNorm, Reshape, Squeeze, TokenAutoregressive
from zoo.models.family import Family
from zoo.transformers import Transformer
from zoo.typing import ArrayLike, Seed, Shape, Tensor


@register("zoo")
class TarFlow(Family):
    """Layers of causal attention over the patches of an image, in orders that alternate.

    Data to latent, each layer transforms a patch given the patches before it (section 3.2): what a
    causal transformer makes of these are the parameters of each entry's `transformer`, the paper's
    being affine. With `within="autoregressive"` a MADE over the entries of the patch reads what the
    attention has seen, so that one layer is autoregressive from pixel to pixel. `log_prob` takes
    one pass, `sample` about as much arithmetic, patch by patch, with keys and values kept.

    The label of a class is embedded and added to each token. With `label_dropout` the flow learns
    the density without labels too, and `sample(..., guidance=w)` is guided by it (section 3.5).
    With `noise` it is trained on noisy data, for samples of more quality once `denoise` has taken
    the noise out (sections 3.3 and 3.4); its bits per dimension are then not what they could be.
    Integers are by default centered.

    Args:
      event_shape: `(height, width, channels)`, height and width multiples of `patch_size`.
      patch_size: Height and width of a patch, which is one token.
      num_layers: Number of autoregressive layers, the paper's blocks.
      blocks: Number of blocks of attention in each network, the paper's layers.
      width: Length of a token within the networks.
      heads: Number of heads of attention; one for each 32 units of the width unless told.
      transformer: Name or instance of a `zoo.transformers.Transformer`.
      within: How the entries of a patch see each other: `"independent"`, not at all, or
        `"autoregressive"`; see `zoo.layers.TokenAutoregressive`.
      hidden_units, activation: Of the MADE within a patch.
      dropout: Share of the numbers within the networks that a training step leaves out.
      label_dropout: Share of the labels that training leaves out.
      noise: Standard deviation of the normal noise that training adds to the data, in place of the
        uniform noise of integers; of grey levels relative to half their range, the paper's `[-1,
        1]`, otherwise in data units. 0: none.
      **shared: What all families take; see `zoo.models.Family`.

    Example:

    ```python
    flow = zoo.TarFlow((4, 4, 1), levels=256, patch_size=2, num_layers=2, width=8, seed=0)
    flow.sample(2, seed=1)
    ```

    Raises:
      ValueError: An argument is not as described.
    """

    def __init__(
        self,
        event_shape: Shape,
        *,
        patch_size: int = 4,
        num_layers: int = 4,
        blocks: int = 2,
        width: int = 128,
        heads: int | None = None,
        transformer: str | Transformer = "affine",
        within: str = "independent",
        hidden_units: Sequence[int] = (256, 256),
        activation: str = "relu",
        dropout: float = 0.0,
        label_dropout: float = 0.0,
        noise: float = 0.0,
        **shared: Any,
    ) -> None:
        shared = self.shared(event_shape, shared)
        layers, shape = shared.image(0, default="center")
        patches = Squeeze(shape, patch_size, **shared.plain)
        rows, columns, size = patches.latent_shape
        tokens = (rows * columns, size)
        layers += [ActNorm(shape, **shared.plain), patches]
        layers.append(Reshape(patches.latent_shape, tokens, **shared.plain))
        given = {
            "transformer": transformer,
            "width": width,
            "blocks": blocks,
            "heads": heads,
            "within": within,
            "hidden_units": hidden_units,
            "activation": activation,
            "dropout": dropout,
        }
        for i, seed in zip(
            range(count("num_layers", num_layers)), shared.seeds(1000), strict=False
        ):
            order = "reversed" if i % 2 else "sequential"
            options = given | {"order": order, "seed": seed} | shared.conditional
            layers.append(TokenAutoregressive(tokens, **options))
        layers.append(Reshape(tokens, (rows * columns * size,), **shared.plain))
        super().__init__(layers, shared)
        self._label_dropout = self._share("label_dropout", label_dropout)
        self._noise = self._deviation(noise)

    def _share(self, name, value):
        if not (is_number(value) and 0 <= value < 1):
            raise ValueError(f"{name} must be a share from 0 to below 1, got {value!r}.")
        if value and not self.num_classes:
            raise ValueError(f"{name} is for flows with num_classes, got {value!r} and none.")
        return float(value)

    def _deviation(self, noise):
        """The standard deviation of the noise in data units."""
        if not (is_number(noise) and noise >= 0):
            raise ValueError(f"noise must be a number of at least 0, got {noise!r}.")
        if noise and self.event.margin is not None:
            raise ValueError(
                "noise leaves the range of grey levels, where preprocessing='logit' has no latent: "
                "use preprocessing='center'."
            )
        return float(noise) * (self.levels / 2 if self.levels else 1.0)

    def log_likelihood(self, x, context=None, seed=None, training=False):
        if not (training and (self._noise or self._label_dropout)):
            return super().log_likelihood(x, context, seed, training)
        x, n = self.event.check(x), backend.length(x)
        context = self.context.check(context, n, optional=self.context.labels)
        if isinstance(seed, keras.random.SeedGenerator):
            seed = backend.draw_seed(seed)
        of_noise, of_labels, seed = backend.split_seed(seed, 3)
        if self._noise:
            x = computations.to_floats(self, x)[0]
            normal = backend.samplers.normal(ops.shape(x), dtype=x.dtype, seed=of_noise)
            x = x + self._noise * normal
        if self._label_dropout and context is not None:
            drawn = backend.uniform(ops.shape(context), "float32", of_labels)
            # One more than there are, of which nothing is embedded; int8 may have no such number.
            none, context = self.num_classes, ops.cast(context, "int32")
            context = ops.where(drawn < self._label_dropout, none, context)
        noise = computations.draw_noise(self, x, of_noise)
        return computations.density(self, x, context, noise, seed, training)

    @property
    def label_dropout(self) -> float:
        """Share of the labels that training leaves out; at 0 samples cannot be guided."""
        return self._label_dropout

    def sample(
        self,
        n: int | Tensor,
        context: ArrayLike | None = None,
        seed: Seed = None,
        temperature: float | Tensor = 1.0,
        guidance: float = 0.0,
    ) -> Tensor:
        """Draws events `[n, *event_shape]`, floats in data units.

        Args:
          n, context, seed, temperature: As in `zoo.Flow.sample`.
          guidance: Weight of the classifier-free guidance: with parameters `c` given the label and
            `u` without it, those used are `c + guidance (c - u)`, at each patch of each layer (Zhai
            et al., 2024, section 3.5). 0 samples the flow itself.

        Raises:
          ValueError: An argument is not as described, or the flow has not been trained without
            labels.
        """
        if not is_number(guidance):
            raise ValueError(f"guidance must be a number, got {guidance!r}.")
        if guidance == 0:
            return super().sample(n, context, seed, temperature)
        if not self._label_dropout:
            raise ValueError(
                "guidance needs a flow that was trained without labels too: build it with "
                "num_classes and label_dropout, such as 0.1."
            )
        rest = (ops.convert_to_tensor(guidance, dtype=self.variable_dtype),)
        decode = computations.decode_guided
        return self._sampled(n, context, seed, temperature, decode, rest)

    def denoise(self, x: ArrayLike, context: ArrayLike | None = None) -> Tensor:
        """Takes out the noise that the flow was trained with: Tweedie's formula.

        `x + sigma^2 grad log p(x)`, the expectation of the data given what noise of standard
        deviation `sigma` has made of them (Zhai et al., 2024, eq. 7).

        Args:
          x: Events `[batch, *event_shape]`, such as samples, in data units.
          context: As in `log_prob`.

        Returns:
          Floats `[batch, *event_shape]`, in data units.

        Raises:
          ValueError: An argument is not as described, or the flow was built without noise.
        """
        if not self._noise:
            raise ValueError("denoise needs a flow that was built with noise, such as noise=0.05.")
        x = self.event.check(x, bounded=False)
        context = self.context.check(context, backend.length(x), optional=self.context.labels)
        return self._calls(_denoised, x, context)


def _denoised(flow, x, context=None):
    x = computations.to_floats(flow, x)[0]
    log_prob, pull = backend.vjp(lambda x: computations.density(flow, x, context), x)
    return x + flow._noise**2 * pull(ops.ones_like(log_prob))[0]
