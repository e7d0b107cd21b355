"""Transformers as conditioners (Vaswani et al., 2017, arXiv:1706.03762), normalised first."""

import keras
from keras import ops

from zoo import backend
from zoo.backend import read
from zoo.config import count, register
from zoo.networks.conditioner import seed_stream

HEAD_SIZE = 32


def head_count(heads, width):
    """Number of heads: as told, or one for each 32 units where these divide the width, else one.

    Raises:
      ValueError: The width is no multiple of it.
    """
    if heads is None:
        return width // HEAD_SIZE if width % HEAD_SIZE == 0 else 1
    if width % count("heads", heads):
        raise ValueError(f"width must be a multiple of heads, got {width} and {heads} heads.")
    return heads


class AttentionBlock(keras.layers.Layer):
    """`h + attention(norm(h))`, then `h + mlp(norm(h))`, with one hidden layer of GELUs.

    Tokens are normalised by their root mean square (Zhang and Sennrich, 2019, arXiv:1910.07467);
    gains, and shifts but those of the hidden layer, would be a part of the matrices behind them.

    Args:
      width: Length of a token.
      heads: Number of heads, which divides the width.
      seeds: Iterator of the seeds of initial weights.
      causal: Whether a token sees those up to itself only.
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    def __init__(self, width, heads, seeds, causal=False, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self._width, self._heads, self._causal = width, heads, causal
        self.queries_keys_values = self._dense(width, 3 * width, seeds)
        self.attended = self._dense(width, width, seeds)
        self.hidden = self._dense(width, 4 * width, seeds, use_bias=True)
        self.out = self._dense(4 * width, width, seeds)
        self.built = True

    def _dense(self, size, units, seeds, use_bias=False):
        initializer = keras.initializers.GlorotUniform(next(seeds))
        dense = keras.layers.Dense(
            units, use_bias=use_bias, kernel_initializer=initializer, dtype=self.dtype_policy
        )
        dense.build((None, size))
        return dense

    def _split(self, h, *shape):
        """Queries, keys and values of `h [n, width]`, each `[*shape, heads, size of one]`."""
        parts = ops.split(self.queries_keys_values(normalized(h)), 3, axis=-1)
        return [ops.reshape(x, (*shape, self._heads, self._width // self._heads)) for x in parts]

    def _rest(self, h, attended, drop):
        h = h + drop(self.attended(ops.reshape(attended, (-1, self._width))))
        hidden = ops.gelu(self.hidden(normalized(h)), approximate=False)
        return h + drop(self.out(hidden))

    def call(self, h, tokens, drop):
        """`h [n * tokens, width]` to as many; `drop` is applied to what is added to `h`."""
        return self._rest(h, attend(*self._split(h, -1, tokens), self._causal), drop)

    def step(self, h, i, keys, values):
        """The token `i` of a causal block, given the keys and values of those before.

        Args:
          h: Tensor `[n, width]`.
          i: Number of the token.
          keys, values: Tensors `[n, heads, tokens, size of one]`, of which those up to `i - 1` are
            read.

        Returns:
          `[n, width]`, keys and values with those of token `i`.
        """
        query, key, value = self._split(h, -1)
        keys, values = (backend.put(x, i, y, axis=2) for x, y in ((keys, key), (values, value)))
        scores = ops.matmul(keys, query[..., None] * key.shape[-1] ** -0.5)[..., 0]
        later = ops.arange(keys.shape[2]) > i
        weights = ops.softmax(scores + _unseen(later, scores.dtype), axis=-1)
        attended = ops.matmul(weights[..., None, :], values)
        return self._rest(h, attended, _keep), keys, values


def attend(query, key, value, causal=False):
    """`softmax(q k^T / sqrt(s)) v` (Vaswani et al., 2017, eq. 1), of each head by itself.

    Args:
      query, key, value: Tensors `[n, tokens, heads, s]`.
      causal: Whether a token sees those up to itself only.

    Returns:
      `[n, tokens, heads, s]`.
    """
    # Each head is a batch of its own, once for all products. Keras' own function has its products
    # transpose their arguments and gradients one by one, which takes twice as long.
    query, key, value = (ops.transpose(x, (0, 2, 1, 3)) for x in (query, key, value))
    scores = ops.matmul(query * key.shape[-1] ** -0.5, ops.transpose(key, (0, 1, 3, 2)))
    if causal:
        places = ops.arange(key.shape[2])
        scores = scores + _unseen(places[:, None] < places[None, :], scores.dtype)
    return ops.transpose(ops.matmul(ops.softmax(scores, axis=-1), value), (0, 2, 1, 3))


def _unseen(later, dtype):
    """What is added to scores, so that weights of tokens not to be seen are zero, not small."""
    # Not infinite, which times the zeros of the others would be no number.
    far = -6e4 if keras.backend.standardize_dtype(dtype) == "float16" else -1e30
    return ops.cast(later, dtype) * far


def normalized(h):
    """`h [..., width]` over the root of its mean square."""
    return h * ops.rsqrt(ops.mean(ops.square(h), axis=-1, keepdims=True) + 1e-5)


def _keep(x):
    return x


@register("zoo.networks")
class Transformer(keras.layers.Layer):
    """A transformer over a sequence of tokens, with learned positions.

    A causal one sees, at each place, the tokens before it: what goes in is shifted by one, and the
    first place sees its position and the context alone. The context is embedded by a matrix that
    starts at zero, and added to each token.

    Args:
      tokens: Length `t` of the sequence.
      size: Length of a token that goes in.
      width: Length of a token within, and of what comes out.
      blocks: Number of blocks of attention and a hidden layer.
      heads: Number of heads of attention; one for each 32 units unless told.
      context_size: Length of the context, or `None`.
      causal: Whether a place sees only the tokens before it.
      seed: Seed of the initial weights.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: The width is no multiple of the number of heads.
    """

    def __init__(
        self,
        tokens,
        size,
        width=128,
        blocks=2,
        heads=None,
        context_size=None,
        causal=False,
        seed=None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        seeds, dtype = seed_stream(seed), self.dtype_policy
        self.tokens, self.size, self.width, self.causal = tokens, size, width, causal
        self._heads = head_count(heads, count("width", width))
        self.embedding = self._dense(size, keras.initializers.GlorotUniform(next(seeds)), True)
        self.positions = self.add_weight(
            name="positions",
            shape=(tokens, width),
            initializer=keras.initializers.RandomNormal(stddev=0.02, seed=next(seeds)),
            autocast=False,
        )
        self.context_embedding = self._dense(context_size, "zeros") if context_size else None
        self.blocks = [
            AttentionBlock(width, self._heads, seeds, causal, dtype=dtype)
            for _ in range(count("blocks", blocks, least=0))
        ]
        self.built = True

    def _dense(self, size, initializer, use_bias=False):
        dense = keras.layers.Dense(
            self.width, use_bias=use_bias, kernel_initializer=initializer, dtype=self.dtype_policy
        )
        dense.build((None, size))
        return dense

    def _added(self, context):
        """What is added to the tokens of an event, `[n, width]`; 0 without a context."""
        if self.context_embedding is None or context is None:
            return 0.0
        return self.context_embedding(ops.cast(context, self.compute_dtype))

    def _positions(self):
        return ops.cast(read(self.positions), self.compute_dtype)

    def call(self, x, context=None, drop=_keep):
        """What each place of a sequence sees.

        Args:
          x: Tensor `[n, t, size]`.
          context: Tensor `[n, context_size]`, or `None`.
          drop: A function of tensors, for dropout.

        Returns:
          `[n, t, width]`.
        """
        x = ops.cast(x, self.compute_dtype)
        if self.causal:
            x = ops.concatenate([ops.zeros_like(x[:, :1]), x[:, :-1]], axis=1)
        h = self.embedding(ops.reshape(x, (-1, self.size)))
        h = ops.reshape(h, (-1, self.tokens, self.width)) + self._positions()
        added = self._added(context)
        h = h if isinstance(added, float) else h + added[:, None, :]
        h = drop(ops.reshape(h, (-1, self.width)))
        for block in self.blocks:
            h = block(h, tokens=self.tokens, drop=drop)
        return ops.reshape(normalized(h), (-1, self.tokens, self.width))

    def start(self, n):
        """Keys and values of no token yet of `n` sequences, what `step` takes and returns."""
        shape = (n, self._heads, self.tokens, self.width // self._heads)
        return [ops.zeros(shape, dtype=self.compute_dtype) for _ in range(2 * len(self.blocks))]

    def step(self, i, before, context, cache):
        """What place `i` of a causal sequence sees, place after place from 0 on.

        Args:
          i: Number of the place.
          before: The token before it, `[n, size]`; zeros for the first.
          context: Tensor `[n, context_size]`, or `None`.
          cache: What `start`, or the step before, has returned.

        Returns:
          `[n, width]`, and the cache for the next step.
        """
        h = self.embedding(ops.cast(before, self.compute_dtype))
        h = h + self._positions()[i] + self._added(context)
        cache = list(cache)
        for k, block in enumerate(self.blocks):
            h, *cache[2 * k : 2 * k + 2] = block.step(h, i, *cache[2 * k : 2 * k + 2])
        return normalized(h), cache
