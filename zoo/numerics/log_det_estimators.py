"""Log-determinants of `I + J` for contractions `J`, exactly or by series with random probes."""

import math
from typing import NamedTuple

import keras
from keras import ops

from zoo import backend
from zoo.backend import ps, samplers

KINDS = ("exact", "series", "roulette")
# Up to this many dimensions, elimination is unrolled; beyond, a matrix is decomposed.
UNROLLED = 8
# Longer series have a probability below 1e-18 at the default rate.
MOST_TERMS = 1000
# A vector of this length adds nothing to a sum of log-determinants in numbers of this type.
NEGLIGIBLE = {"float32": 1e-10, "float64": 1e-19}


class LogDet(NamedTuple):
    """How a log-determinant is found.

    Attributes:
      kind: `"exact"`, from the Jacobian; `"series"`, the power series up to `terms` (Behrmann et
        al., 2019, eq. 4); `"roulette"`, with a random number of terms beyond that, which makes it
        unbiased (Chen et al., 2019, eq. 6).
      terms: Number of terms in training steps; of exact terms with `"roulette"`.
      eval_terms: The same outside of training steps.
      probes: Number of normal vectors (Hutchinson, 1990) that a trace is averaged over.
      rate: With `"roulette"`, the probability of ending after each further term.
      gradient: `"neumann"`, by one series for all parameters, whose memory does not grow with the
        number of terms (Chen et al., 2019, eq. 8), or `"series"`, through the terms.
    """

    kind: str
    terms: int
    eval_terms: int
    probes: int
    rate: float
    gradient: str


def exact(linear, x):
    """`log|det(I + J)|` `[n]`, from all products of `J` with unit vectors.

    Args:
      linear: The `Linearization` at `x`.
      x: `[n, *event]`.
    """
    shape = tuple(x.shape[1:])
    size = math.prod(shape)
    basis = ops.reshape(ops.eye(size, dtype=x.dtype), (size, 1, *shape))
    basis = basis + ops.zeros_like(x)[None]
    columns = ops.reshape(linear.jvp(basis), (size, -1, size))
    if size <= UNROLLED:
        return _eliminated([[columns[j, :, i] for j in range(size)] for i in range(size)])
    return _decomposed(ops.transpose(columns, (1, 2, 0)) + ops.eye(size, dtype=x.dtype))


def _decomposed(matrix):
    """`log|det|` by Cholesky's decomposition of the square, which XLA has, and which is safe here.

    The singular values of `I + J` lie between `1 - L` and `1 + L`.
    """
    square = ops.matmul(matrix, ops.transpose(matrix, (0, 2, 1)))
    # Keras raises on NaN, which rows are whose inverse did not converge.
    finite = ops.all(ops.isfinite(square), axis=(1, 2))
    unit = ops.eye(square.shape[-1], dtype=square.dtype)
    lower = ops.cholesky(ops.where(finite[:, None, None], square, unit))
    total = ops.sum(ops.log(ops.diagonal(lower, axis1=1, axis2=2)), axis=-1)
    return ops.where(finite, total, ops.full_like(total, float("nan")))


def _eliminated(rows):
    """`log det(I + J)` by elimination, which needs no pivots: the symmetric part is positive."""
    rows = [[a + 1.0 if i == j else a for j, a in enumerate(row)] for i, row in enumerate(rows)]
    total = 0.0
    while rows:
        (pivot, *first), *others = rows
        total = total + ops.log(pivot)
        rows = []
        for head, *rest in others:
            factor = head / pivot
            rows.append([a - factor * b for a, b in zip(rest, first, strict=True)])
    return total


def estimated(linear, x, how, randomness):
    """An estimate of `log|det(I + J)|`, `[n]`.

    Args:
      linear, x: As in `exact`.
      how: A `LogDet`.
      randomness: A `zoo.backend.Randomness`; the seeds 0, and with roulette 1, are taken from it.
    """
    training = randomness.training
    terms = how.terms if training else how.eval_terms
    shape = ps.concat([[how.probes], ps.shape(x)], axis=0)
    probes = samplers.normal(shape, dtype=x.dtype, seed=randomness.seed(0))
    if how.gradient == "series" and training:
        return ops.mean(_unrolled(linear, probes, terms), axis=0)
    count, rate = terms, 0.0
    if how.kind == "roulette":
        # One number of terms for the whole batch, as published. There is always one further term.
        u = samplers.uniform([], dtype=x.dtype, seed=randomness.seed(1))
        drawn = ops.floor(ops.log(1.0 - u) / math.log1p(-how.rate))
        count = terms + 1 + ops.cast(ops.minimum(drawn, MOST_TERMS), "int32")
        rate = how.rate
    value, weights = _series(linear, probes, count, terms, rate)
    # One product through which the gradient goes (Chen et al., 2019, eq. 8): it has the value of
    # the series and the gradient of the product.
    axes = tuple(range(2, len(probes.shape)))
    product = ops.sum(ops.stop_gradient(weights) * linear.jvp(probes), axis=axes)
    return ops.mean(ops.stop_gradient(value - product) + product, axis=0)


def _unrolled(linear, probes, terms):
    """The truncated series of each probe, `[m, n]`, differentiable through its terms."""
    axes, vector, total = tuple(range(2, len(probes.shape))), probes, 0.0
    for k in range(1, terms + 1):
        vector = linear.vjp(vector)
        total = total + (-1) ** (k + 1) / k * ops.sum(vector * probes, axis=axes)
    return total


def _series(linear, probes, count, exact_terms, rate):
    """The series of each probe, and the Neumann series that its gradient takes; none goes through.

    Terms shrink geometrically, and would soon be denormal numbers, which slow a processor: each
    vector is kept at a largest entry of one, beside a factor. Where the factors of all events are
    so small that no further term changes the sum, the series ends.

    Args:
      linear: The `Linearization`.
      probes: `[m, n, *event]`.
      count: Number of terms, an integer or a scalar tensor.
      exact_terms: Number of terms, less one, that are always there.
      rate: The probability of ending after each further term; 0 for a truncated series.

    Returns:
      `sum_k (-1)^(k+1) w_k / k v^T J^k v`, `[m, n]`, and `sum_k (-1)^k w_k (J^T)^k v` from 0 on,
      `[m, n, *event]`, with `w_k` one over the probability that there is a term `k`. A truncated
      series of the second kind ends one term earlier.
    """
    axes = tuple(range(2, len(probes.shape)))
    dtype = keras.backend.standardize_dtype(probes.dtype)
    linear = linear.without_gradient()

    def body(state):
        k, vector, factor, weight, value, total = state
        vector = linear.vjp(vector)
        size = backend.largest(ops.abs(vector), axis=axes, keepdims=True)
        vector = vector / ops.where(size > 0, size, 1.0)
        factor = factor * size
        factor = ops.where(factor > 1e-30, factor, 0.0)  # Other events may go on for long.
        sign = 1.0 - 2.0 * ops.cast(k % 2, dtype)
        term = ops.sum(vector * probes, axis=axes) * ops.squeeze(factor, axes)
        value = value - sign * weight / ops.cast(k, dtype) * term
        in_gradient = 1.0 if rate else ops.cast(k < count, dtype)
        total = total + in_gradient * sign * weight * factor * vector
        # There is a term k + 1 with probability (1 - rate)^(k - exact_terms).
        weight = ops.where(k > exact_terms, weight / (1.0 - rate), weight)
        return k + 1, vector, factor, weight, value, total

    one = ops.ones((), dtype=dtype)
    factor = backend.largest(ops.ones_like(probes), axis=axes, keepdims=True)
    state = (ops.ones((), "int32"), probes, factor, one, ops.squeeze(factor, axes) * 0, probes)

    def goes_on(state):
        k, _, factor, weight, _, _ = state
        return ops.logical_and(k <= count, weight * backend.largest(factor) > NEGLIGIBLE[dtype])

    state = backend.while_loop(goes_on, body, state, MOST_TERMS * 2)
    return state[-2], state[-1]
