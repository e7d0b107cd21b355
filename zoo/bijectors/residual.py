"""Residual maps that are contractions away from the identity, and their inverse by iteration."""

import contextlib
import contextvars
import functools

from keras import ops

from zoo import backend
from zoo.bijectors.one_pass import OnePassBijector
from zoo.numerics import by_rows, log_det_estimators, record, root_finding


class Residual(OnePassBijector):
    """`z = x + g(x)`, data to latent, with `g` of Lipschitz constant below one.

    Then `log|det dz/dx| = log det(I + J)` with `J = dg/dx`, by one of the ways of
    `zoo.numerics.log_det_estimators`; and `x` is the one fixed point of `x = z - g(x)`, found by
    iteration
    (Behrmann et al., 2019, arXiv:1811.00995, algorithm 1). Its gradient is that of the fixed point,
    by the implicit function theorem, of any order. Rows where the iteration did not reach its
    tolerance are NaN.

    Args:
      network: Has `weights_now()` and `evaluate(x, context, weights)`, as
        `zoo.networks.LipschitzMLP`.
      event_shape: Shape of one event.
      how: A `log_det_estimators.LogDet`.
      tolerance: Of the inverse: the largest entry of an event moves by no more at the end, taken
        relative to its largest entry where that is above one.
      max_iterations: Most steps of the inverse.
      randomness: A `zoo.backend.Randomness`.
      **kwargs: `context`, `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, network, event_shape, how, tolerance, max_iterations, randomness, **kwargs):
        self._network, self._shape, self._how = network, tuple(event_shape), how
        self._tolerance, self._max_iterations = tolerance, max_iterations
        self._randomness = randomness
        super().__init__(event_ndims=len(self._shape), **kwargs)

    def inverse_and_log_det(self, y):
        weights = self._network.weights_now(self._randomness.training)

        def run(y, context):
            value, linear = self._network.evaluate(y, context, weights)
            _watch(self.name, linear, y)
            return y + value, self._log_det(linear, y)

        return self._by_rows(run, y)

    def forward_and_log_det(self, x):
        weights = self._network.weights_now(self._randomness.training)

        def run(x, context):
            y, report = self._solve(x, context, weights)
            record(self.name, report)
            y = root_finding.or_nan(y, report.converged)
            return y, -self._log_det(self._network.evaluate(y, context, weights)[1], y)

        return self._by_rows(run, x)

    def _by_rows(self, function, x):
        shape = () if self.context is None else self.context.shape
        shape = shape[len(shape) - self._context_ndims :]
        return by_rows(function, ops.convert_to_tensor(x), self._shape, self.context, shape)

    def _log_det(self, linear, x):
        if self._how.kind == "exact":
            return log_det_estimators.exact(linear, x)
        return log_det_estimators.estimated(linear, x, self._how, self._randomness)

    # The inverse, and its gradient.

    def _solve(self, z, context, weights):
        """The fixed point `x [n, *event]` of `x = z - g(x)`, and the `Report` on it."""
        given = [] if context is None else [context]
        return root_finding.with_implicit_gradient(self._iterate, self._gradient, self._tangent)(
            z, given, weights
        )

    def _branch(self, x, given, weights):
        return self._network.evaluate(x, given[0] if given else None, weights)

    def _iterate(self, z, given, weights):
        return root_finding.fixed_point(
            lambda x: z - self._branch(x, given, weights)[0],
            z,
            self._tolerance,
            self._max_iterations,
        )

    def _gradient(self, args, outputs, upstream):
        x, (_, given, weights) = outputs[0], args
        moved = self._linear_solve(True, upstream[0], x, given, weights)
        pull = backend.vjp(lambda *rest: -self._branch(x, *rest)[0], given, weights)[1]
        return moved, *pull(moved)

    def _tangent(self, args, outputs, along):
        x, (_, given, weights) = outputs[0], args
        moved = backend.jvp(lambda *rest: -self._branch(x, *rest)[0], (given, weights), along[1:])
        linear = self._branch(x, given, weights)[1]
        solves = (
            functools.partial(self._iterated, product) for product in (linear.jvp, linear.vjp)
        )
        return (backend.linear_solve(lambda m: m + linear.jvp(m), *solves, along[0] + moved),)

    def _iterated(self, product, vector):
        """The solution of `m + product(m) = vector`; see `_linear_solve`."""
        axes = tuple(range(1, len(vector.shape)))
        size = backend.largest(ops.abs(vector), axis=axes, keepdims=True)
        size = ops.where(size > 0, size, ops.ones_like(size))
        start = vector / size
        found, report = root_finding.fixed_point(
            lambda m: start - product(m), start, self._tolerance, self._max_iterations
        )
        return root_finding.or_nan(found, report.converged) * size

    def _linear_solve(self, transposed, vector, x, given, weights):
        """The solution of `(I + J) m = vector`, or of the transposed system, at `x`.

        The tolerance is relative to the vector; rows that do not reach it are NaN.
        """

        def run(vector, x, given, weights):
            linear = self._branch(x, given, weights)[1]
            return (self._iterated(linear.vjp if transposed else linear.jvp, vector),)

        def gradient(args, outputs, upstream):
            solved = self._linear_solve(not transposed, upstream[0], *args[1:])

            def negative(*rest):
                linear = self._branch(*rest)[1]
                return -(linear.vjp if transposed else linear.jvp)(outputs[0])

            return solved, *backend.vjp(negative, *args[1:])[1](solved)

        return backend.with_gradient(run, gradient)(vector, x, given, weights)[0]


_watchers = contextvars.ContextVar("watchers", default=None)


@contextlib.contextmanager
def watching():
    """Collects `(name, derivative, x)` of each residual map evaluated inside, data to latent."""
    found = []
    token = _watchers.set(found)
    try:
        yield found
    finally:
        _watchers.reset(token)


def _watch(name, linear, x):
    if _watchers.get() is not None:
        _watchers.get().append((name, linear, x))


def lipschitz(linear, x, tolerance=1e-6, max_iterations=1000):
    """The largest singular value of a derivative at each event, by power iteration.

    Args:
      linear: The `Linearization` at `x`.
      x: `[n, *event]`.
      tolerance: Relative change in an iteration at which all events have converged.
      max_iterations: Most iterations.

    Returns:
      `[n]`; NaN where an event had not converged by then.
    """
    axes = tuple(range(1, len(x.shape)))

    def length(v):
        return ops.sqrt(ops.sum(v * v, axis=axes, keepdims=True)) + 1e-20

    def body(state):
        v, norm, _ = state
        image = linear.jvp(v)
        v = linear.vjp(image)
        return v / length(v), length(image), norm

    generator = backend.samplers.normal(ops.shape(x), dtype=x.dtype, seed=backend.make_seed(0))
    start = generator / length(generator)
    state = (start, length(start), ops.zeros_like(length(start)))

    def moving(state):
        return ops.abs(state[1] - state[2]) > tolerance * state[1]

    state = backend.while_loop(lambda s: ops.any(moving(s)), body, state, max_iterations)
    return ops.reshape(ops.where(moving(state), float("nan"), state[1]), (-1,))
