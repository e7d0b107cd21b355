"""Autoregressive layer of sequences (Zhai et al., 2024, arXiv:2412.06329)."""

import keras
from keras import ops

from zoo import backend, bijectors, transformers
from zoo.config import choice, is_number, register
from zoo.layers.flow_layer import FlowLayer
from zoo.networks import MADE, Transformer
from zoo.numerics import TriangularInverse, by_rows

# What the network sees of an entry is clipped to this: normalized data hardly go beyond, and what
# one far sample decides for those after it is then what a large one would.
FARTHEST = 10.0
ORDERS = ("sequential", "reversed")
WITHIN = ("independent", "autoregressive")


@register("zoo.layers")
class TokenAutoregressive(FlowLayer):
    """Transforms each token of a sequence given the tokens before it, by causal attention.

    Data to latent takes one pass of the network. Latent to data goes token by token, in one
    compiled loop that keeps keys and values of the tokens before: about the arithmetic of one pass.

    Networks see entries clipped to plus and minus 10, far beyond normalized data: a sample from the
    tail does not take those after it to where no data were.

    Args:
      event_shape: `(t, d)`: how many tokens, and how many entries a token has.
      transformer: Name or instance of a `zoo.transformers.Transformer`.
      width, blocks, heads: Of the network; see `zoo.networks.Transformer`.
      within: What the entries of a token see of it: `"independent"`, nothing, or
        `"autoregressive"`, those before them, by a MADE with the attention's output as its context.
      hidden_units, activation: Of the MADE.
      order: `"sequential"`, or `"reversed"`: the last entry of the last token comes first.
      dropout: Share of the numbers within the network that a training step leaves out.
      context_shape: Shape of one context vector, or `None`.
      seed: Seed of the initial weights.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: An argument is none of the values named here.
    """

    prefers_xla = False

    def __init__(
        self,
        event_shape,
        transformer="affine",
        width=128,
        blocks=2,
        heads=None,
        within="independent",
        hidden_units=(256, 256),
        activation="relu",
        order="sequential",
        dropout=0.0,
        context_shape=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(event_shape, context_shape, **kwargs)
        if len(self.event_shape) != 2:
            raise ValueError(
                "TokenAutoregressive works on sequences, event_shape=(tokens, size of one), got "
                f"event_shape={self.event_shape}; put a zoo.layers.Reshape before it."
            )
        self.transformer = transformers.get(transformer)
        self._reverse = choice("order", order, ORDERS) == "reversed"
        if not (is_number(dropout) and 0 <= dropout < 1):
            raise ValueError(f"dropout must be a share from 0 to below 1, got {dropout!r}.")
        self.dropout = float(dropout)
        given = {"seed": seed, "dtype": self.dtype_policy}
        self.network = Transformer(
            *self.event_shape, width, blocks, heads, self.context_size, causal=True, **given
        )
        size, each = self.event_shape[1], self.transformer.num_params
        self.made = self.last = None
        if choice("within", within, WITHIN) == "autoregressive":
            given["seed"] = None if seed is None else seed + 500
            self.made = MADE(size, each, hidden_units, activation, width, column_blocks=1, **given)
        else:
            self.last = keras.layers.Dense(
                size * each, kernel_initializer="zeros", dtype=self.dtype_policy
            )
            self.last.build((None, width))
        self._inverse = TriangularInverse(backend.shape_invariant_jit(self._sweep), self._evaluate)
        self._guided = backend.shape_invariant_jit(self._guided_sweep)

    @property
    def draws(self):
        """Number of seeds that one evaluation takes."""
        return 1 if self.dropout else 0

    @property
    def repeatable(self):
        """Whether a second evaluation in a training step gives the same."""
        return not self.dropout

    def _parameters(self, x, context=None, drop=None):
        """Parameters `[n, t, d, num_params]` of `x [n, t, d]`."""
        x = _clipped(x)
        seen = self.network(x, context, **({"drop": drop} if drop else {}))
        if self.made is None:
            params = self.last(seen)
        else:
            rows = ops.reshape(ops.cast(x, seen.dtype), (-1, x.shape[-1]))
            params = self.made(rows, ops.reshape(seen, (-1, seen.shape[-1])))
        params = ops.reshape(params, (-1, *self.event_shape, self.transformer.num_params))
        return ops.cast(params, self.variable_dtype)

    def _drop(self, randomness):
        """What leaves out numbers in training, or `None`."""
        if not self.dropout or randomness is None or not randomness.training:
            return None
        seed = [randomness.seed()]

        def drop(x):
            own, seed[0] = backend.split_seed(seed[0])
            kept = backend.uniform(ops.shape(x), "float32", own) >= self.dropout
            return ops.where(kept, x / (1.0 - self.dropout), ops.zeros_like(x))

        return drop

    def bijector(self, context=None, randomness=None):
        drop = self._drop(randomness)
        conditioner = self._conditioner(
            lambda x, context: self._parameters(x, context, drop), *self.event_shape
        )
        return bijectors.TokenAutoregressive(
            conditioner, self._decode, self.transformer, self._reverse, **self._options(context)
        )

    # Latent to data.

    def _values(self):
        return [backend.value(v) for v in self.variables]

    def _with(self, values):
        mapping = list(zip(self.variables, values, strict=True))
        return keras.StatelessScope(state_mapping=mapping)

    def _decode(self, z, context=None):
        def run(z, context):
            return self._inverse(z, [] if context is None else [context], self._values())

        return by_rows(run, z, self.event_shape, context, self.context_shape or ())

    def _evaluate(self, x, given, values):
        with self._with(values):
            return self.transformer.inverse_and_log_det(x, self._parameters(x, *given))

    def _sweep(self, z, given, values, transform=None):
        """`x [n, t, d]` of `z`; `transform(z, params)` stands in for the transformer."""
        transform = transform or self.transformer.forward_and_log_det
        tokens, size = self.event_shape
        n, by_token = ops.shape(z)[0], ops.moveaxis(z, 1, 0)
        context = given[0] if given else None
        with self._with(values):
            weights = None if self.made is None else self.made.sweep_weights()

            def body(i, state):
                before, out, *cache = state
                seen, cache = self.network.step(i, _clipped(before), context, cache)
                token = self._token(by_token[i], seen, weights, transform)
                return token, backend.put_rows(out, i, ops.reshape(token, (1, -1))), *cache

            out = ops.zeros((tokens, n * size), dtype=z.dtype)
            state = (ops.zeros_like(by_token[0]), out, *self.network.start(n))
            out = backend.loop(tokens, body, state)[1]
        return ops.moveaxis(ops.reshape(out, (tokens, n, size)), 0, 1)

    def _token(self, z, seen, weights, transform):
        """The token `[n, d]` of a latent, given what the attention has `seen [n, width]`."""
        if self.made is None:
            params = ops.reshape(self.last(seen), (-1, z.shape[-1], self.transformer.num_params))
            return transform(z, ops.cast(params, z.dtype))[0]
        kernels, (first, *biases) = weights
        weights = kernels, [first + self.made.context_columns(seen), *biases]
        return self.made.sweeper.outcome(transform, z, weights, z.dtype, _clipped)[0]

    def guided(self, z, context, guidance):
        """Latent to data, with parameters moved away from those without a context.

        With parameters `c` given the context and `u` without it, those used are
        `c + guidance (c - u)`, at each token (Zhai et al., 2024, section 3.5).

        Args:
          z: Tensor `[n, t, d]`.
          context: Tensor `[n, *context_shape]`.
          guidance: Number, 0 for none.

        Returns:
          `x [n, t, d]`.
        """
        z = ops.flip(z, axis=(-2, -1)) if self._reverse else z
        x = self._guided(z, context, self._values(), ops.cast(guidance, z.dtype))
        return ops.flip(x, axis=(-2, -1)) if self._reverse else x

    def _guided_sweep(self, z, context, values, guidance):
        # Both go through the network side by side, and come to the same token.
        def transform(z, params):
            given, without = ops.split(params, 2, axis=0)
            params = given + guidance * (given - without)
            params = ops.concatenate([params, params], axis=0)
            return self.transformer.forward_and_log_det(z, params)

        both = ops.concatenate([context, ops.zeros_like(context)], axis=0)
        x = self._sweep(ops.concatenate([z, z], axis=0), [both], values, transform)
        return ops.split(x, 2, axis=0)[0]


def _clipped(x):
    return ops.clip(x, -FARTHEST, FARTHEST)
