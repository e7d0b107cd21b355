"""Inverses of maps whose Jacobian is triangular, found entry after entry, and their gradients."""

import math

import keras
import numpy as np
from keras import ops

from zoo import backend


class TriangularInverse:
    """`x` with `f(x, *rest) = z`, where each entry of `f` depends on those of `x` up to its own.

    What finds `x` keeps nothing for a gradient: that is given by the implicit function theorem, and
    is of any order. The triangular systems `J m = v` and `J^T m = v`, with `J = df/dx`, are solved
    by Jacobi's iteration, `m + (v - J m) / diag(J)`, each step of which is an evaluation of `f` and
    of its derivative. It ends at the solution after as many steps as there are entries, and mostly
    after far fewer: it stops when no entry moves by more than rounding.

    Made once and kept: TensorFlow traces it once a shape.

    Args:
      find: `(z, *rest) -> x [n, ...]`, of nested tensors; captures none.
      evaluate: `(x, *rest) -> (z, log of the diagonal of J)`, both of the shape of `x`.
    """

    def __init__(self, find, evaluate):
        self._evaluate = evaluate
        self._own = backend.with_gradient(
            lambda *args: (find(*args),), self._gradient, self._tangent
        )

    def __call__(self, z, *rest):
        """`x [n, ...]` of `z [n, ...]`."""
        return self._own(z, *rest)[0]

    def _evaluated(self, x, *rest):
        return self._evaluate(x, *rest)[0]

    def _gradient(self, args, outputs, upstream):
        x, rest = outputs[0], args[1:]
        solved = self._solve(True, upstream[0], x, *rest)
        return solved, *backend.vjp(lambda *rest: -self._evaluated(x, *rest), *rest)[1](solved)

    def _tangent(self, args, outputs, along):
        x, rest = outputs[0], args[1:]
        moved = backend.jvp(lambda *rest: -self._evaluated(x, *rest), rest, along[1:])
        solved = backend.linear_solve(
            lambda m: backend.jvp(lambda x: self._evaluated(x, *rest), (x,), (m,)),
            lambda v: self._iterated(False, v, x, *rest),
            lambda v: self._iterated(True, v, x, *rest),
            along[0] + moved,
        )
        return (solved,)

    def _product(self, transposed, vector, x, *rest):
        """`J vector`, or `J^T vector`."""
        pull = backend.vjp(lambda x: self._evaluated(x, *rest), x)[1]
        if transposed:
            return pull(vector)[0]
        return backend.vjp(lambda u: pull(u)[0], ops.zeros_like(vector))[1](vector)[0]

    def _iterated(self, transposed, vector, x, *rest):
        slopes = ops.exp(self._evaluate(x, *rest)[1])
        epsilon = np.finfo(keras.backend.standardize_dtype(x.dtype)).eps

        def body(state):
            solved, _ = state
            step = (vector - self._product(transposed, solved, x, *rest)) / slopes
            moves = ops.any(ops.abs(step) > 4.0 * epsilon * ops.max(ops.abs(solved)))
            return solved + step, moves

        start = vector / slopes
        state = (start, ops.any(ops.not_equal(start, 0.0)))
        return backend.while_loop(lambda s: s[1], body, state, math.prod(x.shape[1:]))[0]

    def _solve(self, transposed, vector, x, *rest):
        """The solution `m` of `J m = vector`, or of the transposed system."""

        def gradient(args, outputs, upstream):
            solved = self._solve(not transposed, upstream[0], *args[1:])

            def negative(*given):
                return -self._product(transposed, outputs[0], *given)

            return solved, *backend.vjp(negative, *args[1:])[1](solved)

        own = backend.with_gradient(lambda *args: (self._iterated(transposed, *args),), gradient)
        return own(vector, x, *rest)[0]
