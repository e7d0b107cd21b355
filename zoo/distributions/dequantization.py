"""Noise for integer data: uniform, or drawn from a flow given the data (Ho et al., 2019)."""

import math

import keras
from keras import ops

from zoo import bijectors, transformers
from zoo.config import LayerConfig, register
from zoo.layers import ConvCoupling, Coupling, Stack
from zoo.networks import seed_stream

NAMES = ("uniform", "variational")


@register("zoo.distributions")
class VariationalDequantizer(LayerConfig, keras.layers.Layer):
    """Noise `u ~ q(u | x)` in the unit cube, for integers `x` (Ho et al., 2019, arXiv:1902.00275).

    A bijection of the unit cube, `u = sigmoid(f(logit(e); x))`, with `f` a stack of couplings that
    see `x`: uniform `e` becomes noise of density `q(u | x) = 1 / |det du/de|`. It starts as the
    identity, which is uniform dequantization, and is trained with the flow on the bound
    `log P(x) >= E_q[log p(x + u) - log q(u | x)]` (eq. 12).

    Args:
      event_shape: Shape of one event; images get convolutional couplings on checkerboards.
      levels: Number of grey levels.
      steps: Number of couplings.
      width: Width of the networks' hidden layers.
      transformer: Name or instance of a `zoo.transformers.Transformer`.
      seed: Seed of the initial weights.
      **kwargs: `dtype` and `name` of a Keras layer.

    Example:

    ```python
    noise = zoo.VariationalDequantizer((4, 4, 1), levels=256, width=16)
    flow = zoo.NICE((4, 4, 1), levels=256, hidden_units=(32,), dequantization=noise)
    ```
    """

    def __init__(
        self, event_shape, levels, steps=4, width=64, transformer="affine", seed=None, **kwargs
    ):
        super().__init__(autocast=False, **kwargs)
        self.event_shape, self.levels = tuple(event_shape), levels
        self.transformer = transformers.get(transformer)
        self._is_image = len(self.event_shape) == 3 and math.prod(self.event_shape[:2]) > 1
        self._shape = self.event_shape if self._is_image else (math.prod(self.event_shape),)
        seeds = seed_stream(None if seed is None else 1000 * seed)
        self.stack = Stack(
            [self._coupling(("even", "odd")[i % 2], width, next(seeds)) for i in range(steps)],
            dtype=self.dtype_policy,
        )
        # The margin keeps logits finite where uniform noise rounds to the ends.
        self._logit = bijectors.Logit(1, 1e-6, self._shape, dtype=self.variable_dtype)
        self.built = True

    @property
    def prefers_xla(self):
        """Whether the couplings run faster under XLA."""
        return self.stack.prefers_xla

    def _coupling(self, mask, width, seed):
        common = {"context_shape": self._shape, "seed": seed, "dtype": self.dtype_policy}
        if self._is_image:
            mask = f"checkerboard_{mask}"
            return ConvCoupling(self._shape, mask, self.transformer, width=width, **common)
        return Coupling(self._shape, mask, self.transformer, (width, width), **common)

    def _prepare(self, noise, x):
        """Logits of the noise, their log-determinant, and what the couplings see of `x`."""
        lead = ops.shape(x)[: len(x.shape) - len(self.event_shape)]
        seen = (2.0 * ops.cast(x, self.variable_dtype) + 1.0) / self.levels - 1.0
        logits, log_det = self._logit.inverse_and_log_det(ops.reshape(noise, (*lead, *self._shape)))
        return logits, log_det, ops.reshape(seen, (*lead, *self._shape))

    def adapt(self, noise, x):
        """Initialises the networks' normalisations from a batch; arguments as in `call`."""
        logits, _, seen = self._prepare(noise, x)
        for layer in reversed(self.stack.layers):  # From the noise on.
            layer.adapt(logits, seen)
            logits = layer.bijector(seen).forward(logits)

    def call(self, noise, x):
        """Uniform noise to noise for `x`.

        Args:
          noise: `[*batch, *event_shape]`, uniform in `[0, 1)`.
          x: Grey levels `[*batch, *event_shape]`.

        Returns:
          Noise `u [*batch, *event_shape]` in the unit cube, and `-log q(u | x) [*batch]`.
        """
        logits, total, seen = self._prepare(noise, x)
        logits, log_det = self.stack.bijector(seen).forward_and_log_det(logits)
        slope = -ops.softplus(logits) - ops.softplus(-logits)
        total = total + log_det + ops.sum(slope, axis=tuple(range(-len(self._shape), 0)))
        return ops.reshape(ops.sigmoid(logits), ops.shape(x)), total


def get(dequantization, event_shape, levels, dtype=None):
    """The layer that draws the noise, or `None` for uniform noise.

    Args:
      dequantization: `"uniform"`, `"variational"`, or a `VariationalDequantizer`.
      event_shape: Shape of one event of the flow.
      levels: The flow's number of grey levels, or `None`.
      dtype: Type or policy of a layer built here.

    Raises:
      ValueError: It is none of these, of other events than the flow's, or the data is continuous.
    """
    if dequantization == "uniform":
        return None
    if levels is None:
        raise ValueError(
            "Only integer data is dequantized: give levels, the number of grey levels, or leave "
            f"dequantization as 'uniform', got {dequantization!r}."
        )
    if dequantization == "variational":
        return VariationalDequantizer(event_shape, levels, dtype=dtype)
    if not callable(getattr(dequantization, "adapt", None)):
        raise ValueError(
            f"dequantization must be one of {NAMES} or a zoo.VariationalDequantizer, got "
            f"{dequantization!r}."
        )
    have = (dequantization.event_shape, dequantization.levels)
    if have != (tuple(event_shape), levels):
        raise ValueError(
            f"dequantization must be of the flow's events, {tuple(event_shape)} with {levels} "
            f"levels, got {have[0]} with {have[1]}."
        )
    return dequantization
