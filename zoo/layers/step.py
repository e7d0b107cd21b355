"""A layer whose weights are handed in, beside what it works on."""

import contextlib
import functools

import keras
from keras import ops

from zoo import backend
from zoo.bijectors import forward_and_log_det, inverse_and_log_det
from zoo.numerics import by_rows


class Step:
    """Runs a layer with other values in place of those of its variables.

    Args:
      layer: A `FlowLayer`.
      variables: Those variables of the layer whose values are handed in.
      hoisting: A `Hoisting` whose tensors are handed in after those values, or `None`.
    """

    def __init__(self, layer, variables, hoisting=None):
        self._layer, self._variables, self._hoisting = layer, list(variables), hoisting

    @contextlib.contextmanager
    def _with(self, values):
        count = len(self._variables)
        mapping = list(zip(self._variables, values[:count], strict=True))
        given = self._hoisting.given(values[count:]) if self._hoisting else contextlib.nullcontext()
        with keras.StatelessScope(state_mapping=mapping), given:
            yield

    def inverse(self, y, context, values, apart=False):
        """Data to latent.

        Args:
          y: Tensor `[*lead, *event_shape]`.
          context: List of the context, or empty.
          values: List of tensors, one a variable, and those of the hoisting.
          apart: Whether a traced step runs by itself; see `zoo.backend.traced`.

        Returns:
          The latent and the log-determinant `[*lead]`, nats.
        """
        with self._with(values):
            return inverse_and_log_det(self._bijector(context), y, len(self._layer.event_shape))

    def forward(self, x, context, values, apart=False):
        """Latent to data; arguments and results as in `inverse`."""
        with self._with(values):
            return forward_and_log_det(self._bijector(context), x, len(self._layer.latent_shape))

    def _bijector(self, context):
        # A flow hands its context to layers that take none, too.
        return self._layer.bijector(*context if self._layer.context_shape is not None else ())

    def gradient(self, y, context, values, upstream):
        """Evaluates `inverse` once more, for its gradient.

        Args:
          y, context, values: As in `inverse`.
          upstream: Gradients with respect to what `inverse` returns.

        Returns:
          Gradients with respect to `y`, `context` and `values`.
        """
        return backend.vjp(lambda *args: Step.inverse(self, *args), y, context, values)[1](upstream)

    def back(self, x, context, values, upstream):
        """As `gradient`, from what `inverse` returned; returns what it was given before those."""
        y = ops.stop_gradient(Step.forward(self, x, context, values)[0])
        return y, *Step.gradient(self, y, context, values, upstream)


class TracedStep(Step):
    """A step that is traced once, however often it is run with other weights.

    The layer keeps the shape of events. Leading dimensions are made one: what is traced for some
    number of them would serve another only if it knew nothing of the shape. `gradient` and `back`
    take a single one.
    """

    def __init__(self, layer, variables, hoisting=None):
        super().__init__(layer, variables, hoisting)
        ways = {"inverse": functools.partial(Step.inverse, self)}
        ways["forward"] = functools.partial(Step.forward, self)
        self._traced = {
            (name, apart): backend.traced(function, apart)
            for name, function in ways.items()
            for apart in (False, True)
        }
        self.gradient = backend.traced(super().gradient, apart=True)
        self.back = backend.traced(super().back, apart=True)

    def inverse(self, y, context, values, apart=False):
        return self._run("inverse", y, context, values, apart)

    def forward(self, x, context, values, apart=False):
        return self._run("forward", x, context, values, apart)

    def _run(self, way, x, context, values, apart):
        def run(x, context):
            return self._traced[way, apart](x, [] if context is None else [context], values)

        shape = self._layer.context_shape
        given = context[0] if context and shape is not None else None
        return by_rows(run, x, self._layer.event_shape, given, shape or ())
