"""Conditioners of images: images in, maps of parameters out."""

import math

import keras
from keras import ops

from zoo.config import choice, count, register
from zoo.networks.attention import Transformer
from zoo.networks.conditioner import seed_stream
from zoo.networks.convolution import NormConv, ZeroConv
from zoo.networks.self_attention import SelfAttention


class ImageConditioner(keras.layers.Layer):
    """What the convolutional networks share: their context.

    A context vector is added, through a dense layer that starts at zero, to the maps after the
    first convolution; a context of maps, as large as the image, is stacked on the input.

    Args:
      width: Number of maps that a context vector is added to.
      context_shape: `(c,)`, `(h, w, c)`, or `None`.
      **kwargs: `dtype` and `name` of a Keras layer.

    Attributes:
      signed: Whether the network wants its input as `(x, -x)`, for the rectifier it starts with.
    """

    signed = False

    def __init__(self, width, context_shape=None, **kwargs):
        super().__init__(autocast=False, **kwargs)
        shape = tuple(context_shape or ())
        self.context_maps = shape[-1] if len(shape) == 3 else 0
        self.embedding = None
        if len(shape) == 1:
            self.embedding = keras.layers.Dense(
                width, use_bias=False, kernel_initializer="zeros", dtype=self.dtype_policy
            )
            self.embedding.build((None, shape[0]))
        self.built = True

    def _stack(self, x, context):
        if not self.context_maps:
            return x
        return ops.concatenate([x, ops.cast(context, x.dtype)], axis=-1)

    def _attention(self, width, attention, seed):
        if attention is None:
            return None
        return SelfAttention(width=width, seed=seed, dtype=self.dtype_policy, **attention)

    def _add(self, h, context):
        if self.embedding is None:
            return h
        bias = self.embedding(ops.cast(context, self.compute_dtype))
        return h + ops.cast(bias, h.dtype)[:, None, None, :]

    def _run(self, x, context, hidden):
        """The output, with `hidden(layer, x, activation)` for each layer that is normalised."""
        raise NotImplementedError

    def call(self, x, context=None):
        """`x [n, h, w, channels]` and a context `[n, *context_shape]` to `[n, h, w, filters]`."""
        return self._run(ops.cast(x, self.compute_dtype), context, _call)

    def adapt(self, x, context=None):
        """Initialises the normalisations from a batch, in order; arguments as in `call`."""
        self._run(ops.cast(x, self.compute_dtype), context, _adapt)


def _call(layer, x, activation=None):
    return layer(x, activation=activation)


def _adapt(layer, x, activation=None):
    return layer.adapt(x, activation)


@register("zoo.networks")
class ConvNet(ImageConditioner):
    """Glow's network: 3x3, 1x1 and 3x3 convolutions (Kingma and Dhariwal, 2018, section 3.3).

    The hidden layers are normalised and rectified, the last starts at zero. Attention is added to
    its input.

    Args:
      channels: Number of channels of the input.
      filters: Number of channels of the output.
      width: Number of maps of the hidden layers.
      context_shape: See `ImageConditioner`.
      seed: Seed of the initial weights.
      attention: What `zoo.networks.SelfAttention` takes, as a dictionary, or `None` for none.
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    def __init__(
        self,
        channels,
        filters,
        width=512,
        context_shape=None,
        seed=None,
        attention=None,
        **kwargs,
    ):
        super().__init__(width, context_shape, **kwargs)
        seeds, dtype = seed_stream(seed), self.dtype_policy
        channels += self.context_maps
        self.first = NormConv(channels, width, 3, seed=next(seeds), dtype=dtype)
        self.second = NormConv(width, width, 1, seed=next(seeds), dtype=dtype)
        self.last = ZeroConv(width, filters, 3, dtype=dtype)
        self.attention = self._attention(width, attention, next(seeds))

    def _run(self, x, context, hidden):
        x = self._stack(x, context)
        if self.embedding is None:
            h = hidden(self.first, x, ops.relu)
        else:
            h = ops.relu(self._add(hidden(self.first, x), context))
        h = hidden(self.second, h, ops.relu)
        return self.last(h if self.attention is None else h + self.attention(h, hidden=hidden))


@register("zoo.networks")
class ResidualNet(ImageConditioner):
    """RealNVP's network: residual blocks of two 3x3 convolutions, with skips to the output.

    Every kernel is weight-normalised (Dinh et al., 2017, section 3.3 and 4.1); where the paper has
    batch normalisation too, these layers have the data-dependent initialisation of
    `zoo.networks.NormConv`, so that the density is that of the data alone. The input is rectified
    first: give it both signs. Attention, of what the blocks give, is one more skip.

    Args:
      channels: Number of channels of the input.
      filters: Number of channels of the output.
      width: Number of maps of the hidden layers.
      blocks: Number of residual blocks.
      context_shape: See `ImageConditioner`.
      seed: Seed of the initial weights.
      attention: As in `ConvNet`.
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    signed = True

    def __init__(
        self,
        channels,
        filters,
        width=64,
        blocks=8,
        context_shape=None,
        seed=None,
        attention=None,
        **kwargs,
    ):
        super().__init__(width, context_shape, **kwargs)
        seeds = seed_stream(seed)

        def conv(channels, filters, size, gain=1.0):
            return NormConv(
                channels, filters, size, True, gain, seed=next(seeds), dtype=self.dtype_policy
            )

        self.first = conv(channels + self.context_maps, width, 3)
        self.convs = [conv(width, width, 3) for _ in range(2 * blocks)]
        self.skips = [conv(width, width, 1) for _ in range(blocks + 1)]
        # Small, so that a fresh flow is near the identity; not zero, for a learned scale that
        # starts at zero would then never move.
        self.last = conv(width, filters, 1, gain=0.1)
        self.attention = self._attention(width, attention, next(seeds))

    def _run(self, x, context, hidden):
        x = self._stack(ops.relu(x), context)
        h = self._add(hidden(self.first, x), context)
        total = hidden(self.skips[0], h)
        for one, two, skip in zip(self.convs[::2], self.convs[1::2], self.skips[1:], strict=True):
            h = h + hidden(two, hidden(one, ops.relu(h), ops.relu))
            total = total + hidden(skip, h)
        if self.attention is not None:
            total = total + self.attention(h, hidden=hidden)
        return self.last(ops.relu(total))


@register("zoo.networks")
class LinearConvNet(ImageConditioner):
    """One 3x3 convolution that starts at zero: Glow's network for the prior of a split.

    Args:
      channels: Number of channels of the input.
      filters: Number of channels of the output.
      context_shape: See `ImageConditioner`.
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    def __init__(self, channels, filters, context_shape=None, **kwargs):
        super().__init__(filters, context_shape, **kwargs)
        self.last = ZeroConv(channels + self.context_maps, filters, 3, dtype=self.dtype_policy)

    def _run(self, x, context, hidden):
        return self._add(self.last(self._stack(x, context)), context)


@register("zoo.networks")
class AttentionNet(ImageConditioner):
    """A transformer over the pixels of an image (Dosovitskiy et al., 2021, arXiv:2010.11929).

    The paper's tokens are patches: squeeze the image first. A context vector is added to all tokens
    that go in; the last layer starts at zero.

    Args:
      size: `(h, w)`.
      channels: Number of channels of the input.
      filters: Number of channels of the output.
      width: Length of a token.
      blocks: Number of blocks of attention and a hidden layer.
      context_shape: See `ImageConditioner`.
      seed: Seed of the initial weights.
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    def __init__(
        self, size, channels, filters, width=128, blocks=2, context_shape=None, seed=None, **kwargs
    ):
        context_shape = tuple(context_shape or ())
        vector = len(context_shape) == 1
        super().__init__(width, None if vector else context_shape, **kwargs)
        self._size, dtype = tuple(size), self.dtype_policy
        channels += self.context_maps
        given = {"context_size": context_shape[0] if vector else None, "seed": seed}
        self.transformer = Transformer(
            math.prod(size), channels, width, blocks, dtype=dtype, **given
        )
        self.last = keras.layers.Dense(filters, kernel_initializer="zeros", dtype=dtype)
        self.last.build((None, width))

    def _run(self, x, context, hidden):
        x = self._stack(x, context)
        tokens = ops.reshape(x, (-1, self.transformer.tokens, x.shape[-1]))
        seen = self.transformer(tokens, None if self.context_maps else context)
        y = self.last(ops.reshape(seen, (-1, seen.shape[-1])))
        return ops.reshape(y, (-1, *self._size, y.shape[-1]))


NETWORKS = ("glow", "residual", "linear", "attention")


def image_net(
    kind, channels, filters, width, blocks, context_shape, seed, dtype, size=None, attention=0
):
    """The network of this kind, one of `NETWORKS`.

    With `attention`, a number of heads above 0, it has self-attention of maps of this `size`,
    `(h, w)`, which the network called `"attention"` wants to know too.

    Raises:
      ValueError: The kind is unknown, the heads do not divide the width, or there is no attention
        in such a network.
    """
    choice("network", kind, NETWORKS)
    heads = count("attention", attention, 0)
    given = {"size": size, "heads": heads} if heads else None
    if heads and kind in ("linear", "attention"):
        raise ValueError(f"attention must be 0 with network={kind!r}, got {attention!r}.")
    if kind == "linear":
        return LinearConvNet(channels, filters, context_shape, dtype=dtype)
    if kind == "attention":
        return AttentionNet(
            size, channels, filters, width, blocks, context_shape, seed, dtype=dtype
        )
    if kind == "glow":
        return ConvNet(channels, filters, width, context_shape, seed, given, dtype=dtype)
    return ResidualNet(channels, filters, width, blocks, context_shape, seed, given, dtype=dtype)
