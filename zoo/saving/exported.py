"""A loaded SavedModel as a distribution of TensorFlow Probability."""

import numpy as np

from zoo import backend, specs, values
from zoo.backend import ps, tfb, tfd

if backend.NAME == "tensorflow":
    import tensorflow as tf


class ExportedFlow(tfd.Distribution):
    """A loaded SavedModel as a distribution: any leading shape, gradients, inside `tf.function`.

    `log_prob(x, seed=...)` takes an integer where there is something to draw: the noise that is
    added to integers, fresh without a seed, and the estimate of a log-density, that of 0 without.

    Args:
      module: The loaded SavedModel.
      info: What `entries.describe` said of the flow, and its name.
      context: Labels `[*batch]` or vectors `[*batch, *context_shape]`; their leading dimensions are
        the batch shape. Usually given with `condition`.
      name: Name of the distribution.

    Raises:
      ValueError: The context is not as described.
    """

    def __init__(self, module, info, context=None, name=None):
        parameters = dict(locals())
        self._module, self._info = module, info
        self._weights = list(module.weights)
        classes, shape = info["num_classes"], info["context_shape"]
        self._event = specs.EventSpec(info["event_shape"], info["levels"], limits=_limits(info))
        self._spec = specs.ContextSpec(None if classes else shape, classes)
        context = self._spec.check(context, optional=True)
        kind = tf.int32 if classes else info["dtype"]
        self._context = None if context is None else tf.cast(context, kind)
        super().__init__(
            dtype=tf.as_dtype(info["dtype"]),
            reparameterization_type=(
                tfd.FULLY_REPARAMETERIZED
                if info.get("reparameterized", True)
                else tfd.NOT_REPARAMETERIZED
            ),
            validate_args=False,
            allow_nan_stats=True,
            parameters=parameters,
            name=name or info["name"],
        )

    def condition(self, context):
        """This flow given a context.

        Args:
          context: A class label, or labels `[*batch]`, or vectors `[*batch, *context_shape]`.

        Raises:
          ValueError: The flow takes no context, or the context has another shape.
        """
        return self.copy(context=context)

    def sample(self, sample_shape=(), seed=None, name="sample", temperature=1.0):
        """Draws events `[*sample_shape, *batch, *event_shape]`, floats in data units.

        Args:
          sample_shape: Shape of the sample, integers.
          seed: Integer: the same one gives the same samples.
          name: Name of the operation.
          temperature: Factor on the latent's deviation from the base's mean.

        Raises:
          ValueError: An argument is not as described, or the flow needs a context.
        """
        _check_lead(sample_shape, self._event.size)
        temperature = specs.check_temperature(temperature)
        return super().sample(sample_shape, seed, name, temperature=temperature)

    def log_prob(self, value, name="log_prob", seed=None):
        """Log-likelihood `[...]` in nats, in data units, of events `[..., *event_shape]`.

        Args:
          value: Floats, taken as they are, or grey levels, which are dequantized.
          name: Name of the operation.
          seed: Integer that fixes the noise and the estimate.

        Raises:
          ValueError: An argument is not as described, or the flow needs a context.
        """
        return super().log_prob(specs.tensor(value, "x"), name, seed=seed)

    def encode(self, x):
        """Data `[..., *event_shape]` to latents `[..., *latent_shape]`, as `Flow.encode`."""
        self._need_context(mixture=False)
        x = self._check(x)
        middle = 0.5 if specs.is_integer(x) else 0.0
        return self._map(self._module.encode, tf.cast(x, self.dtype) + middle, self._event.shape)

    def decode(self, z):
        """Latents `[..., *latent_shape]` to data `[..., *event_shape]`."""
        self._need_context(mixture=False)
        z, shape = specs.tensor(z, "z"), self._info["latent_shape"]
        return self._map(self._module.decode, tf.cast(z, self.dtype), shape, "z")

    def _check(self, x):
        """Events as a tensor: any finite numbers within the flow's bounds, or grey levels."""
        x = specs.tensor(x, "x")
        self._event.check_type(x)
        _split(x, self._event.shape, "x")
        values.check(x, "x", self._event.levels if specs.is_integer(x) else None)
        if self._event.limits is not None:
            values.check_limits(x, "x", *self._event.limits)
        return x

    def _log_prob(self, x, seed=None):
        self._need_context(mixture=True)
        x, shape = self._check(x), self._event.shape
        if specs.is_integer(x):
            seed = backend.make_seed(seed)[-1]
            return self._map(self._module.log_prob_int, tf.cast(x, tf.int32), shape, "x", seed)
        x = tf.cast(x, self.dtype)
        if seed is None:
            return self._map(self._module.log_prob, x, shape)
        if not hasattr(self._module, "log_prob_seeded"):
            raise ValueError(f"{self.name} estimates nothing: log_prob of floats takes no seed.")
        return self._map(self._module.log_prob_seeded, x, shape, "x", backend.make_seed(seed)[-1])

    def _sample_n(self, n, seed=None, temperature=1.0):
        self._need_context(mixture=True)
        lead = ps.concat([[n], self._batch_shape_tensor()], axis=0)
        x = _run(
            self._module.sample,
            tf.cast(ps.reduce_prod(lead), tf.int32),
            backend.make_seed(seed),
            tf.cast(temperature, self.dtype),
            *self._flat_context(lead),
        )
        return tf.reshape(x, ps.concat([lead, self._event.shape], axis=0))

    def _map(self, function, x, shape, what="x", *given):
        """Calls a function of the SavedModel, which takes one batch dimension, on any of them."""
        split = _split(x, shape, what)
        lead = ps.broadcast_shape(ps.shape(x)[:split], self._batch_shape_tensor())
        y = _run(function, _flatten(x, shape, lead), *given, *self._flat_context(lead))
        return tf.reshape(y, ps.concat([lead, ps.shape(y)[1:]], axis=0))

    def _flat_context(self, lead):
        """The context, once for each of the leading dimensions, as a tuple of arguments."""
        if self._context is None:
            return ()
        return (_flatten(self._context, self._spec.shape, lead),)

    def _need_context(self, mixture):
        if self._context is None and not (mixture and self._info["num_classes"]):
            self._spec.check(None)

    @property
    def conditional(self):
        """Whether the flow takes a context."""
        return self._spec.exists

    def _batch_shape(self):
        if self._context is None:
            return tf.TensorShape([])
        return self._context.shape[: len(self._context.shape) - len(self._spec.shape)]

    def _batch_shape_tensor(self):
        if self._context is None:
            return np.zeros([0], np.int32)
        return ps.shape(self._context)[: len(self._context.shape) - len(self._spec.shape)]

    def _event_shape(self):
        return tf.TensorShape(self._event.shape)

    def _event_shape_tensor(self):
        return np.asarray(self._event.shape, np.int32)

    def _default_event_space_bijector(self):
        return tfb.Identity(validate_args=self.validate_args)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}


def _limits(info):
    """What events lie between, as `EventSpec` has it. Exports of before tell nothing of it."""
    if info.get("limits") is None:
        return None
    low, high = info["limits"]
    open_ends = ((low, -np.inf), (high, np.inf))
    kind = info["dtype"] if info["dtype"] == "float64" else "float32"
    return [np.asarray([end if x is None else x for x in at], kind) for at, end in open_ends]


def _check_lead(shape, size):
    """Checks a sample shape: an integer or several, which need not be known yet."""
    known = 1
    for part in shape if isinstance(shape, list | tuple | tf.TensorShape) else [shape]:
        if backend.is_concrete(part):
            for n in np.ravel(part):
                known *= specs.check_count(n, "sample_shape", size)
                specs.check_count(known, "sample_shape", size)
        elif not specs.is_integer(part):
            raise ValueError(f"sample_shape must hold integers, got {part.dtype.name}.")


def _split(x, shape, what):
    """The number of leading dimensions of `x [..., *shape]`."""
    split = len(x.shape) - len(shape)
    if split < 0 or not x.shape[split:].is_compatible_with(shape):
        wanted = ", ".join(["...", *map(str, shape)])
        raise ValueError(f"{what} must have shape [{wanted}], got {x.shape.as_list()}.")
    return split


def _flatten(x, shape, lead):
    """`x [..., *shape]` broadcast to the leading dimensions `lead`, and those made one."""
    x = tf.broadcast_to(x, ps.concat([lead, shape], axis=0))
    return tf.reshape(x, [-1, *shape])


def _run(function, *arguments):
    """Calls the graph of a loaded function that takes these tensors.

    Called itself, the function would trace a graph around that for every batch size.
    """
    for graph in function.concrete_functions:
        taken = [spec for spec in graph.structured_input_signature[0] if spec is not None]
        if len(taken) == len(arguments):
            if all(t.is_compatible_with(a) for t, a in zip(taken, arguments, strict=True)):
                return graph(*arguments)
    shapes = [(a.shape.as_list(), a.dtype.name) for a in arguments]
    raise ValueError(f"The SavedModel has no function for arguments of {shapes}.")
