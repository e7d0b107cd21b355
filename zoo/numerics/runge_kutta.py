"""Steps of Runge-Kutta methods, and their gradients, each in a loop over the stages.

The body of a loop is the field once: unrolled, compiling a solver took several times as long.
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from zoo import backend


class Tableau(NamedTuple):
    """A method: stage `i` is at time `times[i]`, at `y + h * sum_j stages[i][j] k_j`."""

    times: tuple
    stages: tuple
    weights: tuple  # Of the stages, for the end of the step.


def _tableau(times, rows, weights):
    stages = [(*row, *(0.0,) * (len(times) - len(row))) for row in rows]
    return Tableau(times, tuple(stages), weights)


_WEIGHTS = (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84)
# With the end of the step as a last stage, which is the first one of the next step.
DOPRI5 = _tableau(
    (0.0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0),
    (
        (),
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
        _WEIGHTS,
    ),
    (*_WEIGHTS, 0.0),
)
# Order 5 minus order 4.
DOPRI5_ERROR = (
    *(71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525),
    -1 / 40,
)
RK4 = _tableau(
    (0.0, 1 / 2, 1 / 2, 1.0),
    ((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0)),
    (1 / 6, 1 / 3, 1 / 3, 1 / 6),
)
# All but the last stage, which the state at the end does not depend on.
DOPRI5_PLAIN = Tableau(DOPRI5.times[:-1], tuple(row[:-1] for row in DOPRI5.stages[:-1]), _WEIGHTS)


def stages(field, tableau, u, h, y, args, first=None):
    """The field's values at the stages of a step, `[stages, n, m]`.

    One after the other in a loop, whose body is the field once: unrolled, compiling took five times
    as long. `first` is the first one, where it is known.
    """
    count = len(tableau.times)
    values = ops.zeros_like(y)[None] + ops.zeros((count, 1, 1), y.dtype)
    skip = 0 if first is None else 1
    if skip:
        values = _put(values, 0, first)

    def body(i, state):
        i, (values,) = i + skip, state
        return (_put(values, i, field(*_stage(tableau, i, u, h, y, values), *args)),)

    return backend.loop(count - skip, body, (values,))[0]


def _stage(tableau, i, u, h, y, values):
    """Time `[n]` and state `[n, m]` of stage `i`."""
    times = ops.convert_to_tensor(tableau.times, y.dtype)
    rows = ops.convert_to_tensor(tableau.stages, y.dtype)
    return u + times[i] * h, y + h[:, None] * weighted(rows[i], values)


def weighted(weights, values):
    weights = ops.convert_to_tensor(weights, values.dtype)
    return ops.sum(weights[:, None, None] * values, axis=0)


def _put(values, i, value):
    here = ops.equal(ops.arange(values.shape[0], dtype="int32"), i)
    return ops.where(here[:, None, None], value[None], values)


def pull_back(field, tableau, u, h, y, args, of_end, sums):
    """The gradient of one step, computed once more from where it started.

    Args:
      field, tableau, u, h, y, args: As in `stages`.
      of_end: Gradient of the state at the end of the step, `[n, m]`.
      sums: List of tensors like those in `args`, flat, that their gradients are added to.

    Returns:
      The gradient of `y`, and the sums.
    """
    count, values = len(tableau.times), stages(field, tableau, u, h, y, args)
    weights = ops.convert_to_tensor(tableau.weights, y.dtype)
    # Row `j`: what the later stages take of stage `j`.
    uses = ops.convert_to_tensor(np.transpose(tableau.stages), y.dtype)

    def body(j, state):
        j = count - 1 - j
        found, *sums = state
        of_value = h[:, None] * (weights[j] * of_end + weighted(uses[j], found))
        time, at = _stage(tableau, j, u, h, y, values)
        pull = backend.vjp(lambda at, *rest: field(time, at, *rest), at, *args)[1]
        of_state, *of_args = pull(of_value)
        of_args = keras.tree.flatten(of_args)
        return _put(found, j, of_state), *(a + b for a, b in zip(sums, of_args, strict=True))

    found, *sums = backend.loop(count, body, (ops.zeros_like(values), *sums))
    return of_end + ops.sum(found, axis=0), *sums
