"""Figures of flows that iterate or estimate: contraction of branches, work of solvers, spread."""

import math

import numpy as np

from trainers.runs import metrics


def lipschitz(flow, x, labels=None, batch_size=256):
    """The Lipschitz constants of a flow's residual branches: below one, it is invertible.

    Args:
        flow: The flow.
        x: Events [n, *event_shape] at whose images under the layers before it a branch is looked
            at; integers are taken at the middle of their level.
        labels: Their labels, or None.
        batch_size: How many of them at a time.

    Returns:
        {"largest", "branches", "examples"}, the second from layers' names to the largest norm of
        their Jacobian, by power iteration, NaN where one did not converge; None for a flow without
        residual branches.
    """
    from zoo.layers import lipschitz_constants

    if not hasattr(flow, "stack"):
        return None
    x = _floats(flow, x)
    if not lipschitz_constants(flow, x[:1], None if labels is None else labels[:1]):
        return None
    branches = {}
    for _, batch, context, _ in metrics.batches(x, labels, batch_size):
        for i, (name, norms) in enumerate(lipschitz_constants(flow, batch, context)):
            key = f"{i} {name}"
            # NumPy's maximum hands on what is not a number, Python's might not.
            branches[key] = float(np.maximum(branches.get(key, 0.0), np.max(norms)))
    largest = float(np.max(list(branches.values())))
    return {"largest": largest, "branches": branches, "examples": len(x)}


def evaluations(flow, x, labels=None, batch_size=256):
    """How often a continuous flow evaluates its dynamics for the log-density of an event.

    Args:
        flow: The flow.
        x: Events [n, *event_shape]; integers are taken at the middle of their level.
        labels: Their labels, or None.
        batch_size: How many of them at a time.

    Returns:
        {"mean", "largest", "examples"}, over events, summed over the flow's equations; None for a
        flow without any.
    """
    if not hasattr(flow, "solver_report"):
        return None
    found = []
    for _, batch, context, size in metrics.batches(_floats(flow, x), labels, batch_size):
        reports = [report for _, report in flow.solver_report(batch, context)]
        found.append(sum(np.asarray(report.evaluations) for report in reports)[:size])
    found = np.concatenate(found)
    return {"mean": float(found.mean()), "largest": int(found.max()), "examples": len(x)}


def deviation(flow, x, labels=None, draws=10, batch_size=256):
    """How far one estimate of a log-density is from the next, where it is an estimate.

    Args:
        flow: The flow.
        x: Events [n, *event_shape]; integers are taken at the middle of their level, so that the
            noise of dequantization has no part in it.
        labels: Their labels, or None.
        draws: Estimates of each event, at least two.
        batch_size: How many events at a time.

    Returns:
        {"nats", "draws", "examples"}: the standard deviation of one estimate, its variance a mean
        over events; None for a flow without estimates.
    """
    if not flow.estimates:
        return None
    x = _floats(flow, x)
    found = [metrics.log_likelihoods(flow, x, labels, 1, seed, batch_size) for seed in range(draws)]
    nats = math.sqrt(np.var(found, axis=0, ddof=1).mean())
    return {"nats": nats, "draws": draws, "examples": len(x)}


def _floats(flow, x):
    return x.astype(flow.variable_dtype) + 0.5 if flow.levels else x.astype(flow.variable_dtype)
