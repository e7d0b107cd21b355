"""The figures that are reported of a flow: test likelihood, round-trip error, divergence.

A figure is {"mean", "error"}: the mean over the examples of a split, and two standard errors of it.
With dequantized data an example's log-likelihood is first averaged over several draws of the noise
(a lower bound of the discrete log-likelihood), so that the error is over examples alone.
"""

import math

import numpy as np

MOST_NUMBERS = 1 << 20  # of the events of a batch, once for each class where classes are mixed


def mean_and_error(values):
    """Returns {"mean", "error"} of numbers [n]: their mean and two standard errors of it."""
    values = np.asarray(values, np.float64)
    error = 2 * values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return {"mean": float(values.mean()), "error": float(error)}


def is_bound(flow):
    """Whether the likelihood of a model is the bound of one with latent variables, a VAE."""
    return hasattr(flow, "importance_bound")


def is_guided(flow):
    """Whether samples can be guided by a class: the flow learned the density without labels too."""
    return bool(flow.num_classes and getattr(flow, "label_dropout", 0))


def log_likelihoods(flow, x, context=None, draws=1, seed=0, batch_size=256, function=None):
    """Log-likelihood of each example, the mean over several draws of the noise.

    Args:
        flow: The flow.
        x: [n, *event_shape]; integers are dequantized by the flow.
        context: [n, ...] or None.
        draws: Draws of the noise; without noise one is enough.
        seed: Seed of the noise.
        batch_size: Examples at a time; fewer where images are large, or of many classes.
        function: What takes the place of `flow.log_prob`, without a context.

    Returns:
        float64 [n], nats.
    """
    total = np.zeros(len(x))
    # Without a label each example goes through the flow once a class.
    copies = flow.num_classes if flow.num_classes and context is None else 1
    numbers = copies * math.prod(flow.event_shape)
    batch_size = max(1, min(batch_size, MOST_NUMBERS // numbers))
    for draw in range(draws):
        for start, batch, labels, size in batches(x, context, batch_size):
            # Another seed for every batch: the same one would give them all the same noise.
            number = (seed * draws + draw) * len(x) + start
            if function is None:
                values = np.asarray(flow.log_prob(batch, context=labels, seed=number % 2**31))
            else:
                values = np.asarray(function(batch, seed=number % 2**31))
            total[start : start + size] += values[:size]
    return total / draws


def batches(x, context, batch_size):
    """Yields (start, batch, context, size) of events [n, ...] and their contexts, or None.

    The last batch is filled up, for one compiled shape; its size is what is not filling.
    """
    batch_size = min(batch_size, len(x))
    for start in range(0, len(x), batch_size):
        index = np.arange(start, start + batch_size).clip(max=len(x) - 1)
        size = min(batch_size, len(x) - start)
        yield start, x[index], None if context is None else context[index], size


def test_figure(flow, data, split="test", draws=10, seed=0):
    """The likelihood figure of a flow: mean and two standard errors over a whole split.

    Args:
        flow: The flow.
        data: A data set of `trainers.datasets`.
        split: Its split.
        draws: Draws of the dequantization noise; continuous data need only one.
        seed: Seed of the noise.

    Returns:
        A dictionary: "nats", the log-likelihood of an event, and "bits_per_dim", its negative for a
        dimension, each {"mean", "error"}; "examples", "draws", "split"; "noise" of integers,
        "uniform" or "variational", else None; for class-conditional flows, whose figure is that of
        the uniform mixture over classes, also "nats_given_label" and "bits_per_dim_given_label".
        Of a VAE they are bounds of "importance_samples", and there is "elbo", nats, the mean over
        the draws; no noise is drawn.

    Raises:
        ValueError: If the data do not have the shape, levels or labels that the flow needs.
    """
    check_fit(flow, data)
    dims = math.prod(flow.event_shape)
    noisy = flow.levels and not is_bound(flow)
    draws = draws if flow.levels else 1
    x, labels = arrays(data, split, bool(flow.num_classes))
    noise = "uniform" if flow.dequantizer is None else "variational"
    figure = {"split": split, "examples": len(x), "draws": draws}
    figure["noise"] = noise if noisy else None
    if is_bound(flow):
        elbo = log_likelihoods(flow, x, None, draws, seed, function=flow.elbo)
        figure |= {"elbo": mean_and_error(elbo), "importance_samples": flow.samples}
        draws = 1
    figure |= _likelihood(flow, x, None, draws, seed, dims, "")
    if labels is not None:
        figure |= _likelihood(flow, x, labels, draws, seed, dims, "_given_label")
    return figure


def _likelihood(flow, x, context, draws, seed, dims, suffix):
    nats = log_likelihoods(flow, x, context, draws, seed)
    bits = -nats / (dims * math.log(2))
    return {"nats" + suffix: mean_and_error(nats), "bits_per_dim" + suffix: mean_and_error(bits)}


def arrays(data, split, labels=False, limit=None):
    """Returns (x, labels or None) of a split as NumPy arrays."""
    if labels:
        return data.numpy(split, limit=limit, labels=True)
    return data.numpy(split, limit=limit), None


def check_fit(flow, data):
    """Raises ValueError unless the data are of the kind that the flow was made for."""
    for name, of_flow, of_data in (
        ("events of shape", tuple(flow.event_shape), tuple(data.event_shape)),
        ("data with levels =", flow.levels, data.levels),
    ):
        if of_flow != of_data:
            raise ValueError(
                f"the flow expects {name} {of_flow}, but {data.name} has {of_data}; give the data "
                "set it was trained on"
            )
    if flow.num_classes and flow.num_classes != data.num_classes:
        raise ValueError(
            f"the flow expects labels of {flow.num_classes} classes, but {data.name} has "
            f"{data.num_classes or 'no'} classes"
        )
    if flow.context_shape and not flow.num_classes:
        raise ValueError(
            f"the flow expects a context vector of shape {tuple(flow.context_shape)} beside each "
            f"event, which {data.name} does not have"
        )


def round_trip_errors(flow, x, context=None, batch_size=256, units=1.0):
    """Returns the largest |x - decode(encode(x))| / units of each of the float events [n, ...].

    It is infinite where a latent or its image overflows, or an iterated inverse does not converge.
    """
    import zoo

    worst = np.full(len(x), np.inf)
    for start, batch, labels, size in batches(x, context, batch_size):
        try:
            z = np.asarray(flow.encode(batch, context=labels))
            if not np.isfinite(z).all():  # far from its data, a sequential inverse may overflow
                continue
            back = np.asarray(flow.decode(z, context=labels), np.float64)
        except zoo.NotConverged:
            continue
        error = np.abs(back - np.asarray(batch, np.float64)) / units
        error = error.reshape(len(batch), -1).max(axis=1)[:size]
        worst[start : start + size] = np.where(np.isfinite(error), error, np.inf)
    return worst


def round_trip_error(flow, x, context=None, batch_size=256, units=1.0):
    """Returns the largest of `round_trip_errors`."""
    return float(round_trip_errors(flow, x, context, batch_size, units).max(initial=0.0))


def round_trips(flow, data, split="test", limit=1000, seed=0):
    """The largest round-trip error on data and on noise.

    Args:
        flow: The flow.
        data: The data set.
        split: Its split.
        limit: Examples of each.
        seed: Seed of the noise.

    Returns:
        {"data", "noise", "examples"}, errors in data units; of a table with columns in units of
        their own, in each column's, with "unit" to say so. Noise is uniform over the grey levels of
        discrete data and over the box around continuous data. "same_levels" is the share of events
        of discrete data that come back on the grey levels they had.
    """
    x, labels = arrays(data, split, bool(flow.num_classes), limit)
    rng = np.random.default_rng(seed)
    if flow.levels:
        x = x.astype(flow.variable_dtype) + 0.5  # the middle of each level
        low, high = 0.0, flow.levels
    else:
        low, high = x.min(axis=0), x.max(axis=0)
    noise = rng.uniform(low, high, x.shape).astype(x.dtype)
    context = None if labels is None else rng.integers(flow.num_classes, size=len(x))
    units = 1.0 if data.standardize is None else np.asarray(data.standardize[1])
    errors = round_trip_errors(flow, x, labels, units=units)
    result = {
        "data": float(errors.max()),
        "noise": round_trip_error(flow, noise, context, units=units),
        "examples": len(x),
    }
    if flow.levels:
        result["same_levels"] = float((errors < 0.5).mean())
    return result | ({} if data.standardize is None else {"unit": "standard deviations"})


def outside_figure(flow, x, own, seed=0):
    """What a flow of integers makes of images it was not trained on.

    Args:
        flow: The flow.
        x: Integers [n, *event_shape].
        own: Bits per dimension of examples of the flow's own data, [m].
        seed: Seed of the noise.

    Returns:
        {"examples", "bits_per_dim", "round_trip", "likelier_than_test"}: the last is the
        probability that one of `x` has a higher density than one of the own examples.
    """
    labels = np.arange(len(x)) % flow.num_classes if flow.num_classes else None
    bits = bits_per_dim(flow, x, seed)
    return {
        "examples": len(x),
        "bits_per_dim": mean_and_error(bits),
        "round_trip": round_trip_error(flow, x.astype(flow.variable_dtype) + 0.5, labels),
        "likelier_than_test": share_below(bits, own),
    }


def divergence(flow, data, split="test"):
    """KL divergence from the true density to the flow, nats, {"mean", "error"}; None if unknown."""
    if data.true_log_prob is None:
        return None
    x = data.numpy(split)
    truth = np.asarray(data.true_log_prob(x), np.float64)
    return mean_and_error(truth - log_likelihoods(flow, x))


def shown(figure, digits=4):
    """Returns "mean ± error" of a figure as text."""
    return f"{figure['mean']:.{digits}f} ± {figure['error']:.{digits}f}"


def decimals(error):
    """Decimals that show two significant digits of an error; 4 where it is not known."""
    if not (error and math.isfinite(error)):
        return 4
    return max(0, 1 - math.floor(math.log10(error)))


def likelihood_rows(result):
    """The likelihood figures of a result as rows (name, text); those of integers say "bound"."""
    rows = []
    if "elbo" in result:
        rows.append(("evidence lower bound, nats", shown(result["elbo"])))
    for name, figure in result.items():
        if name.startswith(("nats", "bits_per_dim")):
            bound = "lower" if name.startswith("nats") else "upper"
            noise = result.get("noise")
            note = f" ({bound} bound, {noise} noise)" if noise else ""
            if samples := result.get("importance_samples"):
                note = f" ({bound} bound, {samples} importance samples)"
            rows.append((name.replace("_", " ") + note, shown(figure)))
    return rows


def bits_per_dim(flow, x, seed=0, draws=1):
    """Bits per dimension of each of the events [n, *event_shape], without a label; float64 [n]."""
    nats = log_likelihoods(flow, x, draws=draws, seed=seed)
    return -nats / (math.prod(flow.event_shape) * math.log(2))


def share_below(values, others):
    """The probability that one of `values` [n] lies below one of `others` [m], ties by halves."""
    others = np.sort(others)
    below = np.searchsorted(others, values, "right") + np.searchsorted(others, values, "left")
    return float(np.mean(1.0 - below / (2 * len(others))))
