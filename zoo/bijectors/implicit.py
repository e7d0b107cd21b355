"""Scalar maps that are explicit in one direction; the other is found by bracketing."""

import keras
from keras import ops

from zoo import backend
from zoo.bijectors.one_pass import OnePassBijector
from zoo.numerics import is_recording, record, root_finding


class Implicit(OnePassBijector):
    """An increasing scalar map whose formula goes one way.

    The other way is a root, found by bracketing from numbers that hold it. Its gradient is that of
    the implicit function, `dx/dy = 1 / f'(x)` and `dx/dparams = -(df/dparams) / f'(x)`. An entry
    whose iteration does not converge is NaN.

    Subclasses implement

    ```python
    def prepare(self, params): ...        # [..., num_params] -> what the other two take
    def evaluate(self, x, prepared): ...  # x [...] -> value and logarithm of the slope, [...]
    def bracket(self, y, prepared): ...   # y [...] -> low and high, about the root of value = y
    ```

    Args:
      params: Tensor `[..., num_params]`.
      fast: The direction of the formula: `"log_prob"`, data to latent, or `"sample"`, latent to
        data.
      tolerance: Where the iteration stops: half the width of the bracket, relative to the root
        where that is above one; `None`: 1e-12 in float64, 1e-6 in float32.
      max_iterations: Number of evaluations after which it gives up.
      name: Name of the bijector, and of its reports.
    """

    increases = True
    parameter_ndims = {"params": 1}

    def __init__(self, params, fast="log_prob", tolerance=None, max_iterations=200, name=None):
        if tolerance is None:
            double = keras.backend.standardize_dtype(params.dtype) == "float64"
            tolerance = 1e-12 if double else 1e-6
        self._params = params
        self._fast, self._tolerance, self._max_iterations = fast, tolerance, max_iterations
        super().__init__(event_ndims=0, name=name)

    def prepare(self, params):
        """What `evaluate` and `bracket` take, computed once for all of an iteration."""
        raise NotImplementedError

    def evaluate(self, x, prepared):
        """Value and logarithm of the slope at `x`."""
        raise NotImplementedError

    def bracket(self, y, prepared):
        """Numbers below and above the root of `value = y`, if rounding is allowed for."""
        raise NotImplementedError

    def forward_and_log_det(self, x):
        return self._explicit(x) if self._fast == "sample" else self._root(x)

    def inverse_and_log_det(self, y):
        return self._explicit(y) if self._fast == "log_prob" else self._root(y)

    def _explicit(self, x):
        return self._at(x, self._params)

    def _at(self, x, params):
        return self.evaluate(x, self.prepare(params))

    def _root(self, y):
        y = y + ops.zeros_like(self._params[..., 0])
        if is_recording() and backend.is_concrete(y):
            record(self.name, self._solve(y, self._params)[1])
        x = backend.with_gradient(self._found, self._gradient, self._tangent)(y, self._params)[0]
        return x, -self._explicit(x)[1]

    def _solve(self, y, params):
        """The root, and a report on the rows of `y`."""
        prepared = self.prepare(params)
        low, high = self.bracket(y, prepared)
        # Where both are the root there is no width, and rounding may put the root outside.
        low, high = low - 1e-2 * (1.0 + ops.abs(low)), high + 1e-2 * (1.0 + ops.abs(high))
        return root_finding.bracketed_root(
            lambda x: self.evaluate(x, prepared)[0] - y,
            low,
            high,
            self._tolerance,
            self._max_iterations,
        )

    def _found(self, y, params):
        """The root, with a gradient of its own where nobody defines one (a stored gradient's)."""
        count = params.shape[-1]
        rows = ops.broadcast_to(params, (*ops.shape(y), count))
        # Entry by entry, so that one that fails leaves the others alone.
        x, report = self._solve(ops.reshape(y, (-1,)), ops.reshape(rows, (-1, count)))
        x = ops.reshape(root_finding.or_nan(x, report.converged), ops.shape(y))
        x = ops.stop_gradient(x)
        value, log_slope = self._at(x, params)
        # Where the map is flat to rounding, any point of the plateau is found; zero times infinity
        # would be none.
        newton = (y - value) * ops.exp(ops.minimum(-log_slope, 80.0))
        return (x + (newton - ops.stop_gradient(newton)),)

    def _gradient(self, args, outputs, upstream):
        x, params = outputs[0], args[1]
        of_y = upstream[0] * ops.exp(-self._at(x, params)[1])
        return of_y, -backend.vjp(lambda p: self._at(x, p)[0], params)[1](of_y)[0]

    def _tangent(self, args, outputs, along):
        x, params = outputs[0], args[1]
        moved = along[0] - backend.jvp(lambda p: self._at(x, p)[0], (params,), along[1:])
        return (moved * ops.exp(-self._at(x, params)[1]),)
