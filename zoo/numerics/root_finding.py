"""Iterations inside compiled code that tell how they went."""

import math

from keras import ops

from zoo import backend
from zoo.numerics.report import Report

# Steps without a new shortest one, after which those of an event are taken not to shrink: rounding
# makes one longer now and then.
PATIENCE = 8


def fixed_point(step, start, tolerance, max_iterations):
    """Repeats `x = step(x)` until it no longer moves.

    An event has converged when no entry moves by more than the tolerance, taken relative to its
    largest entry where that is above one. It goes on until what is still to come, going by the last
    two steps, is a tenth of that, or until its steps no longer shrink (`PATIENCE`); it is not moved
    after that, so that what comes out for an event does not depend on the others beside it.

    The steps of a contraction shrink in their Euclidean length, but for rounding, which can send an
    event to and fro for ever between two points further apart than the tolerance. One whose steps
    no longer shrink is moved half of them, and within ten tolerances always from then on. No
    gradient goes through.

    Args:
      step: `x [n, ...] -> x [n, ...]`, row by row.
      start: Tensor `[n, ...]`.
      tolerance: Positive number.
      max_iterations: Number of steps after which to stop.

    Returns:
      `x [n, ...]`, and a `Report`.
    """
    start = ops.stop_gradient(start)
    rows = backend.largest(_rows(start), axis=1) * 0

    def body(state):
        count, x, residual, last, shortest, waited, rounding, done, _ = state
        there = step(x)
        steps = _rows(there - x)
        moved, length = backend.largest(steps, axis=1), ops.sqrt(ops.sum(steps * steps, axis=1))
        bound = tolerance * ops.maximum(1.0, backend.largest(_rows(there), axis=1))
        near = ops.logical_and(moved <= bound, moved < float("inf"))
        waited = ops.where(length < shortest, 0, waited + 1)
        shortest = ops.minimum(length, shortest)
        stuck = waited >= PATIENCE
        rounding = ops.logical_or(rounding, ops.logical_and(stuck, moved <= 10.0 * bound))
        # Steps in geometric progression, of a ratio q, have q / (1 - q) times this one to come.
        little = ops.logical_and(count > 0, moved * length <= 0.1 * bound * (last - length))
        new = ops.where(_like(ops.logical_or(stuck, rounding), x), x + 0.5 * (there - x), there)
        new = ops.where(_like(done, x), x, new)
        residual, last = ops.where(done, residual, moved), ops.where(done, last, length)
        ends = ops.logical_and(near, stuck | little | (moved == 0))
        done, near = ops.logical_or(done, ends), ops.logical_or(done, near)
        return count + 1, new, residual, last, shortest, waited, rounding, done, near

    no, far, never = rows > 0, rows + float("inf"), ops.cast(rows, "int32")
    state = (ops.zeros((), dtype="int32"), start, far, far, far, never, no, no, no)
    count, x, residual, *_, converged = backend.while_loop(
        lambda state: ops.logical_not(ops.all(state[-2])), body, state, max_iterations
    )
    return x, Report(count, converged, residual)


def bracketed_root(function, low, high, tolerance, max_iterations):
    """The root of an increasing function, entry by entry.

    First the bracket is widened to three times its width, again and again and 64 times at most,
    until the function changes sign in it. Then it shrinks by interpolation that is never much
    slower than bisection (ITP: Oliveira and Takahashi, 2021, ACM Trans. Math. Softw. 47:5) until
    it is no wider than twice the tolerance, taken relative to the root where that is above one. No
    gradient goes through.

    Args:
      function: `x [n, ...] -> y [n, ...]`, increasing in each entry, which it treats alone.
      low, high: Tensors `[n, ...]`, `low < high`: where to look first.
      tolerance: Positive number.
      max_iterations: Number of evaluations after which to stop, those of widening not counted.

    Returns:
      The root `[n, ...]`, and a `Report` whose residual is half the width of the bracket.
    """
    low, high = ops.stop_gradient(low), ops.stop_gradient(high)
    state = (ops.zeros((), dtype="int32"), low, high, function(low), function(high))
    count, low, high, below, above = backend.while_loop(
        lambda s: ops.logical_not(ops.all(ops.logical_and(s[3] <= 0, s[4] >= 0))),
        lambda s: _widened(function, *s),
        state,
        64,
    )
    held = ops.logical_and(below <= 0, above >= 0)
    width = high - low
    slack = 2.0 * width  # One more halving than bisection is allowed.

    def is_open(low, high):
        scale = ops.maximum(1.0, ops.maximum(ops.abs(low), ops.abs(high)))
        return ops.logical_and(held, high - low > 2.0 * tolerance * scale)

    def body(state):
        count, low, high, below, above, slack = state
        x = _candidate(low, high, below, above, slack, width)
        y = function(x)
        wide = is_open(low, high)
        down, up = ops.logical_and(wide, y >= 0), ops.logical_and(wide, y <= 0)
        high, above = ops.where(down, x, high), ops.where(down, y, above)
        low, below = ops.where(up, x, low), ops.where(up, y, below)
        return count + 1, low, high, below, above, 0.5 * slack

    state = (count, low, high, below, above, slack)
    count, low, high, below, above, _ = backend.while_loop(
        lambda s: ops.any(is_open(s[1], s[2])),
        body,
        state,
        max_iterations,
    )
    done = ops.logical_and(held, ops.logical_not(is_open(low, high)))
    width = backend.largest(_rows(0.5 * (high - low)), axis=1)
    return 0.5 * (low + high), Report(count, ops.all(_flat(done), axis=1), width)


def _widened(function, count, low, high, below, above):
    width = high - low
    high_enough, low_enough = above >= 0, below <= 0
    low, high = (
        ops.where(low_enough, low, low - 2.0 * width),
        ops.where(high_enough, high, high + 2.0 * width),
    )
    return count + 1, low, high, function(low), function(high)


def _candidate(low, high, below, above, slack, first_width):
    """The point of ITP: interpolated, moved a little to the middle, within reach of bisection."""
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    rise = above - below
    share = ops.where(rise > 0, -below / ops.where(rise > 0, rise, 1.0), 0.5)
    guess = low + share * (high - low)
    side = ops.sign(middle - guess)
    nudge = 0.8 * half * half / first_width
    gap = ops.abs(middle - guess)
    guess = ops.where(nudge <= gap, guess + side * nudge, middle)
    reach = ops.maximum(0.5 * slack - half, 0.0)
    return ops.where(ops.abs(guess - middle) <= reach, guess, middle - side * reach)


def or_nan(x, converged):
    """`x [n, ...]` with NaN in the rows that did not converge: never a wrong number in silence."""
    return ops.where(_like(converged, x), x, ops.full_like(x, float("nan")))


def with_implicit_gradient(find, gradient, tangent):
    """`find` with a gradient of its own, which the implicit function theorem gives.

    Made once and kept: TensorFlow traces it once a shape.

    Args:
      find: `(*args) -> (x, Report)`, of nested tensors; captures none.
      gradient: `(args, outputs, upstream) -> gradients of each of args`; `x` is the first output.
      tangent: `(args, outputs, along) -> (derivative of x,)`; see `backend.with_gradient`.
    """

    def function(*args):
        x, report = find(*args)
        return x, *report[:3]

    own = backend.with_gradient(function, gradient, tangent)

    def solve(*args):
        x, *report = own(*args)
        return x, Report(*report)

    return solve


def _flat(x):
    return ops.reshape(x, (-1, math.prod(x.shape[1:])))


def _rows(x):
    """Magnitudes `[n, d]`."""
    return ops.abs(_flat(x))


def _like(rows, x):
    """`rows [n]` with as many axes as `x [n, ...]`."""
    return ops.reshape(rows, (-1, *[1] * (len(x.shape) - 1)))
