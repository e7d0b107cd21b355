"""Coupling layers for images (Dinh et al., 2017; Kingma and Dhariwal, 2018)."""

import numpy as np
from keras import ops

from zoo import bijectors, transformers
from zoo.backend import read
from zoo.config import register
from zoo.layers.coupling import Partition, coupling_mask
from zoo.layers.flow_layer import FlowLayer
from zoo.layers.images import Halves, image_shape
from zoo.networks import image_net

CHECKERBOARDS = {"checkerboard_even": 0, "checkerboard_odd": 1}
HALVES = {"first_half": True, "second_half": False}


def checkerboard(shape, odd=False):
    """Boolean mask `[h, w, 1]`, true where row plus column is even, or odd."""
    rows, columns = np.indices(shape[:2])
    return ((rows + columns) % 2 == int(odd))[..., None]


@register("zoo.layers")
class ConvCoupling(FlowLayer):
    """Keeps part of an image and transforms the rest given it, by a network of images.

    With a checkerboard mask the network sees the image with the pixels to change set to zero, and
    the mask; with a mask of channels it sees the channels that are kept, and only the others are
    computed. Networks that start with a rectifier see both signs: `(x m, -x m, m)`.

    Args:
      event_shape: `(h, w, c)`.
      mask: What is kept: `"checkerboard_even"` (pixels where row plus column is even),
        `"checkerboard_odd"`, `"first_half"` of the channels, `"second_half"`, or a boolean for each
        channel.
      transformer: Name or instance of a `zoo.transformers.Transformer`, such as `"affine"`,
        `"spline"` or `"mixture"`.
      network: `"glow"` (`zoo.networks.ConvNet`), `"residual"` (`zoo.networks.ResidualNet`),
        `"linear"` (`zoo.networks.LinearConvNet`) or `"attention"` (`zoo.networks.AttentionNet`).
      width: Number of maps of the network's hidden layers, or length of its tokens.
      blocks: Number of blocks, residual or of attention.
      context_shape: `(c,)` of one context vector, `(h, w, c)` of context maps, or `None`.
      seed: Seed of the initial weights.
      attention: Number of heads of the network's `zoo.networks.SelfAttention`; 0 for none.
      **kwargs: `dtype` and `name` of a Keras layer. Where the policy's compute type is narrower
        than its variables', as in `"mixed_bfloat16"`, the network alone computes in it.

    Raises:
      ValueError: The mask, the transformer or the network is not one, the events are no images, or
        too small for the mask, or the heads of the attention do not divide the width.
    """

    prefers_xla = False

    def __init__(
        self,
        event_shape,
        mask="first_half",
        transformer="sigmoid",
        network="glow",
        width=512,
        blocks=8,
        context_shape=None,
        seed=None,
        attention=0,
        **kwargs,
    ):
        shape = image_shape(event_shape, "ConvCoupling")
        super().__init__(shape, context_shape, **kwargs)
        self.mask_name, self.transformer = mask, transformers.get(transformer)
        self._mask = self._halves = None
        kept = changed = shape[-1]
        if not isinstance(mask, str):
            self._halves = Partition(coupling_mask(mask, shape[-1]))
            kept, changed = self._halves.sizes
        elif mask in HALVES:
            if shape[-1] < 2:
                raise ValueError(f"mask={mask!r} needs at least 2 channels, got {shape[-1]}.")
            self._halves = Halves(shape[-1], HALVES[mask])
            kept, changed = self._halves.sizes
        elif mask in CHECKERBOARDS:
            if shape[0] * shape[1] < 2:
                raise ValueError(f"mask={mask!r} needs at least 2 pixels, got an image of 1.")
            self._mask = checkerboard(shape, CHECKERBOARDS[mask])
        else:
            raise ValueError(f"mask must be one of {[*CHECKERBOARDS, *HALVES]}, got {mask!r}.")
        self._kept_shape = (*shape[:2], kept)
        shared = self.transformer.num_shared
        self._param_shape = (*shape[:2], changed, self.transformer.num_params - shared)
        signed = network == "residual"
        self.network = image_net(
            network,
            kept * (2 if signed else 1) + (self._mask is not None),
            changed * self._param_shape[-1],
            width,
            blocks,
            self.context_shape,
            seed,
            self.dtype_policy,
            shape[:2],
            attention,
        )
        if shared:
            self.shared = self.add_weight(name="shared", shape=(shared,), initializer="zeros")

    def _inputs(self, kept):
        """What the network sees of `kept [n, h, w, c]`, in which pixels to change are zero."""
        inputs = [kept, -kept] if self.network.signed else [kept]
        if self._mask is not None:
            mask = ops.cast(self._mask, kept.dtype)
            inputs.append(ops.broadcast_to(mask, (*ops.shape(kept)[:-1], 1)))
        return ops.concatenate(inputs, axis=-1) if len(inputs) > 1 else kept

    def _parameters(self, kept, context=None):
        """The transformer's parameters `[n, h, w, changed, num_params]`."""
        params = ops.cast(self.network(self._inputs(kept), context), self.variable_dtype)
        params = ops.reshape(params, (-1, *self._param_shape))
        if not self.transformer.num_shared:
            return params
        shared = ops.broadcast_to(
            read(self.shared), (*ops.shape(params)[:-1], self.transformer.num_shared)
        )
        return ops.concatenate([params, shared], axis=-1)

    def adapt(self, x, context=None):
        if self._mask is None:
            kept = self._halves.split(x)[0]
        else:
            kept = ops.where(self._mask, x, ops.zeros_like(x))
        self.network.adapt(self._inputs(kept), context)

    def bijector(self, context=None, randomness=None):
        conditioner = self._conditioner(self._parameters, *self._kept_shape)
        if self._mask is not None:
            return bijectors.MaskedCoupling(
                self._mask, conditioner, self.transformer, **self._options(context)
            )
        return bijectors.Coupling(
            self._halves, conditioner, self.transformer, event_ndims=3, **self._options(context)
        )
