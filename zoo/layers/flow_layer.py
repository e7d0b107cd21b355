"""The bases of the layers that a flow is made of, and of those made of layers."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from zoo import backend
from zoo.bijectors import inverse_and_log_det
from zoo.config import LayerConfig, shape
from zoo.numerics import condition
from zoo.typing import Bijector, Shape, Tensor


class FlowLayer(LayerConfig, keras.layers.Layer):
    """A Keras layer that owns variables and builds a bijector over them on demand.

    It is built at construction, from its `event_shape`: nothing is lazy. Subclasses implement
    `bijector(context=None)`, latent to data in the forward direction, and where they initialise
    from data also `adapt(x, context=None)`.

    Args:
      event_shape: Shape of one event on the data side.
      context_shape: Shape of one context vector, or `None` where the layer takes none.
      latent_shape: Shape of one event on the latent side, where it differs.
      **kwargs: `dtype` and `name` of a Keras layer. The flow's arithmetic is in the policy's
        variable type; only networks compute in its compute type.

    Raises:
      ValueError: A shape is none.
      TypeError: There is no such argument.
    """

    def __init__(
        self,
        event_shape: Shape,
        context_shape: Shape | None = None,
        latent_shape: Shape | None = None,
        **kwargs: Any,
    ) -> None:
        if unknown := sorted(set(kwargs) - {"dtype", "name", "trainable"}):
            raise TypeError(f"{type(self).__name__} takes no argument {unknown[0]!r}.")
        super().__init__(autocast=False, **kwargs)
        self.event_shape = shape("event_shape", event_shape, least=0)
        self.latent_shape = self.event_shape
        if latent_shape is not None:
            self.latent_shape = shape("latent_shape", latent_shape, least=0)
        self.context_shape = None
        if context_shape is not None:
            self.context_shape = shape("context_shape", context_shape)
        self.built = True

    def add_weight(self, *args, autocast=False, **kwargs):
        """`add_weight` of Keras, for a weight that is read in its own type.

        Keras would cast it to the compute type of a mixed policy, even in a layer that does not
        autocast, where no other layer is being called around it.
        """
        return super().add_weight(*args, autocast=autocast, **kwargs)

    @property
    def described(self) -> str:
        """What kind of layer this is, in a word or two."""
        return type(self).__name__

    def __repr__(self) -> str:
        if not getattr(self, "built", False) or self.event_shape is None:
            return f"<{self.described}>"
        shapes = dict.fromkeys(map(str, (self.event_shape, self.latent_shape)))
        count = self.count_params()
        more = f", {count:_} parameters" if count else ""
        return f"<{self.described} {' -> '.join(shapes)}{more}>"

    # What a flow asks of its layers; those that differ say so.
    draws: int = 0  # Number of seeds that one evaluation takes.
    estimates: bool = False  # Whether the log-determinant is estimated outside of training too.
    # Where a series of the log-determinant is cut off, outside of training.
    series_terms: int | None = None
    repeatable: bool = True  # Whether a second evaluation in a training step gives the same.
    prefers_xla: bool = True  # Whether it runs faster under XLA.

    def bijector(
        self, context: Tensor | None = None, randomness: backend.Randomness | None = None
    ) -> Bijector:
        """A `tfb.Bijector`, latent to data, that follows this layer's weights.

        Args:
          context: Tensor `[*lead, *context_shape]`, or `None`.
          randomness: A `zoo.backend.Randomness`: seeds and the training flag, where the layer
            estimates or keeps something of its weights; `None` for fixed seeds and evaluation.
        """
        raise NotImplementedError

    def adapt(self, x: Tensor, context: Tensor | None = None) -> Any:
        """Initialises from a batch of data `[n, *event_shape]`, by assigning variables.

        Does nothing by default.
        """

    def update_spectral_norms(self) -> None:
        """Brings the power iterations of Lipschitz networks to convergence; nothing by default."""

    def call(
        self,
        x: Tensor,
        context: Tensor | None = None,
        randomness: backend.Randomness | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Data to latent: `x [*lead, *event_shape] -> (z [*lead, *latent_shape], log_det [*lead])`.

        Args:
          x: Tensor `[*lead, *event_shape]`.
          context: Tensor `[*lead, *context_shape]`, or `None`.
          randomness: As in `bijector`.
        """
        return inverse_and_log_det(self.bijector(context, randomness), x, len(self.event_shape))

    @property
    def implicit(self) -> tuple[str, ...]:
        """The directions that iterate for their result: a tuple of `"decode"` and `"encode"`."""
        return getattr(getattr(self, "transformer", None), "implicit", ())

    def parts(self) -> list[FlowLayer]:
        """This layer, or the layers it is made of, from the data to the latent."""
        return [self]

    def _check_types(self, layers):
        """Refuses parts whose variables are of another type than this layer's."""
        for layer in layers:
            if layer.variable_dtype != self.variable_dtype:
                raise ValueError(
                    f"Layer {layer.name} is of {layer.variable_dtype}, and what it is a part of is "
                    f"of {self.variable_dtype}: give both the same dtype."
                )

    @property
    def context_size(self) -> int | None:
        """Length of the flattened context, or `None`."""
        return None if self.context_shape is None else math.prod(self.context_shape)

    def _options(self, context=None):
        """What every bijector of a layer is told: context, variables, type and name."""
        return {
            "context": context,
            "context_ndims": len(self.context_shape or ()),
            "variables": [backend.raw(v) for v in self.trainable_variables],
            "dtype": self.variable_dtype,
            "name": self.name,
        }

    def _conditioner(self, network, *shape):
        """`network` as a function of events `[*lead, *shape]` and contexts of any leading shape."""
        return condition(network, shape, self.context_shape, self.variable_dtype)

    def _of_context(self, network):
        """`network` of one vector as a function of the context `[*lead, *context_shape]`."""
        run = self._conditioner(network, self.context_size)

        def of_context(context):
            lead = ops.shape(context)[: len(context.shape) - len(self.context_shape)]
            return run(ops.reshape(context, (*lead, self.context_size)))

        return of_context


class Composite(FlowLayer):
    """A layer made of layers, `members`, from the data to the latent: what it is follows theirs."""

    @property
    def members(self):
        """The layers that this one is made of."""
        raise NotImplementedError

    def parts(self):
        return [part for layer in self.members for part in layer.parts()]

    @property
    def prefers_xla(self):
        """Whether every layer runs faster under XLA."""
        return all(layer.prefers_xla for layer in self.members)

    @property
    def draws(self):
        """Number of seeds that one evaluation takes."""
        return sum(layer.draws for layer in self.members)

    @property
    def estimates(self):
        """Whether a log-determinant is estimated outside of training too."""
        return any(layer.estimates for layer in self.members)

    @property
    def repeatable(self):
        """Whether a second evaluation in a training step gives the same."""
        return all(layer.repeatable for layer in self.members)

    @property
    def series_terms(self):
        """The fewest terms after which a layer cuts off a series; `None` where none does."""
        found = (layer.series_terms for layer in self.members)
        return min((terms for terms in found if terms is not None), default=None)

    @property
    def implicit(self):
        """The directions in which a layer iterates."""
        return tuple({direction for layer in self.members for direction in layer.implicit})

    def update_spectral_norms(self):
        for layer in self.members:
            layer.update_spectral_norms()


def shared_context_shape(layers):
    """Shape of the context that layers take; `None` where none takes one."""
    return next((x.context_shape for x in layers if x.context_shape), None)


def vector_size(event_shape, layer):
    """The length `d` of events of shape `(d,)`.

    Raises:
      ValueError: The events are no vectors.
    """
    found = shape("event_shape", event_shape, least=0)
    if len(found) != 1:
        raise ValueError(
            f"{layer} works on vectors, event_shape=(d,) with d >= 1, got event_shape={found}; "
            "put a zoo.layers.Reshape before it."
        )
    return found[0]
