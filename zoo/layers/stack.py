"""Layers one after the other: the one place where log-determinants are summed."""

import itertools

from zoo import backend, bijectors
from zoo.config import choice, register
from zoo.layers.flow_layer import Composite, FlowLayer, shared_context_shape
from zoo.layers.recompute import MODES, Recomputed

# Where nothing is estimated anew and no weights are trained: fixed seeds, evaluation.
FIXED = backend.Randomness()


@register("zoo.layers")
class Stack(Composite):
    """Layers one after the other, as one layer.

    Args:
      layers: `FlowLayer`s from the data to the latent.
      event_shape: Shape of one event on the data side; read off the first layer where there is one.
      recompute: Where the gradient finds activations: `None` keeps them all, `"checkpoint"` what
        goes between layers, `"inverse"`, where inverses are exact, none; the rest is computed again
        (`layers.recompute`). Layers that are made of layers do it within.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: Two layers do not fit together, one is no `FlowLayer` or of another type of
        variables, there is neither a layer nor an event shape, or activations cannot be computed
        again.
    """

    def __init__(self, layers, event_shape=None, recompute=None, **kwargs):
        layers = list(layers)
        for layer in layers:
            if not isinstance(layer, FlowLayer):
                raise ValueError(
                    f"layers must hold zoo.layers.FlowLayers, got a {type(layer).__name__}."
                )
        if event_shape is None and not layers:
            raise ValueError("A stack without layers needs an event_shape.")
        if event_shape is None:  # Layers that take any shape keep it.
            known = [layer.event_shape for layer in layers if layer.event_shape is not None]
            if not known:
                raise ValueError("None of these layers says what an event is: give an event_shape.")
            event_shape = known[0]
        start = shape = tuple(event_shape)
        for layer in layers:
            if layer.event_shape is None:
                layer.take_shape(shape)
            if tuple(layer.event_shape) != shape:
                raise ValueError(
                    f"Layer {layer.name} expects events of shape {tuple(layer.event_shape)}, and "
                    f"what comes before it gives {shape}."
                )
            shape = tuple(layer.latent_shape)
        super().__init__(start, shared_context_shape(layers), shape, **kwargs)
        self._check_types(layers)
        self.layers = layers
        self.recompute = recompute

    @property
    def recompute(self):
        """How activations are found for the gradient: `None`, `"checkpoint"` or `"inverse"`."""
        return self._recompute

    @recompute.setter
    def recompute(self, mode):
        self._recompute = choice("recompute", mode, MODES)
        if mode is not None:
            _check_repeatable(self.parts(), mode)
        for layer in self.layers:
            if hasattr(layer, "recompute"):
                layer.recompute = mode

    @property
    def members(self):
        """The layers."""
        return self.layers

    def adapt(self, x, context=None):
        """Initialises each layer in turn, and returns what comes out of the last."""
        for layer in self.layers:
            layer.adapt(x, context)
            x = layer(x, context)[0]
        return x

    def bijector(self, context=None, randomness=None):
        randomness, chain = randomness or FIXED, []
        if self.context_shape is None:
            context = None
        for recomputed, run in itertools.groupby(self.layers, self._is_recomputed):
            run = list(run)
            if recomputed:
                shapes = run[0].event_shape, run[-1].latent_shape
                apart = not randomness.training
                chain.append(
                    Recomputed(run, self.recompute, *shapes, apart, **self._options(context))
                )
                continue
            for layer in run:
                given = context if layer.context_shape is not None else None
                chain.append(layer.bijector(given, randomness))
                randomness = randomness.after(layer.draws)
        shapes = self.event_shape, self.latent_shape
        return bijectors.Chain(chain, *shapes, **self._options(context))

    def guided(self, z, context, guidance):
        """Latent to data, guided by the layers that can be; see `TokenAutoregressive.guided`.

        Args:
          z: Tensor `[n, *latent_shape]`.
          context: Tensor `[n, *context_shape]`.
          guidance: Number, 0 for none.
        """
        for layer in reversed(self.layers):
            if hasattr(layer, "guided"):
                z = layer.guided(z, context, guidance)
            else:
                given = context if layer.context_shape is not None else None
                z = bijectors.forward_value(layer.bijector(given), z)
        return z

    def _is_recomputed(self, layer):
        return self.recompute is not None and not hasattr(layer, "recompute")


def _check_repeatable(parts, mode):
    """Refuses to compute activations again where that would not give the same ones."""
    for layer in parts:
        if not layer.repeatable:
            raise ValueError(
                f"recompute={mode!r} needs layers that give the same twice; "
                f"{type(layer).__name__} draws or updates numbers of its own: use recompute=None."
            )
        if mode == "inverse" and "decode" in layer.implicit:
            raise ValueError(
                "recompute='inverse' needs exact inverses, and that of "
                f"{type(layer).__name__} is iterated: use recompute='checkpoint', or None."
            )
