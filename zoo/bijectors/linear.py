"""Invertible linear maps."""

from keras import ops

from zoo.bijectors.one_pass import OnePassBijector


class LULinear(OnePassBijector):
    """Data `y` has latent `x = P L U y + b`, with `L` unit lower and `U` upper triangular.

    The log-determinant is the sum of the logarithms of `U`'s positive diagonal; the forward
    direction solves the two triangular systems (Kingma and Dhariwal, 2018, section 3.2; Durkan et
    al., 2019, section 3.1).

    Args:
      factors_fn: `() -> (lower [d, d], upper [d, d], log_diagonal [d], bias [d])`, read at each
        use.
      permutation: Integer array `[d]`, the rows of `P`.
      **kwargs: `variables`, `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, factors_fn, permutation, **kwargs):
        self._factors_fn = factors_fn
        self._permutation = permutation
        super().__init__(event_ndims=1, **kwargs)

    def inverse_and_log_det(self, y):
        lower, upper, log_diagonal, bias = self._factors_fn()
        weight = ops.take(ops.matmul(lower, upper), self._permutation, axis=0)
        x = ops.matmul(y, ops.transpose(weight)) + bias
        return x, ops.zeros_like(x[..., 0]) + ops.sum(log_diagonal)

    def forward_and_log_det(self, x):
        lower, upper, log_diagonal, bias = self._factors_fn()
        size = lower.shape[0]
        inverse = ops.solve_triangular(
            upper, ops.solve_triangular(lower, ops.eye(size, dtype=lower.dtype), lower=True)
        )
        # The small inverse is formed once; a solve for each row of a batch would cost more.
        weight = ops.take(inverse, self._permutation, axis=1)
        y = ops.matmul(x - bias, ops.transpose(weight))
        return y, ops.zeros_like(y[..., 0]) - ops.sum(log_diagonal)
