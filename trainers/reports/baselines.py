"""What a flow has to beat: a Gaussian, a mixture and, of tables, a kernel estimate by scikit-learn.

They see the same data as a flow does: of integers x + u with u uniform on [0, 1), of columns with
bounds their images without bounds.
"""

import itertools
import math

import numpy as np

from trainers.runs import metrics

_FLOORS = (1e-6, 1e-2, 1e-1, 3e-1, 1.0)  # of the variances, in squared grey levels or deviations
_COMPONENTS = (2, 3, 5, 10)  # of a mixture for tables
_BANDWIDTHS = tuple(np.geomspace(0.03, 3, 21))


def fit_and_measure(data, components, draws=10, seed=0):
    """Fits a full-covariance mixture and takes its test likelihood.

    The training data are repeated with several draws of the noise, as a flow sees them over its
    epochs, and scikit-learn's floor on the variances is chosen on the validation split: the
    strongest baseline of its kind, not the first one.

    Args:
        data: A data set of `trainers.datasets` with integer levels.
        components: Number of components; 1 is the plain Gaussian.
        draws: Draws of the noise, in training and in test.
        seed: Seed of noise and fit.

    Returns:
        (figure, bits): {"bits_per_dim": {"mean", "error"}, "floor", "components"}, and the bits per
        dimension of each test example [n].
    """
    from sklearn.mixture import GaussianMixture

    rng = np.random.default_rng(seed)
    train = np.concatenate([_dequantized(data, "train", rng) for _ in range(draws)])
    validation = [_dequantized(data, "validation", rng) for _ in range(draws)]
    test = [_dequantized(data, "test", rng) for _ in range(draws)]
    fits = [
        GaussianMixture(components, reg_covar=floor, random_state=seed, n_init=1).fit(train)
        for floor in _FLOORS
    ]
    best = max(fits, key=lambda fit: np.mean([fit.score(x) for x in validation]))
    bits = -np.mean([best.score_samples(x) for x in test], axis=0)
    bits /= math.prod(data.event_shape) * math.log(2)
    figure = {
        "bits_per_dim": metrics.mean_and_error(bits),
        "floor": best.reg_covar,
        "components": components,
    }
    return figure, bits


def _dequantized(data, split, rng):
    x = data.numpy(split).reshape(data.num_examples(split), -1).astype(np.float64)
    return x + rng.uniform(size=x.shape)


def fit_tables(data, seed=0):
    """Fits the baselines of continuous vectors and takes their test likelihoods.

    Each is the best of its kind on the validation split. Kinds: a full-covariance Gaussian, a
    mixture of 2, 3, 5 or 10 of them, with some floor on the variances, and a sum of Gaussian
    kernels of some bandwidth about the training rows. All of it is tried on columns of unit
    variance, and on decorrelated ones, where bandwidth and floor count in the data's covariance;
    where all numbers are positive, on their logarithms too, or the preprocessing that a flow could
    learn would pass for the model's merit.

    Args:
        data: A data set of `trainers.datasets` with events of shape (d,), no levels.
        seed: Seed of the fits.

    Returns:
        [(figure, nats)]: {"kind": "gaussian", "mixture" or "kernel", "nats": {"mean", "error"},
        "logarithms", "whitened", and "components" and "floor" or else "bandwidth"}, and the
        log-likelihood of each test example [n] in the data's units.
    """
    splits = [_unbounded(data, s) for s in ("train", "validation", "test")]
    logarithms = [(np.log(x), -np.log(x).sum(axis=1)) for x, _ in splits if (x > 0).all()]
    spaces = {False: splits} | ({True: logarithms} if data.bounds is None else {})
    best = {}
    for logs, whitened in itertools.product(spaces, (False, True)):
        if len(spaces[logs]) < 3:  # some numbers have no logarithm
            continue
        train, validation, test = spaces[logs]
        to_unit, log_det = _unit_scale(train[0], whitened)
        ours, held_out = to_unit(train[0]), to_unit(validation[0])
        for kind, choice, fit in _table_fits(ours, seed):
            score = np.mean(fit.score_samples(held_out) + validation[1]) + log_det
            if kind not in best or score > best[kind][0]:
                nats = fit.score_samples(to_unit(test[0])) + log_det + test[1]
                where = {"kind": kind, "logarithms": logs, "whitened": whitened}
                best[kind] = score, where | choice, nats
    return [
        ({**figure, "nats": metrics.mean_and_error(nats)}, nats)
        for _, figure, nats in best.values()
    ]


def _table_fits(x, seed):
    """Yields (kind, what was chosen, fitted) of all that is tried."""
    from sklearn.mixture import GaussianMixture
    from sklearn.neighbors import KernelDensity

    for components in (1, *_COMPONENTS):
        for floor in _FLOORS:
            fit = GaussianMixture(components, reg_covar=floor, random_state=seed).fit(x)
            kind = "gaussian" if components == 1 else "mixture"
            yield kind, {"components": components, "floor": floor}, fit
    for bandwidth in map(float, _BANDWIDTHS):
        yield "kernel", {"bandwidth": bandwidth}, KernelDensity(bandwidth=bandwidth).fit(x)


def _unbounded(data, split):
    """A split without the bounds of its columns, and the log-determinants [n] of that map."""
    import zoo

    x = data.numpy(split)
    if data.bounds is None:
        return x.astype(np.float64), 0.0
    columns = zoo.layers.Columns(x.shape[1:], data.bounds)
    y, log_det = (np.asarray(part, np.float64) for part in columns(x))
    return y, log_det


def _unit_scale(x, whitened):
    """The affine map that gives columns [n, d] mean 0 and variance 1, and its log-determinant."""
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-12)
    factor = np.eye(x.shape[1])
    if whitened:
        correlations = np.cov((x - mean) / scale, rowvar=False).reshape(factor.shape)
        factor = np.linalg.cholesky(correlations + 1e-9 * factor)  # columns may be copies
    log_det = -np.log(scale).sum() - np.log(np.diag(factor)).sum()
    return lambda rows: np.linalg.solve(factor, ((rows - mean) / scale).T).T, log_det


def within_reach(flow, data):
    """Whether fits over all training data take no longer than some minutes, and say something.

    Of a toy they would not: its true density is known.
    """
    if data.true_log_prob is not None or not (flow.levels or len(flow.event_shape) == 1):
        return False
    return math.prod(flow.event_shape) * data.num_examples("train") < 1e6


def compare(flow, data, draws=10, seed=0):
    """Compares a flow with the baselines, example by example.

    Args:
        flow: The flow.
        data: Its data set.
        draws: Draws of the noise, of integers.
        seed: Seed.

    Returns:
        A list of the figures of `fit_tables`, or of `fit_and_measure` with 1 and 10 components,
        each with "margin", by how many nats an event or bits per dimension the flow is better:
        {"mean", "error"} of the differences, in pairs.
    """
    if not flow.levels:
        own = metrics.log_likelihoods(flow, data.numpy("test"), seed=seed)
        fitted = fit_tables(data, seed)
        return [{**f, "margin": metrics.mean_and_error(own - nats)} for f, nats in fitted]
    own = metrics.bits_per_dim(flow, data.numpy("test"), seed, draws)
    fitted = (fit_and_measure(data, components, draws, seed) for components in (1, 10))
    return [{**f, "margin": metrics.mean_and_error(bits - own)} for f, bits in fitted]
