"""Elementwise layer."""

from zoo import bijectors, transformers
from zoo.backend import read
from zoo.config import register
from zoo.layers.flow_layer import FlowLayer
from zoo.networks import MLP, check_hidden_units


@register("zoo.layers")
class Elementwise(FlowLayer):
    """A transformer on every entry, with learned parameters, or parameters read from the context.

    With `transformer="scale"` this is the diagonal scale at the end of NICE (Dinh et al., 2015,
    section 3.3).

    Args:
      event_shape: Shape of one event.
      transformer: Name or instance of a `zoo.transformers.Transformer`, such as `"affine"`,
        `"spline"` or `"mixture"`.
      hidden_units: Width of each hidden layer of the network that reads the context.
      context_shape: Shape of one context vector; `None` learns the parameters themselves.
      seed: Seed of the initial weights.
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    def __init__(
        self,
        event_shape,
        transformer="affine",
        hidden_units=(64,),
        context_shape=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(event_shape, context_shape, **kwargs)
        self.transformer = transformers.get(transformer)
        check_hidden_units(hidden_units)
        shape = (*self.event_shape, self.transformer.num_params)
        if context_shape is None:
            self.parameters = self.add_weight(name="parameters", shape=shape, initializer="zeros")
        else:
            self.network = MLP(
                self.context_size, shape, hidden_units, seed=seed, dtype=self.dtype_policy
            )

    def bijector(self, context=None, randomness=None):
        return bijectors.Elementwise(
            self._parameters, self.transformer, len(self.event_shape), **self._options(context)
        )

    def _parameters(self, context):
        if self.context_shape is None:
            return read(self.parameters)
        return self._of_context(self.network)(context)
