"""Planar maps: one ridge, along which space is stretched (Rezende and Mohamed, 2015)."""

from keras import ops

from zoo.bijectors.directed import Directed
from zoo.numerics import record, tanh_root


class Planar(Directed):
    """`f(x) = x + u tanh(a)` with `a = w.x + b` (arXiv:1505.05770, eq. 10).

    The determinant is `1 + w.u sech(a)^2` (eq. 12), positive for `w.u > -1`. What `f` does not move
    are the directions that `w` does not see, so its inverse is one equation for the number `a`: of
    `v = f(x)` is known `w.v + b = a + w.u tanh(a)`, which increases in `a`; then `x = v - u
    tanh(a)`.

    Args:
      parameters_fn: `context -> (w [*batch, d], u [*batch, d], b [*batch], gain [*batch])`, read at
        each use; `gain` is `1 + w.u`, positive.
      solve: What `tanh_root.solver` gives; an event that it finds no solution for is NaN.
      **kwargs: `fast` of `Directed`; `context`, `variables`, `dtype`, `name` of `OnePassBijector`.
    """

    def __init__(self, parameters_fn, solve, **kwargs):
        self._parameters_fn = parameters_fn
        self._solve = solve
        super().__init__(**kwargs)

    def explicit(self, u):
        w, ridge, b, gain = self._parameters_fn(self.context)
        a = ops.sum(w * u, axis=-1) + b
        return u + ridge * ops.tanh(a)[..., None], ops.log(tanh_root.slope(a, gain))

    def solved(self, v):
        w, ridge, b, gain = self._parameters_fn(self.context)
        target = ops.sum(w * v, axis=-1) + b
        flat = ops.reshape(target, (-1,)), ops.reshape(gain + ops.zeros_like(target), (-1,))
        a, report = self._solve(*flat)
        record(self.name, report)
        a = ops.reshape(a, ops.shape(target))
        return v - ridge * ops.tanh(a)[..., None], ops.log(tanh_root.slope(a, gain))
