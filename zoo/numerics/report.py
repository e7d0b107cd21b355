"""How iterations inside compiled code went, and who wants to know."""

import contextlib
import contextvars
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from zoo import backend


class NotConverged(RuntimeError):
    """An iteration did not reach its tolerance for some events."""


class Report(NamedTuple):
    """How an iteration went, of root finding or of an ODE solver.

    Attributes:
      iterations: Number of iterations, a scalar integer; of an ODE solver the steps accepted of
        each event, `[n]`.
      converged: Whether the tolerance was reached, `[n]`, boolean.
      residual: Of root finding what was left at the end, the largest of each event, `[n]`.
      evaluations: Of an ODE solver, times the field was evaluated for each event, `[n]`.
      stuck: Of an ODE solver whether no further step was possible, `[n]`, boolean: it would have
        been too small for the floating type, or the state was not finite. Of no use are then more
        steps.
    """

    iterations: Any
    converged: Any
    residual: Any = None
    evaluations: Any = None
    stuck: Any = None

    def failure(self):
        """What went wrong, and what to do; `None` if all events converged. For eager code."""
        found = (None if x is None else np.asarray(ops.convert_to_numpy(x)) for x in self)
        iterations, converged, residual, _, stuck = found
        if converged.all():
            return None
        if stuck is None:
            return (
                f"after {int(iterations)} iterations a residual of {residual[~converged].max():.1e}"
                " was left; raise max_iterations, loosen the tolerance, or keep away from far "
                "outliers"
            )
        short = ~converged & ~stuck
        if short.any():
            return (
                f"{iterations[short].max()} steps within max_steps did not reach the end; raise "
                "max_steps, loosen rtol and atol, or keep away from far outliers"
            )
        return (
            f"after {iterations[stuck].max()} steps the next one would have been too small, or the "
            "state was not finite: the dynamics are too steep there; loosen rtol and atol, or keep "
            "away from far outliers"
        )


_found = contextvars.ContextVar("reports", default=None)


@contextlib.contextmanager
def recording():
    """Collects what `record` is told inside, a list of `(name, Report)`. For eager code."""
    found = []
    token = _found.set(found)
    try:
        yield found
    finally:
        _found.reset(token)


def is_recording():
    """Whether somebody wants reports, for which an iteration inside compiled code is done again."""
    return _found.get() is not None


def record(name, report):
    """Hands a report to whoever is recording; a bijector says so of each iterated direction."""
    found = _found.get()
    # Of what is only being traced there is nothing to tell.
    if found is not None and backend.is_concrete(report.converged):
        found.append((name, report))
