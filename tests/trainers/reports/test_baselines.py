"""Baselines of tables: densities in the data's units, the best of their kind on validation data."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from trainers.reports import baselines, card_baselines

UNITS, SHIFT = np.array([30.0, 0.5]), np.array([100.0, -5.0])


def data_of(draw, sizes=(400, 200, 200), bounds=None):
    """Data whose splits are drawn by `draw(rng, n)`."""
    names = ("train", "validation", "test")
    splits = {s: draw(np.random.default_rng(i), sizes[i]) for i, s in enumerate(names)}
    return SimpleNamespace(
        numpy=splits.__getitem__, num_examples=lambda s: len(splits[s]), bounds=bounds, levels=None
    )


def correlated(rng, n):
    u = rng.normal(size=(n, 2))
    return SHIFT + UNITS * np.column_stack([u[:, 0], u[:, 0] + 0.1 * u[:, 1]])


def clusters(rng, n):
    return correlated(rng, n) + 8 * UNITS * rng.integers(2, size=(n, 1))


def fit(data):
    return {figure["kind"]: (figure, nats) for figure, nats in baselines.fit_tables(data)}


@pytest.fixture(autouse=True)
def few_fits(monkeypatch):
    monkeypatch.setattr(baselines, "_COMPONENTS", (2, 5))
    monkeypatch.setattr(baselines, "_FLOORS", (1e-6, 1e-2))


def test_the_gaussian_is_that_of_the_training_data():
    data = data_of(correlated)
    figure, nats = fit(data)["gaussian"]
    train = data.numpy("train")
    normal = multivariate_normal(train.mean(axis=0), np.cov(train, rowvar=False))
    np.testing.assert_allclose(nats, normal.logpdf(data.numpy("test")), atol=0.1)
    assert figure["nats"]["mean"] == pytest.approx(nats.mean()) and figure["components"] == 1


def test_the_kernel_estimate_is_a_sum_over_training_rows():
    data = data_of(clusters)
    figure, nats = fit(data)["kernel"]
    train, test = data.numpy("train"), data.numpy("test")
    covariance = np.cov(train, rowvar=False)
    covariance = covariance if figure["whitened"] else np.diag(np.diag(covariance))
    kernel = multivariate_normal(np.zeros(2), figure["bandwidth"] ** 2 * covariance)
    expected = logsumexp(kernel.logpdf(test[:, None] - train), axis=1) - np.log(len(train))
    np.testing.assert_allclose(nats, expected, atol=0.02)
    low, *_, high = baselines._BANDWIDTHS
    assert low < figure["bandwidth"] < high


def test_a_mixture_finds_clusters_and_is_chosen_on_validation_data():
    found = fit(data_of(clusters))
    assert found["mixture"][0]["components"] == 2
    assert found["mixture"][1].mean() > found["gaussian"][1].mean() + 0.3
    # Where training rows are few, what fits them best is not what is chosen.
    few = fit(data_of(correlated, (12, 200, 200)))["mixture"][0]
    assert (few["components"], few["floor"]) == (2, 1e-2)


def test_bounded_columns_are_fitted_without_their_bounds():
    def draw(rng, n):
        return np.exp(2 * rng.normal(size=(n, 2))).astype(np.float32)

    data = data_of(draw, bounds=["log", "log"])
    figure, nats = fit(data)["gaussian"]
    assert not figure["logarithms"]
    logs = np.log(data.numpy("train").astype(float))
    normal = multivariate_normal(logs.mean(axis=0), np.cov(logs, rowvar=False))
    test = np.log(data.numpy("test").astype(float))
    np.testing.assert_allclose(nats, normal.logpdf(test) - test.sum(axis=1), atol=0.1)
    # Positive numbers without bounds are tried in logarithms.
    data.bounds = None
    figure, again = fit(data)["gaussian"]
    assert figure["logarithms"]
    np.testing.assert_allclose(again, nats, atol=0.1)


def test_columns_that_are_copies_have_a_density_all_the_same():
    data = data_of(lambda rng, n: np.repeat(rng.normal(size=(n, 1)), 2, axis=1))
    assert all(np.isfinite(nats).all() for _, nats in fit(data).values())


def test_margins_are_of_pairs(monkeypatch):
    data = data_of(correlated)
    nats = fit(data)["gaussian"][1]
    monkeypatch.setattr(baselines.metrics, "log_likelihoods", lambda *args, **kw: nats + 0.25)
    flow = SimpleNamespace(levels=None, event_shape=(2,))
    gaussian, *others = baselines.compare(flow, data)
    assert gaussian["margin"]["mean"] == pytest.approx(0.25)
    assert gaussian["margin"]["error"] < 1e-9 < gaussian["nats"]["error"]
    assert {b["kind"] for b in others} == {"mixture", "kernel"}
    text = card_baselines.section([gaussian, *others])
    shown = f"| 1 full-covariance Gaussian | {gaussian['nats']['mean']:.4f} ± "
    assert shown in text and "| 0.2500 ± 0.0000 |" in text and "kernel density estimate" in text
    assert "nats an event" in text and "bits" not in text


def test_what_is_within_reach():
    data = data_of(correlated)
    table = SimpleNamespace(levels=None, event_shape=(2,))
    data.true_log_prob = None
    assert baselines.within_reach(table, data)
    assert not baselines.within_reach(SimpleNamespace(levels=None, event_shape=(8, 8, 1)), data)
    assert not baselines.within_reach(SimpleNamespace(levels=None, event_shape=(2500,)), data)
    data.true_log_prob = len
    assert not baselines.within_reach(table, data)
