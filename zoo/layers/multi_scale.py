"""Multi-scale architecture (Dinh et al., 2017, arXiv:1605.08803, section 3.6)."""

import math

import numpy as np

from zoo import bijectors
from zoo.config import choice, register
from zoo.layers.coupling import Partition
from zoo.layers.flow_layer import Composite, shared_context_shape
from zoo.layers.images import Halves, image_shape
from zoo.layers.stack import FIXED, Stack

FACTORS = ("half", "checkerboard")


@register("zoo.layers")
class MultiScale(Composite):
    """Scales of layers; half of the channels leave for the latent after each but the last.

    One bijection between an image and a flat latent vector of as many numbers: what leaves after
    the first scale comes first. A learned prior of a part that leaves is one more layer, a coupling
    that shifts and scales it given the part that stays.

    Args:
      scales: List of lists of `FlowLayer`s, from the data to the latent; each list takes what stays
        of the one before.
      factor: Which channels stay: `"half"`, the first half, or `"checkerboard"`, of the four pixels
        that `Squeeze` made channels those on the diagonal.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: Two layers do not fit together, or channels cannot be halved.
    """

    def __init__(self, scales, factor="half", **kwargs):
        stacks = [
            s if isinstance(s, Stack) else Stack(s, dtype=kwargs.get("dtype")) for s in scales
        ]
        if not stacks:
            raise ValueError("MultiScale needs at least one scale, got none.")
        choice("factor", factor, FACTORS)
        event_shape = image_shape(stacks[0].event_shape, "MultiScale")
        partitions, shapes, shape = [], [], event_shape
        for i, stack in enumerate(stacks):
            if i:
                partitions.append(_partition(shape, factor))
                shape = (*shape[:2], shape[2] // 2)
                shapes.append(shape)
            if stack.event_shape != shape:
                raise ValueError(
                    f"Scale {i} expects events of shape {stack.event_shape}, and what stays of "
                    f"the one before it is {shape}."
                )
            shape = image_shape(stack.latent_shape, "MultiScale")
        super().__init__(
            event_shape, shared_context_shape(stacks), (math.prod(event_shape),), **kwargs
        )
        self._check_types(stacks)
        self.scales, self.factor = stacks, factor
        self.partitions, self._shapes = partitions, [*shapes, shape]

    @property
    def recompute(self):
        """That of the scales' layers; see `Stack`."""
        return self.scales[0].recompute

    @recompute.setter
    def recompute(self, mode):
        for stack in self.scales:
            stack.recompute = mode

    @property
    def members(self):
        """The scales."""
        return self.scales

    def adapt(self, x, context=None):
        for stack, partition in zip(self.scales, [*self.partitions, None], strict=True):
            x = stack.adapt(x, context)
            if partition is not None:
                x = partition.split(x)[0]

    def bijector(self, context=None, randomness=None):
        randomness, scales = randomness or FIXED, []
        for stack in self.scales:
            scales.append(stack.bijector(context, randomness))
            randomness = randomness.after(stack.draws)
        return bijectors.MultiScale(
            scales,
            self.partitions,
            self._shapes,
            self.event_shape,
            **self._options(context),
        )


def _partition(shape, factor):
    """Splits channels into those that stay and those that leave.

    Raises:
      ValueError: They cannot be halved so.
    """
    channels, parts = shape[-1], 2 if factor == "half" else 4
    if channels % parts:
        raise ValueError(
            f"factor={factor!r} needs a number of channels divisible by {parts}, got {channels} in "
            f"what comes out of a scale, {tuple(shape)}."
        )
    if factor == "half":
        return Halves(channels)
    return Partition(np.repeat([True, False, False, True], channels // 4))
