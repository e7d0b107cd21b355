"""The flow: layers and a base distribution, as a Keras model and as a TFP distribution."""

import inspect
import math

import keras
from keras import ops

from zoo import backend, bijectors, checks
from zoo import base as bases
from zoo.backend import samplers, tfd
from zoo.public import PublicCalls


@keras.saving.register_keras_serializable("zoo")
class Flow(PublicCalls, keras.Model):
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
      jit_compile: Whether to compile with XLA: `True`, `False`, or `"auto"`, which does so unless a
        layer says that it runs slower there.
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

    def __new__(cls, *args, **kwargs):
        flow = super().__new__(cls)
        try:
            bound = inspect.signature(cls.__init__).bind(None, *args, **kwargs)
        except TypeError:
            return flow  # __init__ is about to say what is wrong.
        arguments = dict(list(bound.arguments.items())[1:])
        arguments |= arguments.pop("kwargs", {})
        flow.__dict__["_arguments"] = arguments
        return flow

    def __init__(
        self,
        layers,
        event_shape=None,
        context_shape=None,
        num_classes=None,
        levels=None,
        base="normal",
        jit_compile="auto",
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        layers = list(layers)
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
        self.flow_layers = layers
        self.base = bases.get(base, self.latent_shape, self.dtype_policy)
        self._noise = keras.random.SeedGenerator()
        self._nats = keras.metrics.Mean(name="nats")
        self._bits = keras.metrics.Mean(name="bits_per_dim")
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
        return all(getattr(layer, "prefers_xla", True) for layer in self.flow_layers)

    @property
    def conditional(self):
        """Whether the flow takes a context."""
        return self.context_shape is not None

    # As a TFP distribution.

    def bijector(self, context=None):
        """The flow as a `tfb.Bijector`, latent to data, that follows the flow's weights.

        Args:
          context: `[*batch, *context_shape]`, or class labels `[*batch]`; `None` where the flow
            takes none.

        Raises:
          ValueError: A context is missing, or given where none is taken.
        """
        vector = self._embed(self._check_context(context, batch=None))
        return bijectors.Chain(
            [layer.bijector(vector) for layer in self.flow_layers],
            self.event_shape,
            self.latent_shape,
            context=vector,
            dtype=self.variable_dtype,
            name=f"{self.name}_bijector",
        )

    def distribution(self, context=None):
        """The flow as a `tfd.Distribution` over events, in data units.

        It follows the flow's weights, and its `trainable_variables` are the flow's.

        Args:
          context: `[*batch, *context_shape]`, or class labels `[*batch]`, the distribution's batch.
            A class-conditional flow without labels is the uniform mixture over its classes.

        Raises:
          ValueError: A context is missing, or given where none is taken.
        """
        if self.num_classes and context is None:
            return tfd.MixtureSameFamily(
                tfd.Categorical(logits=ops.zeros(self.num_classes, dtype=self.variable_dtype)),
                self.distribution(ops.arange(self.num_classes)),
                name=self.name,
            )
        context = self._check_context(context, batch=None)
        return tfd.TransformedDistribution(
            self._base_distribution(context), self.bijector(context), name=self.name
        )

    def _base_distribution(self, context):
        if isinstance(self.base, Flow):
            return self.base.distribution(context if self.base.conditional else None)
        return self.base.distribution(self._embed(context))

    # The computations behind the public calls: tensors in, tensors out, any leading shape.

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

    def _float(self, x, seed=None):
        """Data as floats: integers get noise in `[0, 1)`, or one half where there is no seed."""
        if not checks.is_integer(x):
            return ops.cast(x, self.variable_dtype)
        x = ops.cast(x, self.variable_dtype)
        if seed is None:
            return x + 0.5
        return x + samplers.uniform(ops.shape(x), dtype=self.variable_dtype, seed=seed)

    def _inverse(self, x, context):
        vector = self._embed(context)
        total = 0.0
        for layer in self.flow_layers:
            x, log_det = layer(x, vector)
            total = total + log_det
        return x, total

    def _log_prob(self, x, context=None, seed=None):
        """`x [*batch, *event_shape]` to nats `[*batch]`."""
        x = self._float(x, seed)
        mixture = self.num_classes and context is None
        if mixture:
            x = ops.expand_dims(x, -len(self.event_shape) - 1)
            context = ops.arange(self.num_classes)
        z, log_det = self._inverse(x, context)
        log_prob = self._base_distribution(context).log_prob(z) + log_det
        if mixture:
            log_prob = ops.logsumexp(log_prob, axis=-1) - math.log(self.num_classes)
        return log_prob

    def _encode(self, x, context=None):
        """`x [*batch, *event_shape]` to latents `[*batch, *latent_shape]`."""
        return self._inverse(self._float(x), context)[0]

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
        """Latents `[n, *latent_shape]` from the base."""
        if not isinstance(self.base, Flow):
            context = self._embed(context)
        return bases.sample(self.base, n, context, seed, temperature)

    def _sample(self, n, context=None, seed=None, temperature=1.0):
        """`n` events; `context [n, *context_shape]`, a stateless seed, a number."""
        first, second = backend.split_seed(seed)
        if self.num_classes and context is None:
            context = self._labels(n, first)
        return self._decode(self._draw(n, context, second, temperature), context)

    # As a Keras model.

    def adapt(self, x, context=None):
        """Initialises every layer from one batch of data, in order (for `ActNorm`).

        Args:
          x: `[batch, *event_shape]`; a few hundred events do.
          context: `[batch, *context_shape]`, or class labels; a class-conditional flow is adapted
            to labels drawn at random where none are given.
        """
        x = self._check_data(x)
        if self.num_classes and context is None:
            context = self._labels(ops.shape(x)[0], backend.make_seed(0))
        context = self._check_context(context, batch=ops.shape(x)[0])
        x, vector = self._float(x, backend.make_seed(0)), self._embed(context)
        for layer in self.flow_layers:
            layer.adapt(x, vector)
            x = layer(x, vector)[0]
        if isinstance(self.base, Flow):
            self.base.adapt(x, context if self.base.conditional else None)

    def call(self, inputs, training=False):
        """Log-likelihood in nats `[batch]` of `x`, or of a pair `(x, context)`."""
        x, context = inputs if isinstance(inputs, list | tuple) else (inputs, None)
        if checks.is_integer(x):
            x = ops.cast(x, self.variable_dtype)
            x = x + keras.random.uniform(ops.shape(x), dtype=x.dtype, seed=self._noise)
        return self._log_prob(x, context)

    def compile(self, optimizer="adam", jit_compile=None, **kwargs):
        """Configures training by maximum likelihood; there is no loss to choose.

        Args:
          optimizer: A Keras optimizer, or its name.
          jit_compile: Overrides the flow's own choice of compiling with XLA.
          **kwargs: Further arguments of `keras.Model.compile`, for example `run_eagerly`.
        """
        jit = self.uses_xla if jit_compile in (None, "auto") else jit_compile
        jit = bool(jit) and not kwargs.get("run_eagerly")
        super().compile(optimizer=optimizer, jit_compile=jit, **kwargs)

    def get_compile_config(self):
        """What `compile` was given, so that a saved flow goes on training as it did."""
        if not self.compiled:
            return None
        optimizer = keras.saving.serialize_keras_object(self.optimizer)
        return {"optimizer": optimizer, "jit_compile": bool(self.jit_compile)}

    def compile_from_config(self, config):
        """Compiles as `get_compile_config` describes."""
        self.compile(keras.saving.deserialize_keras_object(config["optimizer"]), config["jit_compile"])
        self.optimizer.build(self.trainable_variables)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        """Negative log-likelihood, nats, averaged over the batch."""
        loss = -y_pred if sample_weight is None else -y_pred * sample_weight
        return self._aggregate_additional_loss(ops.mean(loss))

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Mean log-likelihood in nats, and bits per dimension."""
        self._nats.update_state(y_pred, sample_weight)
        self._bits.update_state(self._to_bits(y_pred), sample_weight)
        return self.get_metrics_result()

    def _to_bits(self, log_prob):
        return -log_prob / (math.prod(self.event_shape) * math.log(2.0))

    # `fit` hands over (x, context); Keras would take the second for a target.

    def train_step(self, *args):
        *state, data = args
        return super().train_step(*state, _as_inputs(data))

    def test_step(self, *args):
        *state, data = args
        return super().test_step(*state, _as_inputs(data))

    def predict_step(self, *args):
        *state, data = args
        return super().predict_step(*state, _as_inputs(data))

    def get_config(self):
        """The constructor's arguments, as Keras serializes them."""
        config = {"name": self.name, "dtype": keras.dtype_policies.serialize(self.dtype_policy)}
        given = {k: v for k, v in self._arguments.items() if k not in config}
        return config | {k: keras.saving.serialize_keras_object(v) for k, v in given.items()}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A flow like the one `config` was read from, with fresh weights."""
        return cls(
            **{k: _deserialize(v, custom_objects) for k, v in config.items()}
        )


def _deserialize(value, custom_objects):
    if isinstance(value, list):
        return [_deserialize(v, custom_objects) for v in value]
    if isinstance(value, dict):
        return keras.saving.deserialize_keras_object(value, custom_objects)
    return value


def _as_inputs(data):
    x, context, weight = keras.utils.unpack_x_y_sample_weight(data)
    return (x if context is None else (x, context), None, weight)
