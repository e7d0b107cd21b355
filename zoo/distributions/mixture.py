"""Autoregressive mixtures of Gaussians (MADE MoG; Papamakarios et al., 2017, section 3.1)."""

import math

import keras
from keras import ops

from zoo import backend
from zoo.backend import samplers, tfd, tfp
from zoo.config import count, register
from zoo.networks import MADE
from zoo.numerics import broadcast_lead, condition, flatten_lead, soft_clamp, unflatten_lead


class AutoregressiveMixture(tfd.Distribution):
    """`p(x) = prod_i sum_k w_ik N(x_i; m_ik, s_ik)`, the parameters decided by `x_1..x_i-1`.

    Args:
      base: The `MixtureBase` whose network it uses.
      context: Tensor `[*batch, *context_shape]`, or `None`.
      name: Name of the distribution.
    """

    def __init__(self, base, context=None, name="autoregressive_mixture"):
        self._base = base
        self._context = context
        self._raw_variables = [backend.raw(v) for v in base.trainable_variables]
        super().__init__(
            dtype=backend.dtype(base.variable_dtype),
            reparameterization_type=tfd.NOT_REPARAMETERIZED,
            validate_args=False,
            allow_nan_stats=False,
            parameters={"base": base, "context": context, "name": name},
            name=name,
        )

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"context": tfp.util.ParameterProperties(event_ndims=1)}

    def _event_shape(self):
        return list(self._base.event_shape)

    def _event_shape_tensor(self):
        return list(self._base.event_shape)

    def _batch_shape(self):
        return [] if self._context is None else self._context.shape[:-1]

    def _batch_shape_tensor(self):
        return [] if self._context is None else backend.ps.shape(self._context)[:-1]

    def _log_prob(self, x):
        return self._base.log_prob(x, self._context)

    def _sample_n(self, n, seed=None):
        batch = self._batch_shape_tensor()
        shape = backend.ps.concat([[n], batch, self._base.event_shape], 0)
        return self._base.draw(shape, self._context, seed, 1.0)


@register("zoo.distributions")
class MixtureBase(keras.layers.Layer):
    """A MADE whose outputs are mixtures of Gaussians; a density, not a bijection.

    Args:
      event_shape: `(d,)`.
      components: Number of Gaussians a dimension.
      hidden_units: Width of each hidden layer.
      activation: Name of a Keras activation.
      context_shape: `(c,)`, shape of one context vector, or `None`.
      max_log_scale: The logarithms of the standard deviations are softly clamped to this, nats.
      seed: Seed of the initial weights.
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    def __init__(
        self,
        event_shape,
        components=10,
        hidden_units=(512, 512),
        activation="relu",
        context_shape=None,
        max_log_scale=7.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        components = count("components", components)
        self.event_shape = tuple(event_shape)
        self.context_shape = None if context_shape is None else tuple(context_shape)
        self.components, self.max_log_scale = components, float(max_log_scale)
        size = math.prod(self.event_shape)
        context_size = None if context_shape is None else math.prod(self.context_shape)
        self.network = MADE(
            size,
            3 * components,
            hidden_units,
            activation,
            context_size,
            seed=seed,
            dtype=self.dtype_policy,
        )
        self._compiled_sweep = backend.shape_invariant_jit(self._run_sweep)
        self.built = True

    def distribution(self, context=None):
        """The `tfd.Distribution` given a context `[*batch, *context_shape]`."""
        return AutoregressiveMixture(self, context)

    def _split(self, params):
        """Logits, means and log-scales, each `[..., components]`."""
        logits, means, log_scales = ops.split(params, 3, axis=-1)
        # A fresh network returns zeros: components that start alike would stay alike.
        spread = ops.linspace(-1.0, 1.0, self.components + 2, dtype=params.dtype)[1:-1]
        log_scales = soft_clamp(log_scales, self.max_log_scale)
        return ops.log_softmax(logits, axis=-1), means + 2.0 * spread, log_scales

    def log_prob(self, x, context=None):
        """Log-density `[*lead]` of `x [*lead, d]`, nats."""
        network = condition(self.network, self.event_shape, self.context_shape, self.variable_dtype)
        log_weights, means, log_scales = self._split(network(x, context))
        z = (x[..., None] - means) * ops.exp(-log_scales)
        log_normal = -0.5 * (z * z + math.log(2.0 * math.pi)) - log_scales
        return ops.sum(ops.logsumexp(log_weights + log_normal, axis=-1), axis=-1)

    def sample_latent(self, n, context, seed, temperature):
        """`n` samples `[n, d]`; the temperature scales the deviation from the drawn component."""
        shape = backend.ps.concat([backend.ps.reshape(n, [1]), self.event_shape], 0)
        return self.draw(shape, context, seed, temperature)

    def draw(self, shape, context, seed, temperature):
        """Samples of `shape`, `[*lead, d]`, one dimension after the other."""
        first, second = backend.split_seed(seed)
        choice = samplers.uniform(shape, dtype=self.variable_dtype, seed=first)
        normal = samplers.normal(shape, dtype=self.variable_dtype, seed=second)
        normal = normal * ops.cast(temperature, normal.dtype)
        given = context
        if given is not None:
            _, given = broadcast_lead(choice, 1, given, len(self.context_shape))
            given = flatten_lead(given, self.context_shape)
        noise = ops.stack([choice, normal], axis=-1)
        flat = flatten_lead(noise, (*self.event_shape, 2))
        x = self._compiled_sweep(flat, self.network.sweep_weights(given))
        return unflatten_lead(x, choice, 1)

    def _run_sweep(self, noise, weights):
        def step(noise, params):
            log_weights, means, log_scales = self._split(params)
            edges = ops.cumsum(ops.exp(log_weights), axis=-1)[..., :-1]
            drawn = ops.sum(ops.cast(noise[..., :1] > edges, "int32"), axis=-1)
            pick = ops.one_hot(drawn, self.components, dtype=means.dtype)
            mean, log_scale = ops.sum(pick * means, -1), ops.sum(pick * log_scales, -1)
            value = mean + noise[..., 1] * ops.exp(log_scale)
            return value, ops.zeros_like(value)

        return self.network.sweep(step, noise, weights, self.variable_dtype)[0]
