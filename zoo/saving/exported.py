"""A loaded SavedModel as a distribution of TensorFlow Probability."""

import numpy as np

from zoo import backend, specs
from zoo.backend import ps, tfb, tfd

if backend.NAME == "tensorflow":
    import tensorflow as tf


class ExportedFlow(tfd.Distribution):
    """A loaded SavedModel as a distribution: any leading shape, gradients, inside `tf.function`.

    Where the log-density is estimated, `log_prob(x, seed=...)` takes an integer; it is 0 without.

    Args:
      module: The loaded SavedModel.
      info: What `pretrained.describe` said of the flow, and its name.
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
        self._context = None if context is None else self._check_context(context)
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

    def encode(self, x):
        """Data `[..., *event_shape]` to latents `[..., *latent_shape]`."""
        self._need_context(mixture=False)
        return self._map(self._module.encode, x, self._info["event_shape"])

    def decode(self, z):
        """Latents `[..., *latent_shape]` to data `[..., *event_shape]`."""
        self._need_context(mixture=False)
        return self._map(self._module.decode, z, self._info["latent_shape"])

    def _log_prob(self, x, seed=None):
        # With a seed, where the log-density is estimated, another estimate.
        self._need_context(mixture=True)
        if seed is None:
            return self._map(self._module.log_prob, x, self._info["event_shape"])
        if not hasattr(self._module, "log_prob_seeded"):
            raise ValueError(f"{self.name} estimates nothing: log_prob takes no seed.")
        seed = tf.cast(seed, tf.int32)
        return self._map(self._module.log_prob_seeded, x, self._info["event_shape"], seed)

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
        return tf.reshape(x, ps.concat([lead, self._info["event_shape"]], axis=0))

    def _map(self, function, x, shape, *given):
        """Calls a function of the SavedModel, which takes one batch dimension, on any of them."""
        x = tf.cast(tf.convert_to_tensor(x, dtype_hint=self.dtype), self.dtype)
        split = _split(x, shape, "x")
        lead = ps.broadcast_shape(ps.shape(x)[:split], self._batch_shape_tensor())
        y = _run(function, _flatten(x, shape, lead), *given, *self._flat_context(lead))
        return tf.reshape(y, ps.concat([lead, ps.shape(y)[1:]], axis=0))

    def _flat_context(self, lead):
        """The context, once for each of the leading dimensions, as a tuple of arguments."""
        if self._context is None:
            return ()
        return (_flatten(self._context, self._info["context_shape"], lead),)

    def _need_context(self, mixture):
        classes = self._info["num_classes"]
        if self.conditional and self._context is None and not (mixture and classes):
            wanted = f"labels 0..{classes - 1}" if classes else "vectors"
            raise ValueError(f"{self.name} needs a context, {wanted}: condition(context) first.")

    def _check_context(self, context):
        shape, classes = self._info["context_shape"], self._info["num_classes"]
        if shape is None:
            raise ValueError(f"{self._info['name']} takes no context, got one.")
        context = specs.tensor(context, "context")
        if classes:
            specs.check_labels(context, classes)
        _split(context, shape, "context")
        return tf.cast(context, tf.int32 if classes else self._info["dtype"])

    @property
    def conditional(self):
        """Whether the flow takes a context."""
        return self._info["context_shape"] is not None

    def _batch_shape(self):
        if self._context is None:
            return tf.TensorShape([])
        return self._context.shape[: len(self._context.shape) - len(self._info["context_shape"])]

    def _batch_shape_tensor(self):
        if self._context is None:
            return np.zeros([0], np.int32)
        rank = len(self._context.shape) - len(self._info["context_shape"])
        return ps.shape(self._context)[:rank]

    def _event_shape(self):
        return tf.TensorShape(self._info["event_shape"])

    def _event_shape_tensor(self):
        return np.asarray(self._info["event_shape"], np.int32)

    def _default_event_space_bijector(self):
        return tfb.Identity(validate_args=self.validate_args)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {}


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
        specs = [spec for spec in graph.structured_input_signature[0] if spec is not None]
        if len(specs) == len(arguments):
            if all(s.is_compatible_with(a) for s, a in zip(specs, arguments, strict=True)):
                return graph(*arguments)
    shapes = [(a.shape.as_list(), a.dtype.name) for a in arguments]
    raise ValueError(f"The SavedModel has no function for arguments of {shapes}.")
