"""The public calls of a flow: compiled, run, and looked at for what did not converge."""

import numpy as np
from keras import ops

from zoo import backend, computations, numerics
from zoo.networks import SpectralNorms


class Calls:
    """Runs the computations of a flow, functions of `zoo.computations`, compiled on first use.

    Args:
      flow: The flow.

    Attributes:
      norms: The `SpectralNorms` of its layers, and of those of flows below it.
    """

    def __init__(self, flow):
        self._flow, self._compiled = flow, backend.CompiledCalls(flow)
        parts = [part for stack in flow.stacks for part in stack.parts()]
        self.norms = SpectralNorms(parts, self._compiled)

    def __call__(self, function, *rows, rest=()):
        """`function(flow, *rows, *rest)` of `[n, ...]` rows; inside a user's own function, inlined.

        Raises:
          ValueError: Spectral norms are not those of today's weights.
          zoo.NotConverged: A layer that iterates did not reach its tolerance.
        """
        flow = self._flow
        if backend.has_tracers([*rows, *rest]):
            return function(flow, *rows, *rest)
        if stale := self.norms.stale():
            raise ValueError(
                f"Weights of {stale} were changed, and its norms are those of before: call "
                "update_spectral_norms() of the flow."
            )
        y = self._compiled(function, rows, rest, flow.uses_xla)
        direction = "encode"
        if function in (computations.decode, computations.decode_guided):
            direction, function = "decode", computations.decode
        if any(direction in stack.implicit for stack in flow.stacks):
            check_converged(flow, function, direction, y, rows)
        return y

    def draw(self, n, context, seed, temperature):
        """As `computations.draw`, compiled where this runs op by op."""
        own = not isinstance(n, int) or backend.has_tracers([context, seed])
        if own or backend.NAME == "jax":  # Shapes are static there, and nothing below is slow.
            return computations.draw(self._flow, n, context, seed, temperature)
        # As a number, 1 needs no mean of the base, which it may not have.
        factor = 1.0
        if temperature != 1:
            factor = ops.convert_to_tensor(temperature, dtype=self._flow.variable_dtype)
        drawn = self.function(computations.draw)
        return drawn(ops.convert_to_tensor(n), context, seed, factor)

    def function(self, function, jit=False):
        """`function(flow, *tensors)`, compiled as a function of the tensors."""
        return self._compiled.function(function, jit)


def check_converged(flow, function, direction, y, rows):
    """Raises `NotConverged` where layers that iterate in a direction gave NaN for some rows.

    Args:
      flow: The flow.
      function: What was called, a function of `zoo.computations`.
      direction: `"encode"` or `"decode"`.
      y: What it gave.
      rows: Its arguments.
    """
    if not bool(ops.any(ops.isnan(y))):  # One number comes back from the device.
        return
    found = np.reshape(ops.convert_to_numpy(y), (y.shape[0], -1))
    (bad,) = np.isnan(found).any(axis=1).nonzero()
    layers = {type(p).__name__ for p in flow.stack.parts() if direction in p.implicit}
    layers |= {"the base"} if not layers else set()
    raise numerics.NotConverged(
        f"{flow.name}: the iterated {direction} did not converge for {len(bad)} of {len(found)} "
        f"events (layers: {', '.join(sorted(layers))}): {_why(flow, function, bad, *rows)}; "
        "flow.inverse_report tells more."
    )


def _why(flow, function, bad, x, context=None, noise=None):
    """What the first layer that failed on these rows has to say, and what to do."""
    found = []
    if not flow.conditional or context is not None:  # Else a mixture: any of its classes.
        given = [None if r is None else ops.take(r, bad, 0) for r in (x, context, noise)]
        with numerics.recording() as found:
            function(flow, *given[: 3 if function is computations.density else 2])
    said = (f"{layer}: {failure}" for layer, r in found if (failure := r.failure()))
    return next(
        said,
        "raise their max_iterations or max_steps, loosen their tolerance, or keep away from far "
        "outliers",
    )
