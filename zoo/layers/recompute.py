"""Chains whose training keeps no activations: memory that does not grow with depth."""

from keras import ops

from zoo import backend
from zoo.bijectors import Chain, in_turn
from zoo.layers.step import Step
from zoo.numerics import by_rows

MODES = (None, "inverse", "checkpoint")


class Recomputed(Chain):
    """A chain of layers that computes its activations again for the gradient.

    From data to latent it gives what `Chain` gives. For the gradient nothing within a layer stays:

    - `"inverse"` keeps only what comes out of the last layer. Going back, each layer's input is
      computed from its output by the layer's other direction, and the layer is evaluated once more
      for its gradient (Gomez et al., 2017, arXiv:1707.04585, section 3.2). Memory does not grow
      with the number of layers; rounding errors of the way back enter the gradient.
    - `"checkpoint"` keeps the input of each layer, and is exact (Chen et al., 2016,
      arXiv:1604.06174). Memory grows by one event a layer.

    The forward direction, and what is asked of the chain apart from values and log-determinants
    from data to latent, is that of `Chain`.

    Args:
      layers: `FlowLayer`s from the data to the latent.
      mode: `"inverse"` or `"checkpoint"`.
      event_shape: Shape of one event on the data side.
      latent_shape: Shape of one event on the latent side.
      apart: Whether traced steps run by themselves; see `zoo.backend.traced`.
      **kwargs: `context`, `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(
        self, layers, mode, event_shape, latent_shape, apart=False, context=None, **kwargs
    ):
        self._layers, self._mode, self._apart = list(layers), mode, apart
        super().__init__(
            [layer.bijector(context) for layer in self._layers],
            event_shape,
            latent_shape,
            context=context,
            **kwargs,
        )

    def inverse_and_log_det(self, y):
        self._check(y, self._data_shape, "data")
        steps, weights = zip(*_steps(self._layers), strict=True)

        def run(y, context):
            return self._run(steps, y, [] if context is None else [context], list(weights))

        # One leading dimension within: that is what steps are traced for.
        shape = next((x.context_shape for x in self._layers if x.context_shape is not None), None)
        context = self.context if shape is not None else None
        return by_rows(run, y, self._data_shape, context, shape or ())

    def _run(self, steps, y, context, weights):
        if self._mode == "inverse":
            calls = [step.inverse for step in steps]
            run = backend.with_gradient(
                lambda *args: in_turn(calls, *args, self._apart),
                lambda *args: _gradient(steps, *args),
            )
            return run(y, context, weights)
        return in_turn([_checkpointed(s, self._apart) for s in steps], y, context, weights)


def _gradient(steps, args, outputs, upstream):
    """The gradient of `in_turn`, which rebuilds each step's input from its output."""
    y, context, weights = args
    # A step is begun when the gradient has come that far, or all were in memory at once.
    x, of_x = backend.together(outputs[0], upstream[0])
    of_log_det = upstream[1]
    of_context, of_weights = [ops.zeros_like(c) for c in context], []
    for i, (step, values) in reversed(list(enumerate(zip(steps, weights, strict=True)))):
        if i:
            x, of_x, more, found = step.back(x, context, values, (of_x, of_log_det))
        else:
            x, (of_x, more, found) = y, step.gradient(y, context, values, (of_x, of_log_det))
        of_context = [a + b for a, b in zip(of_context, more, strict=True)]
        of_weights.insert(0, found)
        # The gradients of the weights too, which nothing else waits for.
        x, of_x, *_ = backend.together(x, of_x, *found)
    return of_x, of_context, of_weights


def _checkpointed(step, apart):
    """`step` from data to latent, computed again for its gradient."""

    def gradient(args, outputs, upstream):
        y, of_x = backend.together(args[0], upstream[0])
        of_y, of_context, of_weights = step.gradient(y, *args[1:], (of_x, upstream[1]))
        # The step before waits for the gradients of the weights too: nothing else asks for them
        # soon, and all that they need would stay.
        of_y, *of_weights = backend.together(of_y, *of_weights)
        return of_y, of_context, of_weights

    run = backend.with_gradient(lambda *args: step.inverse(*args, apart), gradient)
    return lambda y, context, values, _: run(y, context, values)


def _steps(layers):
    """What the layers do, step by step, each with the values that gradients go to."""
    for layer in layers:
        if hasattr(layer, "steps"):
            yield from layer.steps()
        else:
            variables = layer.trainable_variables
            yield Step(layer, variables), [backend.value(v) for v in variables]
