"""Ordinary differential equations inside compiled code, event by event, with gradients.

`dy/du = field(u, y, *args)` from `u = 0` to `u = 1`. Every event has its own step size and is
frozen when it is done, so that its result does not depend on the events beside it.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from zoo import backend
from zoo.config import choice, count, positive
from zoo.numerics import runge_kutta
from zoo.numerics.report import Report

SOLVERS = ("dopri5", "rk4")


class Settings(NamedTuple):
    """What a solve is asked for.

    Attributes:
      solver: `"dopri5"`, Dormand and Prince's pair of orders 5 and 4 with adaptive steps, or
        `"rk4"`, the classical method of order 4 with equal steps.
      rtol, atol: Tolerances of one adaptive step, relative to the state and absolute.
      max_steps: Number of adaptive steps, refused ones included, after which to give up.
      num_steps: Number of equal steps.
    """

    solver: str
    rtol: float
    atol: float
    max_steps: int
    num_steps: int


def settings(solver, rtol, atol, max_steps, num_steps, dtype):
    """Checked settings; tolerances that are `None` come from the floating type.

    Raises:
      ValueError: An argument is not as `Settings` describes.
    """
    usual = 1e-10 if dtype == "float64" else 1e-5
    return Settings(
        choice("solver", solver, SOLVERS),
        positive("rtol", usual if rtol is None else rtol),
        positive("atol", usual if atol is None else atol),
        count("max_steps", max_steps),
        count("num_steps", num_steps),
    )


def solver(field, settings):
    """A solver of this field, with a gradient of its own.

    The gradient is the exact one of the steps that were taken: from the last to the first, each is
    computed once more from the state it started at, and differentiated (checkpoints at the accepted
    steps: Zhuang et al., 2020, arXiv:2006.02493). It is what the adjoint equation of Chen et al.
    (2018, arXiv:1806.07366) converges to, without that equation's own error in going back, and
    keeps one state a step and no activation.

    Args:
      field: `(u [n], y [n, m], *args) -> dy/du [n, m]`; captures no tensor.
      settings: `Settings`.

    Returns:
      `solve(y [n, m], *args, keep=False) -> (y [n, m], Report)`. With `keep` the states of all
      steps are kept for the gradient, otherwise it solves once more to find them.
    """
    run = _adaptive if settings.solver == "dopri5" else _fixed
    tableau = runge_kutta.DOPRI5_PLAIN if settings.solver == "dopri5" else runge_kutta.RK4

    def gradient(args, outputs, upstream):
        kept = outputs[5:]
        if not kept:
            kept = run(field, settings, True, *args)[5:]
        return _backwards(field, tableau, kept, args, upstream[0])

    def solve(y, *args, keep=False):
        own = backend.with_gradient(lambda *a: run(field, settings, keep, *a), gradient)
        y, evaluations, steps, converged, stuck = own(y, *args)[:5]
        return y, Report(steps, converged, evaluations=evaluations, stuck=stuck)

    return solve


def _norm(x):
    """Root mean square `[n]` of the rows, infinite where one is not finite."""
    norm = ops.sqrt(ops.mean(x * x, axis=-1))
    return ops.where(ops.isfinite(norm), norm, float("inf"))


def _whole(like, value=0):
    return ops.cast(ops.zeros_like(like), "int32") + value


class _Kept:
    """Where each step started, for the gradient: `[maximum, n, ...]` arrays, or nothing."""

    def __init__(self, keep, maximum, y):
        self.keep, self.maximum, self.y = keep, maximum, y

    def start(self):
        if not self.keep:
            return ()
        rows = ops.zeros_like(self.y[:, 0])[None] + ops.zeros((self.maximum, 1), self.y.dtype)
        return rows, rows, rows[..., None] + ops.zeros_like(self.y)

    def put(self, arrays, i, *values):
        at = ops.reshape(i, (1, 1))
        pairs = zip(arrays, values, strict=False)
        return tuple(ops.scatter_update(a, at, v[None]) for a, v in pairs)


def _fixed(field, settings, keep, y, *args):
    number = settings.num_steps
    h = ops.zeros_like(y[:, 0]) + 1.0 / number
    kept = _Kept(keep, number, y)

    def body(i, state):
        y, *arrays = state
        u = ops.cast(i, y.dtype) * h
        values = runge_kutta.stages(field, runge_kutta.RK4, u, h, y, args)
        end = y + h[:, None] * runge_kutta.weighted(runge_kutta.RK4.weights, values)
        return end, *kept.put(arrays, i, u, h, y)

    y, *arrays = backend.loop(number, body, (y, *kept.start()))
    whole = _whole(h, number)
    fine = ops.all(ops.isfinite(y), axis=-1)
    steps = (ops.convert_to_tensor(number, "int32"),) if keep else ()
    return y, 4 * whole, whole, fine, ops.logical_not(fine), *steps, *arrays


def _adaptive(field, settings, keep, y, *args):
    zeros = ops.zeros_like(y[:, 0])
    eps = float(np.finfo(keras.backend.standardize_dtype(y.dtype)).eps)
    slope = field(zeros, y, *args)
    h = _first_step(field, settings, y, slope, args)
    kept = _Kept(keep, settings.max_steps, y)

    def active(u, failed):
        return ops.logical_and(u < 1.0, ops.logical_not(failed))

    def body(state):
        i, u, h, y, slope, last, failed, tried, taken, *arrays = state
        on = active(u, failed)
        ends = h >= 1.0 - u
        h = ops.where(on, ops.where(ends, 1.0 - u, h), 0.0)
        values = runge_kutta.stages(field, runge_kutta.DOPRI5, u, h, y, args, slope)
        end = y + h[:, None] * runge_kutta.weighted(runge_kutta.DOPRI5.weights, values)
        scale = settings.atol + settings.rtol * ops.maximum(ops.abs(y), ops.abs(end))
        error = _norm(h[:, None] * runge_kutta.weighted(runge_kutta.DOPRI5_ERROR, values) / scale)
        error = ops.where(ops.isfinite(_norm(end)), error, float("inf"))
        fits = error <= 1.0
        accept = ops.logical_and(on, fits)
        # Where a step is refused it is as if it had length zero: the gradient then passes by.
        arrays = kept.put(arrays, i, u, ops.where(accept, h, 0.0), y)
        grown = h * _factor(error, last, fits)
        # Smaller ones would leave u where it is.
        small = ops.logical_and(ops.logical_not(ends), grown < 4.0 * eps)
        failed = ops.logical_or(failed, ops.logical_and(on, small))
        wide = accept[:, None]
        u = ops.where(accept, ops.where(ends, 1.0, u + h), u)
        y, slope = ops.where(wide, end, y), ops.where(wide, values[-1], slope)
        last = ops.where(accept, ops.maximum(error, 1e-4), last)
        tried, taken = tried + ops.cast(on, "int32"), taken + ops.cast(accept, "int32")
        return i + 1, u, ops.where(on, grown, h), y, slope, last, failed, tried, taken, *arrays

    state = (ops.zeros((), "int32"), zeros, h, y, slope, zeros + 1.0, zeros > 1.0)
    state = (*state, _whole(zeros), _whole(zeros), *kept.start())
    i, u, _, y, _, _, failed, tried, taken, *arrays = backend.while_loop(
        lambda s: ops.any(active(s[1], s[6])), body, state, settings.max_steps
    )
    # One evaluation at the start, one for the first step's size, six a step: its last is the first
    # of the next.
    return y, 2 + 6 * tried, taken, u >= 1.0, failed, *((i,) if keep else ()), *arrays


def _factor(error, last, fits):
    """What the step size is multiplied by: PI control (Hairer and Wanner, 1996, section IV.2)."""
    error = ops.maximum(error, 1e-10)
    grow = 0.9 * error**-0.14 * last**0.08
    shrink = 0.9 * error**-0.2
    return ops.where(fits, ops.clip(grow, 0.2, 10.0), ops.clip(shrink, 0.1, 0.9))


def _first_step(field, settings, y, slope, args):
    """A first step size `[n]` (Hairer, Norsett and Wanner, 1993, section II.4)."""
    scale = settings.atol + settings.rtol * ops.abs(y)
    size, speed = _norm(y / scale), _norm(slope / scale)
    tiny = ops.logical_or(size < 1e-5, speed < 1e-5)
    h = ops.where(tiny, 1e-6, 0.01 * size / ops.where(tiny, 1.0, speed))
    h = ops.where(ops.isfinite(h), ops.clip(h, 1e-6, 1.0), 1e-6)
    moved = field(h, y + h[:, None] * slope, *args)
    bend = _norm((moved - slope) / scale) / h
    most = ops.maximum(speed, bend)
    flat = most <= 1e-15
    better = (0.01 / ops.where(flat, 1.0, most)) ** 0.2
    better = ops.where(flat, ops.maximum(1e-6, 1e-3 * h), better)
    return ops.clip(ops.minimum(100.0 * h, better), 1e-6, 1.0)


def _backwards(field, tableau, kept, args, upstream):
    """Gradients of each of `args`, the state first, from that of the final state."""
    count, us, hs, ys = kept
    rest = args[1:]

    def step(i, state):
        i = count - 1 - i
        of_end, *sums = state
        return runge_kutta.pull_back(field, tableau, us[i], hs[i], ys[i], rest, of_end, sums)

    start = [ops.zeros_like(x) for x in keras.tree.flatten(rest)]
    of_y, *found = backend.loop(count, step, (upstream, *start))
    return of_y, *keras.tree.pack_sequence_as(rest, list(found))
