"""The flow: layers and a base distribution, as a Keras model and as a TFP distribution."""

import math

import keras
from keras import ops

from zoo import backend, bijectors, checks, estimation
from zoo.backend import samplers, tfd
from zoo.config import ArgumentsAsConfig
from zoo.distributions import base as bases
from zoo.distributions import dequantization as dequantize
from zoo.layers.recompute import set_recompute, to_latent
from zoo.public import PublicCalls
from zoo.training.fitting import Fitting
from zoo.training.iterated import Iterated


@keras.saving.register_keras_serializable("zoo")
class Flow(PublicCalls, Fitting, Iterated, ArgumentsAsConfig, keras.Model):
    """A normalizing flow: `x = f(z)`, with `f` a stack of invertible layers and `z` from a base.

    `log p(x) = log p(z) + log|det dz/dx|` with `z = f^-1(x)`, in nats and in data units. Integer
    input means discrete data: uniform noise is added to it (dequantization, Theis et al., 2016,
    arXiv:1511.01844), and the density of the sum bounds the log-probability of the integers from
    below. Float input is taken as it is.

    The families of the zoo (`zoo.MAF`, `zoo.RealNVP`, ...) are flows with their layers given.

    Args:
      layers: `zoo.layers.FlowLayer`s from the data to the latent.
      event_shape: Shape of one event; read off the first layer where there is one.
      context_shape: Shape of one context vector that the layers are conditioned on, or `None`. The
        layers see it flattened.
      num_classes: Number of classes where the context is an integer label; the layers see it as a
        one-hot vector. Asked without a label, the flow is the uniform mixture over its classes.
      levels: Number of grey levels of discrete data; `None` for continuous data.
      base: `"normal"`, `"logistic"`, a `tfd.Distribution` over the latent, or a `Flow` over it.
      dequantization: Noise for integer data: `"uniform"`, `"variational"` (drawn from a flow given
        the data and trained with this one) or a `zoo.VariationalDequantizer`. Either way the
        density of the sum bounds that of the integers from below, and bits per dimension are an
        upper bound, the tighter one with trained noise.
      jit_compile: Whether to compile with XLA: `True`, `False`, or `"auto"`, which does so unless a
        layer says that it runs slower there.
      recompute: Where the gradient finds activations: `None` keeps them all, `"checkpoint"` what
        goes between layers, `"inverse"`, where inverses are exact, none; the rest is computed again
        (`layers.recompute`).
      **kwargs: `dtype` and `name` of a Keras model.

    Raises:
      ValueError: The layers or the base do not fit together.

    Example:

    ```python
    layers = [zoo.layers.ActNorm((2,)), zoo.layers.Autoregressive((2,))]
    flow = zoo.Flow(layers)
    flow.log_prob([[0.1, -0.3]])
    ```
    """

    def __init__(
        self,
        layers,
        event_shape=None,
        context_shape=None,
        num_classes=None,
        levels=None,
        base="normal",
        dequantization="uniform",
        jit_compile="auto",
        recompute=None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        layers = list(layers)
        for layer in layers:
            if not callable(getattr(layer, "bijector", None)):
                raise ValueError(
                    f"layers must hold zoo.layers.FlowLayers, got a {type(layer).__name__}."
                )
        if event_shape is None and not layers:
            raise ValueError("A flow without layers needs an event_shape.")
        if event_shape is None:
            event_shape = layers[0].event_shape
        self.event_shape = tuple(event_shape)
        self.latent_shape = self._check_layers(layers)
        if context_shape is not None and num_classes is not None:
            raise ValueError(
                "context_shape is for vectors and num_classes for integer labels: give one of "
                f"them, got context_shape={context_shape} and num_classes={num_classes}."
            )
        self.num_classes = num_classes
        self.context_shape = () if num_classes else context_shape and tuple(context_shape)
        self.levels = levels
        if jit_compile not in (True, False, "auto"):
            raise ValueError(f"jit_compile must be True, False or 'auto', got {jit_compile!r}.")
        self.jit = jit_compile
        set_recompute(layers, recompute)
        self.flow_layers, self.recompute = layers, recompute
        self.base = bases.get(base, self.latent_shape, self.dtype_policy)
        self.dequantizer = dequantize.get(
            dequantization, self.event_shape, levels, self.dtype_policy
        )
        self._noise = keras.random.SeedGenerator()
        self._nats = keras.metrics.Mean(name="nats")
        self._bits = keras.metrics.Mean(name="bits_per_dim")
        self._check_recompute()
        self.built = True

    def _check_layers(self, layers):
        shape = self.event_shape
        for layer in layers:
            if tuple(layer.event_shape) != shape:
                raise ValueError(
                    f"Layer {layer.name} expects events of shape {tuple(layer.event_shape)}, and "
                    f"what comes before it gives {shape}."
                )
            shape = tuple(layer.latent_shape)
        return shape

    @property
    def uses_xla(self):
        """Whether calls and training steps are compiled with XLA."""
        if self.jit != "auto":
            return self.jit
        parts = [*self.flow_layers, self.dequantizer]
        return all(getattr(part, "prefers_xla", True) for part in parts)

    @property
    def conditional(self):
        """Whether the flow takes a context."""
        return self.context_shape is not None

    def bijector(self, context=None, training=False):
        """The flow as a `tfb.Bijector`, latent to data, that follows the flow's weights.

        Args:
          context: `[*batch, *context_shape]`, or class labels `[*batch]`; `None` where the flow
            takes none.
          training: Whether weights are trained through it. What layers keep of their weights then
            follows them and estimates draw anew, as in `fit`; call `settle()` when that is done.

        Raises:
          ValueError: A context is missing, or given where none is taken.
        """
        vector = self._embed(self._check_context(context, batch=None))
        return bijectors.Chain(
            [layer.bijector(vector) for layer in self.flow_layers],
            self.event_shape,
            self.latent_shape,
            scope=self._training_scope if training else estimation.within,
            context=vector,
            dtype=self.variable_dtype,
            name=f"{self.name}_bijector",
        )

    def _training_scope(self):
        seed = backend.draw_seed(self._noise) if self.stochastic else None
        return estimation.scope(seed, training=True)

    def distribution(self, context=None, training=False):
        """The flow as a `tfd.Distribution` over events, in data units.

        It follows the flow's weights, and its `trainable_variables` are the flow's.

        Args:
          context: `[*batch, *context_shape]`, or class labels `[*batch]`, the distribution's batch.
            A class-conditional flow without labels is the uniform mixture over its classes.
          training: As in `bijector`, for training loops of your own and of TFP's.

        Raises:
          ValueError: A context is missing, or given where none is taken.
        """
        if self.num_classes and context is None:
            return tfd.MixtureSameFamily(
                tfd.Categorical(logits=ops.zeros(self.num_classes, dtype=self.variable_dtype)),
                self.distribution(ops.arange(self.num_classes), training),
                name=self.name,
            )
        context = self._check_context(context, batch=None)
        return tfd.TransformedDistribution(
            self._base_distribution(context, training),
            self.bijector(context, training),
            name=self.name,
        )

    def _base_distribution(self, context, training=False):
        if isinstance(self.base, Flow):
            return self.base.distribution(context if self.base.conditional else None, training)
        return self.base.distribution(self._embed(context))

    # Behind the public calls: tensors in, tensors out, any leading shape.

    def _embed(self, context):
        """What the layers see of a context: vectors `[*lead, c]`."""
        if context is None:
            return None
        if self.num_classes:
            return ops.one_hot(context, self.num_classes, dtype=self.variable_dtype)
        context = ops.cast(context, self.variable_dtype)
        if len(self.context_shape) == 1:
            return context
        lead = ops.shape(context)[: len(context.shape) - len(self.context_shape)]
        return ops.reshape(context, (*lead, math.prod(self.context_shape)))

    def _uniform(self, x, seed):
        """Noise in `[0, 1)` of the shape of `x`."""
        return samplers.uniform(ops.shape(x), dtype=self.variable_dtype, seed=seed)

    def _float(self, x, noise=None):
        """Data as floats: integers get the noise, or one half where there is none.

        Returns:
          The floats, and `-log q` of the noise, nats.
        """
        discrete = checks.is_integer(x)
        x = ops.cast(x, self.variable_dtype)
        if not discrete:
            return x, 0.0
        if noise is None:
            return x + 0.5, 0.0
        if self.dequantizer is None:
            return x + noise, 0.0
        noise, bonus = self.dequantizer(noise, x)
        return x + noise, bonus

    def _inverse(self, x, context):
        with estimation.within():
            return to_latent(self.flow_layers, x, self._embed(context), self.recompute)

    def _log_prob(self, x, context=None, noise=None, seed=None):
        """`x [*batch, *event_shape]`, noise of that shape for integers, to nats `[*batch]`.

        With a seed, it decides estimated log-determinants; otherwise the scope around it does.
        """
        if seed is not None:
            with estimation.scope(seed):
                return self._log_prob(x, context, noise)
        x, bonus = self._float(x, noise)
        mixture = self.num_classes and context is None
        if mixture:
            x = ops.expand_dims(x, -len(self.event_shape) - 1)
            context = ops.arange(self.num_classes)
        z, log_det = self._inverse(x, context)
        log_prob = self._base_distribution(context).log_prob(z) + log_det
        if mixture:
            # Where no layer looks at the context there is one column, not one a class.
            log_prob = log_prob + ops.zeros(self.num_classes, dtype=log_prob.dtype)
            log_prob = ops.logsumexp(log_prob, axis=-1) - math.log(self.num_classes)
        return log_prob + bonus

    def _encode(self, x, context=None):
        """`x [*batch, *event_shape]` to latents `[*batch, *latent_shape]`."""
        return self._inverse(self._float(x)[0], context)[0]

    def _decode(self, z, context=None):
        """`z [*batch, *latent_shape]` to events `[*batch, *event_shape]`."""
        return self.bijector(context).forward(ops.cast(z, self.variable_dtype))

    def _labels(self, n, seed):
        """Class labels `[n]`, uniform."""
        shape = backend.ps.reshape(n, [1])
        return samplers.uniform(shape, maxval=self.num_classes, dtype="int32", seed=seed)

    def sample_latent(self, n, context, seed, temperature):
        """`n` events `[n, *event_shape]` for a flow that has this one as its base."""
        return self._sample(n, context if self.conditional else None, seed, temperature)

    def _draw(self, n, context, seed, temperature):
        """Latents `[n, *latent_shape]` from the base, and their contexts: labels are drawn too."""
        first, second = backend.split_seed(seed)
        if self.num_classes and context is None:
            context = self._labels(n, first)
        given = context if isinstance(self.base, Flow) else self._embed(context)
        return bases.sample(self.base, n, given, second, temperature), context

    def _sample(self, n, context=None, seed=None, temperature=1.0):
        """`n` events; `context [n, *context_shape]`, a stateless seed, a number."""
        return self._decode(*self._draw(n, context, seed, temperature))

    def call(self, inputs, training=False):
        """Log-likelihood in nats `[batch]` of `x`, or of a pair `(x, context)`."""
        x, context = inputs if isinstance(inputs, list | tuple) else (inputs, None)
        x, noise = self._check_data(x), None
        context = self._check_context(context, ops.shape(x)[0], optional=bool(self.num_classes))
        if checks.is_integer(x):
            shape, dtype = ops.shape(x), self.variable_dtype
            noise = keras.random.uniform(shape, dtype=dtype, seed=self._noise)
        seed = backend.draw_seed(self._noise) if self.stochastic else None
        with estimation.scope(seed, training):
            return self._log_prob(x, context, noise)

    def get_config(self):
        """The constructor's arguments, as Keras serializes them."""
        if isinstance(self._arguments.get("base"), tfd.Distribution):
            self._arguments["base"] = self.base  # The layer around it, which Keras can serialize.
        return super().get_config()
