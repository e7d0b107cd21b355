"""What a flow has to beat: a Gaussian and a mixture of Gaussians, fitted by scikit-learn.

They see the same data as a flow of integers does: x + u with u uniform on [0, 1).
"""

import math

import numpy as np

from trainers.runs import metrics

_FLOORS = (1e-6, 1e-2, 1e-1, 3e-1, 1.0)  # of the variances, in squared grey levels


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


def compare(flow, data, draws=10, seed=0):
    """Compares a flow of integers with both baselines, example by example.

    Args:
        flow: The flow.
        data: Its data set.
        draws: Draws of the noise.
        seed: Seed.

    Returns:
        A list of the figures of `fit_and_measure`, each with "margin", by how many bits per
        dimension the flow is better: {"mean", "error"} of the differences, in pairs.
    """
    own = metrics.bits_per_dim(flow, data.numpy("test"), seed, draws)
    figures = []
    for components in (1, 10):
        figure, bits = fit_and_measure(data, components, draws, seed)
        figures.append({**figure, "margin": metrics.mean_and_error(bits - own)})
    return figures
