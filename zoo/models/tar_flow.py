"""Transformer autoregressive flow (Zhai et al., 2024, arXiv:2412.06329)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zoo.config import count, register
from zoo.layers import ActNorm, Reshape, Squeeze, TokenAutoregressive
from zoo.models.family import Family
from zoo.transformers import Transformer
from zoo.typing import Shape


@register("zoo")
class TarFlow(Family):
    """Layers of causal attention over the patches of an image, in orders that alternate.

    Args:
      event_shape: `(height, width, channels)`, height and width multiples of `patch_size`.
      patch_size: Height and width of a patch, which is one token.
      num_layers: Number of autoregressive layers, the paper's blocks.
      width: Length of a token within the networks.
      blocks: Number of blocks of attention in each network, the paper's layers.
      heads: Number of heads of attention; one for each 32 units of the width unless told.
      transformer: Name or instance of a `zoo.transformers.Transformer`.
      within: How the entries of a patch see each other: `"independent"`, not at all, or
        `"autoregressive"`; see `zoo.layers.TokenAutoregressive`.
      hidden_units, activation: Of the MADE within a patch.
      dropout: Share of the numbers within the networks that a training step leaves out.
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
        width: int = 128,
        blocks: int = 2,
        heads: int | None = None,
        transformer: str | Transformer = "affine",
        within: str = "independent",
        hidden_units: Sequence[int] = (256, 256),
        activation: str = "relu",
        dropout: float = 0.0,
        **shared: Any,
    ) -> None:
        shared = self.shared(event_shape, shared)
        layers, shape = shared.image(0, default="center")
        patches = Squeeze(shape, patch_size, **shared.plain)
        rows, columns, size = patches.latent_shape
        tokens = (rows * columns, size)
        layers += [ActNorm(shape, **shared.plain), patches]
        layers.append(Reshape(patches.latent_shape, tokens, **shared.plain))
        seeds = shared.seeds(1000)
        for i in range(count("num_layers", num_layers)):
            layers.append(
                TokenAutoregressive(
                    tokens,
                    transformer,
                    width,
                    blocks,
                    heads,
                    within,
                    hidden_units,
                    activation,
                    order="reversed" if i % 2 else "sequential",
                    dropout=dropout,
                    seed=next(seeds),
                    **shared.conditional,
                )
            )
        layers.append(Reshape(tokens, (rows * columns * size,), **shared.plain))
        super().__init__(layers, shared)
