"""Jet: couplings by vision transformers (Kolesnikov et al., 2024, arXiv:2412.15129)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from zoo.config import count, register
from zoo.layers import ActNorm, ConvCoupling, Reshape, Squeeze
from zoo.models.family import Family
from zoo.transformers import Transformer
from zoo.typing import Shape


@register("zoo")
class Jet(Family):
    """Couplings of the patches of an image, whose networks are small vision transformers.

    Data to latent, the image is cut into patches, and each coupling transforms one part of them
    given the other, in one pass both ways (section 3.1). A coupling keeps half of the numbers of
    each patch, drawn at random, and the next one of its kind the other half; each `spatial`-th
    keeps every second patch instead, as on a checkerboard. There is neither a multi-scale
    architecture nor a linear map between couplings. Integers are by default centered.

    Args:
      event_shape: `(height, width, channels)`, height and width multiples of `patch_size`.
      patch_size: Height and width of a patch, which is one token.
      num_layers: Number of couplings.
      spatial: Each coupling of such a number splits patches from patches; 0: none does.
      blocks: Number of blocks of attention in each network.
      width: Length of a token within the networks, which have a head for each 32 units.
      transformer: Name or instance of a `zoo.transformers.Transformer`.
      **shared: What all families take; see `zoo.models.Family`.

    Example:

    ```python
    flow = zoo.Jet((4, 4, 1), levels=256, patch_size=2, num_layers=2, width=8, blocks=1, seed=0)
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
        num_layers: int = 16,
        spatial: int = 4,
        blocks: int = 2,
        width: int = 128,
        transformer: str | Transformer = "affine",
        **shared: Any,
    ) -> None:
        shared = self.shared(event_shape, shared)
        layers, shape = shared.image(0, default="center")
        patches = Squeeze(shape, patch_size, **shared.plain)
        layers += [ActNorm(shape, **shared.plain), patches]
        masks = _masks(patches.latent_shape, count("spatial", spatial, least=0), shared.seed or 0)
        given = {
            "transformer": transformer,
            "network": "attention",
            "width": count("width", width),
            "blocks": count("blocks", blocks),
        } | shared.conditional
        for mask, seed, _ in zip(
            masks, shared.seeds(100), range(count("num_layers", num_layers)), strict=False
        ):
            layers.append(ConvCoupling(patches.latent_shape, mask=mask, seed=seed, **given))
        layers.append(Reshape(patches.latent_shape, (math.prod(shape),), **shared.plain))
        super().__init__(layers, shared)


def _masks(shape, spatial, seed):
    """What each coupling keeps, without end: channels, or patches where it is its turn."""
    channels, generator = shape[-1], np.random.default_rng(seed)
    boards, halves, i = 0, [], 0
    while True:
        i += 1
        if spatial and i % spatial == 0:
            yield ("checkerboard_even", "checkerboard_odd")[boards % 2]
            boards += 1
            continue
        if not halves:
            half = generator.permutation(channels) < channels // 2
            halves = [half, ~half]
        yield halves.pop(0).tolist()
