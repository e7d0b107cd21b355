"""The system of equations behind Sylvester flows, `v + R tanh(S v + b) = t`, one unknown at a time.

`R` and `S` are upper triangular `m` by `m`, so the last equation holds the last unknown alone, and
each one before it one more. With `a = S v + b` each is the equation of `tanh_root`, with the gain
`1 + R_ii S_ii`.
"""

import functools

from keras import ops

from zoo import backend
from zoo.numerics import root_finding, tanh_root
from zoo.numerics.report import Report


def matvec(matrix, x):
    """`matrix [*batch, m, k]` times `x [*lead, k]`."""
    if len(matrix.shape) == 2:
        return ops.matmul(x, ops.transpose(matrix))
    return ops.matmul(matrix, x[..., None])[..., 0]


def diagonal(matrix):
    """`[*batch, m]` of `[*batch, m, m]`."""
    return ops.diagonal(matrix, axis1=-2, axis2=-1)


def find(target, left, right, bias, tolerance, max_iterations):
    """Solves the systems, last unknown first, without a gradient.

    Args:
      target: `t`, a tensor `[n, m]`.
      left: `R`, a tensor `[m, m]` or `[n, m, m]`.
      right: `S`, likewise.
      bias: `b`, a tensor `[m]` or `[n, m]`.
      tolerance, max_iterations: Of each equation; see `tanh_root.find`.

    Returns:
      `v [n, m]`, NaN where it was not found, and a `Report`: the most iterations an
      unknown took, the largest residual, and whether all of an event's unknowns converged.
    """
    size = target.shape[-1]
    columns = ops.arange(size, dtype="int32")
    # By unknown: what each step needs is then a slice of the first axis.
    targets, rows_left, rows_right = (
        _by_row(x, n) for x, n in ((target, 1), (left, 2), (right, 2))
    )
    biases, zeros = _by_row(bias, 1), ops.zeros_like(target)

    def body(step, state):
        v, h, count, converged, residual = state
        i = size - 1 - step
        here = ops.cast(columns == i, target.dtype)
        of_left, of_right = rows_left[i], rows_right[i]
        r, s = ops.sum(of_left * here, axis=-1), ops.sum(of_right * here, axis=-1)
        known = targets[i] - ops.sum(of_left * h, axis=-1)
        start = s * known + ops.sum(of_right * v, axis=-1) + biases[i]
        gain = 1.0 + r * s + ops.zeros_like(start)
        a, report = tanh_root.find(start, gain, tolerance, max_iterations)
        value = ops.tanh(a)
        v = v + here * (known - r * value)[:, None]
        h = h + here * value[:, None]
        count = ops.maximum(count, report.iterations)
        residual = ops.maximum(residual, report.residual)
        return v, h, count, ops.logical_and(converged, report.converged), residual

    none = zeros[:, 0]
    state = (zeros, zeros, ops.zeros((), dtype="int32"), ops.equal(none, none), none)
    v, _, *report = backend.loop(size, body, state)
    report = Report(*report)
    return root_finding.or_nan(v, report.converged), report


def solver(tolerance, max_iterations):
    """`(target, left, right, bias) -> (v, Report)`: `find`, with its gradient, of any order."""

    def gradient(args, outputs, upstream):
        jacobian = ops.swapaxes(_jacobian(outputs[0], *args[1:]), -1, -2)
        of_target = ops.solve_triangular(jacobian, upstream[0][..., None], lower=True)[..., 0]
        moved = functools.partial(_moved, outputs[0])
        return of_target, *backend.vjp(moved, *args[1:])[1](of_target)

    def tangent(args, outputs, along):
        jacobian = _jacobian(outputs[0], *args[1:])
        moved = backend.jvp(functools.partial(_moved, outputs[0]), args[1:], along[1:])
        return (ops.solve_triangular(jacobian, (along[0] + moved)[..., None])[..., 0],)

    return root_finding.with_implicit_gradient(
        lambda *args: find(*args, tolerance, max_iterations), gradient, tangent
    )


def _jacobian(v, left, right, bias):
    """`I + R diag(tanh') S`, upper triangular as its factors are."""
    slopes = 1.0 - ops.tanh(matvec(right, v) + bias) ** 2
    return ops.matmul(left * slopes[:, None, :], right) + ops.eye(v.shape[-1], dtype=v.dtype)


def _moved(v, left, right, bias):
    return -matvec(left, ops.tanh(matvec(right, v) + bias))


def _by_row(x, ndims):
    """The first of the last `ndims` axes in front."""
    return ops.moveaxis(x, -ndims, 0)
