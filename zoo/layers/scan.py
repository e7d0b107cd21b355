"""Steps of one kind, traced once."""

import keras
import numpy as np
from keras import ops

from zoo import backend, bijectors
from zoo.config import register
from zoo.layers.fixed import Fixed
from zoo.layers.flow_layer import FlowLayer
from zoo.layers.step import TracedStep
from zoo.networks import WAYS, Hoisting


@register("zoo.layers")
class Scan(FlowLayer):
    """Layers of one kind one after the other, their weights stacked along a first axis.

    What one of them computes is traced once and run once for each set of weights, and an optimizer
    sees as many variables as one of them has: compiling a training step costs little more than
    that of a single layer. Values and gradients are those of the layers by themselves.

    Args:
      layers: `FlowLayer`s from the data to the latent, alike but for the values of their weights,
        which these layers start with.
      **kwargs: `dtype` and `name` of a Keras layer.

    Attributes:
      count: Number of layers.

    Raises:
      ValueError: There is no layer, they differ in more than values, recompute activations by
        themselves, or have variables of TFP's; or, in training, they draw or update numbers.
    """

    def __init__(self, layers, **kwargs):
        layers = list(layers)
        if not layers:
            raise ValueError("Scan needs at least one layer, got none.")
        first = layers[0]
        self._check(layers)
        super().__init__(first.event_shape, first.context_shape, **kwargs)
        self._check_types(layers)
        self.count = len(layers)
        self.prefers_xla, self.repeatable = first.prefers_xla, first.repeatable
        self._stacked = [
            self._stack([layer.variables[i] for layer in layers])
            for i in range(len(first.variables))
        ]
        # One of them is kept to compute with, out of sight of Keras: its own weights are not used,
        # those that are hoisted not even in another's place (see `zoo.networks.hoisting`).
        self.__dict__["_first"] = first
        self.__dict__["_hoisted"] = {way: _hoisted(first, way) for way in WAYS}
        self.__dict__["_plain"] = TracedStep(first, first.variables)
        # The configuration does not need the values, which may be many.
        self.__dict__.get("_arguments", {})["layers"] = [first] * self.count

    @property
    def described(self):
        """Of how many layers, and of which kinds."""
        kinds = ", ".join(part.described for part in self._first.parts())
        return f"Scan of {self.count} x {kinds}"

    @staticmethod
    def _check(layers):
        first = layers[0]
        shapes = [tuple(v.shape) for v in first.variables]
        if tuple(first.event_shape) != tuple(first.latent_shape):
            raise ValueError(
                f"Scan needs layers that keep the shape of events, and {first.name} takes "
                f"{tuple(first.event_shape)} to {tuple(first.latent_shape)}."
            )
        for layer in layers:
            alike = type(layer) is type(first) and structure(layer) == structure(first)
            if not alike or [tuple(v.shape) for v in layer.variables] != shapes:
                raise ValueError(
                    f"Scan needs layers that differ only in the values of their weights, and "
                    f"{layer.name} is not like {first.name}."
                )
        for part in first._flatten_layers():
            if getattr(part, "recompute", None) is not None:
                raise ValueError(
                    f"Scan takes no layers that recompute by themselves, and {part.name} has "
                    f"recompute={part.recompute!r}: give that to the flow, Flow(recompute=...)."
                )
        if has_own_variables(first):
            raise ValueError(
                f"Scan hands weights over, which variables of TFP's in a zoo.layers.Fixed do not "
                f"take, and {first.name} has some: give the layers to the flow one by one."
            )

    def _stack(self, variables):
        values = ops.stack([backend.value(v) for v in variables])
        return self.add_weight(
            name=variables[0].name,
            shape=values.shape,
            dtype=variables[0].dtype,
            initializer=lambda shape, dtype: ops.cast(values, dtype),
            trainable=variables[0].trainable,
        )

    def unstacked(self):
        """The layers by themselves: new ones, with weights of their own, of today's values."""
        first, copies = self._first, []
        for values in self._rows(self._values()):
            copy = type(first).from_config(first.get_config())
            for variable, value in zip(copy.variables, values, strict=True):
                variable.assign(value)
            copies.append(copy)
        return copies

    def _values(self):
        return [backend.value(v) for v in self._stacked]

    def _rows(self, stacked):
        """Of stacked tensors, a list for each of the layers."""
        columns = [ops.unstack(x, self.count) for x in stacked]
        return [list(row) for row in zip(*columns, strict=True)]

    def steps(self, way=None):
        """A step for each of the layers, and what it is to be given beside its input.

        Args:
          way: `"inverse"` or `"forward"`, for steps that are run in that way alone: what they
            compute from their weights alone is computed for all of them at once. With `None` each
            is given its weights, and nothing but these is in memory from one step to the next.
        """
        values = self._values()
        if way is None:
            return [(self._plain, row) for row in self._rows(values)]
        step, hoisting = self._hoisted[way]
        return [(step, row) for row in self._rows(_needed(hoisting, values))]

    def adapt(self, x, context=None):
        """Initialises each layer in turn."""
        rows, given = [], [] if context is None else [context]
        step, hoisting = self._hoisted["inverse"]
        for values in self._rows(self._values()):
            values = self._adapted(x, context, values)
            rows.append(values)
            x = step.inverse(x, given, _needed(hoisting, values))[0]
        for variable, values in zip(self._stacked, zip(*rows, strict=True), strict=True):
            variable.assign(ops.stack(values))

    def _adapted(self, x, context, values):
        """What `adapt` of a layer with these values would assign."""
        variables = self._first.variables
        mapping = list(zip(variables, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            self._first.adapt(x, context)
            found = [scope.get_current_value(v) for v in variables]
        return [old if new is None else new for new, old in zip(found, values, strict=True)]

    def bijector(self, context=None, randomness=None):
        training = randomness is not None and randomness.training
        if training and not self.repeatable:
            raise ValueError(
                f"Scan trains no layers that draw or update numbers of their own, as "
                f"{self._first.name} does: give them to the flow one by one."
            )
        # In training, calls that run apart took a step a tenth longer, and more memory.
        apart = not training
        return bijectors.Steps(self.steps, len(self.event_shape), apart, **self._options(context))


def has_own_variables(layer):
    """Whether in a layer there are variables of TFP's, for which no values can stand in."""
    return any(isinstance(part, Fixed) and part.variables for part in layer._flatten_layers())


def structure(layer):
    """What a layer is but for its weights: configurations, and arrays that seeds have drawn."""

    skipped = ("name", "seed", "shared_object_id")

    def unnamed(config):
        if isinstance(config, dict):
            return {k: unnamed(v) for k, v in config.items() if k not in skipped}
        return [unnamed(v) for v in config] if isinstance(config, list | tuple) else config

    arrays = [
        value.tolist()
        for part in layer._flatten_layers()
        for value in vars(part).values()
        if isinstance(value, np.ndarray)
    ]
    return unnamed(layer.get_config()), arrays


def _hoisted(layer, way):
    hoisting = Hoisting(layer, way)
    return TracedStep(layer, [layer.variables[i] for i in hoisting.rest], hoisting), hoisting


def _needed(hoisting, values):
    """What a hoisting step is given, out of a tensor for each variable of the layer."""
    return [values[i] for i in hoisting.rest] + hoisting.of(values)
