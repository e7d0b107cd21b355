"""Sylvester maps: planar maps of many ridges at once (van den Berg et al., 2018)."""

from keras import ops

from zoo.bijectors.directed import Directed
from zoo.numerics import record, tanh_root
from zoo.numerics.triangular_root import diagonal, matvec


class Sylvester(Directed):
    """`f(x) = x + Q R tanh(S Q^T x + b)` (arXiv:1803.05649, eq. 13).

    `Q` has `m` orthonormal columns, `R` and `S` are upper triangular. By Sylvester's identity the
    determinant is that of an `m` by `m` triangular matrix, `prod_i (1 + R_ii S_ii sech(a_i)^2)`
    with `a = S Q^T x + b` (eq. 14), positive for `R_ii S_ii > -1`.

    The inverse is a system for `m` numbers: what `Q^T` sees of `v = f(x)` is `Q^T v = y + R tanh(S
    y + b)` with `y = Q^T x`, and is solved one unknown at a time (`triangular_root`); then `x = v -
    Q R tanh(S y + b)`.

    Args:
      parameters_fn: `context -> (Q [*batch, d, m] or None, R [*batch, m, m], S [*batch, m, m],
        b [*batch, m])`, read at each use. Without `Q` it is the identity, and `m = d`.
      reverse: Without `Q`, whether to take the dimensions in reversed order instead.
      solve: What `triangular_root.solver` gives; an event that it finds no solution for is NaN.
      **kwargs: `fast` of `Directed`; `context`, `variables`, `dtype`, `name` of `OnePassBijector`.
    """

    def __init__(self, parameters_fn, solve, reverse=False, **kwargs):
        self._parameters_fn = parameters_fn
        self._solve = solve
        self._reverse = reverse
        super().__init__(**kwargs)

    def explicit(self, u):
        q, left, right, bias = self._parameters_fn(self.context)
        a = matvec(right, self._seen(q, u)) + bias
        return u + self._spread(q, matvec(left, ops.tanh(a))), _log_det(left, right, a)

    def solved(self, v):
        q, left, right, bias = self._parameters_fn(self.context)
        target = self._seen(q, v) + ops.zeros_like(bias)
        m, zeros = target.shape[-1], ops.zeros_like(target)
        if len(bias.shape) > 1:  # Parameters of each event, which v may have more of.
            left, right = (ops.reshape(x + zeros[..., None], (-1, m, m)) for x in (left, right))
            bias = ops.reshape(bias + zeros, (-1, m))
        flat = ops.reshape(target, (-1, m))
        y, report = self._solve(flat, left, right, bias)
        record(self.name, report)
        a = matvec(right, y) + bias
        step = ops.reshape(matvec(left, ops.tanh(a)), ops.shape(target))
        log_det = ops.reshape(_log_det(left, right, a), ops.shape(target)[:-1])
        return v - self._spread(q, step), log_det

    def _seen(self, q, x):
        """`Q^T x`."""
        if q is None:
            return ops.flip(x, axis=-1) if self._reverse else x
        return matvec(ops.swapaxes(q, -1, -2), x)

    def _spread(self, q, y):
        """`Q y`."""
        if q is None:
            return ops.flip(y, axis=-1) if self._reverse else y
        return matvec(q, y)


def _log_det(left, right, a):
    slopes = tanh_root.slope(a, 1.0 + diagonal(left) * diagonal(right))
    return ops.sum(ops.log(slopes), axis=-1)
