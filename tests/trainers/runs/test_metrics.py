"""The figures: means, errors, averages over noise, and what is refused."""

import math

import keras
import numpy as np
import pytest

import zoo
from tests import helpers
from trainers import datasets
from trainers.runs import metrics


@pytest.fixture(scope="module")
def digits(prepared):
    return datasets.load("digits", prepared)


@pytest.fixture(scope="module")
def moons(prepared):
    return datasets.load("two_moons", prepared)


def maf(data, **kwargs):
    kwargs = {"levels": data.levels, "jit_compile": False} | kwargs
    flow = zoo.MAF(event_shape=data.event_shape, num_layers=1, hidden_units=(8,), seed=0, **kwargs)
    rng = np.random.default_rng(0)
    for variable in flow.trainable_variables:
        value = np.asarray(variable) + 0.05 * rng.normal(size=variable.shape)
        value = keras.ops.convert_to_tensor(value.astype("float32"))
        variable.assign(variable.constraint(value) if variable.constraint else value)
    return flow


def test_mean_and_error():
    figure = metrics.mean_and_error([1.0, 2.0, 3.0, 6.0])
    assert figure["mean"] == 3.0
    assert figure["error"] == pytest.approx(2 * math.sqrt(14 / 3) / 2)
    assert math.isnan(metrics.mean_and_error([1.0])["error"])
    assert metrics.shown({"mean": 1.25, "error": 0.5}, 1) == "1.2 ± 0.5"


def test_continuous_figure_is_the_mean_of_log_prob(moons):
    flow = maf(moons)
    figure = metrics.test_figure(flow, moons)
    log_prob = np.asarray(flow.log_prob(moons.numpy("test")), np.float64)
    assert figure["examples"] == len(log_prob) == 250 and figure["draws"] == 1
    assert figure["nats"]["mean"] == pytest.approx(log_prob.mean(), rel=1e-5)
    error = 2 * log_prob.std(ddof=1) / math.sqrt(250)
    assert figure["nats"]["error"] == pytest.approx(error, rel=1e-4)
    bits = -figure["nats"]["mean"] / (2 * math.log(2))
    assert figure["bits_per_dim"]["mean"] == pytest.approx(bits)
    assert "nats_given_label" not in figure


def test_noise_is_averaged_first_and_differs_from_draw_to_draw(digits):
    flow = maf(digits)
    x = digits.numpy("test", limit=40)
    one, two, ten = (metrics.log_likelihoods(flow, x, draws=n) for n in (1, 2, 10))
    assert one.shape == (40,)
    assert np.abs(one - two).min() > 0  # the second draw is another one, for every example
    by_hand = [np.asarray(flow.log_prob(x, seed=s)) for s in range(40)]
    noise = np.std(by_hand, axis=0).mean()
    assert np.abs(ten - np.mean(by_hand, axis=0)).mean() < noise
    helpers.assert_same(ten, metrics.log_likelihoods(flow, x, draws=10))
    assert np.abs(ten - metrics.log_likelihoods(flow, x, draws=10, seed=1)).min() > 0


def test_batches_do_not_share_their_noise(digits):
    flow = maf(digits)
    x = np.repeat(digits.numpy("test", limit=1), 4, axis=0)
    values = metrics.log_likelihoods(flow, x, batch_size=2)
    assert len(set(values)) == 4


def test_the_last_batch_is_cut_to_its_size(moons):
    flow = maf(moons)
    x = moons.numpy("test", limit=10)
    whole = metrics.log_likelihoods(flow, x)
    np.testing.assert_allclose(metrics.log_likelihoods(flow, x, batch_size=4), whole, rtol=1e-5)


def test_class_conditional_figure_is_the_mixture_and_given_the_label(digits):
    flow = maf(digits, num_classes=10)
    figure = metrics.test_figure(flow, digits, draws=2)
    x, labels = digits.numpy("test", labels=True)
    given = metrics.log_likelihoods(flow, x, labels, draws=2)
    assert figure["nats_given_label"]["mean"] == pytest.approx(given.mean())
    mixture = metrics.log_likelihoods(flow, x, draws=2)
    assert figure["nats"]["mean"] == pytest.approx(mixture.mean())
    # log p(x) >= log p(x | y) - log 10, for every example.
    assert (mixture >= given - math.log(10) - 1e-3).all()


def test_round_trips(digits, moons):
    for data, flow in ((digits, maf(digits, num_classes=10)), (moons, maf(moons))):
        errors = metrics.round_trips(flow, data, limit=30)
        assert errors["examples"] == 30
        assert 0 < errors["data"] < 1e-2 and 0 < errors["noise"] < 1e-2


def test_a_round_trip_that_does_not_converge_is_infinite(moons):
    flow = zoo.IResNet(
        (2,), num_layers=1, hidden_units=(8,), seed=0, jit_compile=False, max_iterations=1
    )
    helpers.randomize(flow, seed=1, scale=1.0)
    flow.update_spectral_norms()
    assert metrics.round_trips(flow, moons, limit=10)["data"] == math.inf


@pytest.mark.parametrize(
    "family", [zoo.Planar, pytest.param(zoo.ContinuousFlow, marks=pytest.mark.slow)]
)
def test_nor_does_one_that_cannot_be_encoded(family, moons):
    short = {"fast": "sample", "max_iterations": 1} if family is zoo.Planar else {"max_steps": 1}
    flow = family((2,), num_layers=1, seed=0, jit_compile=False, **short)
    helpers.randomize(flow, seed=1, scale=1.0)
    x = moons.numpy("test", limit=10)
    with pytest.raises(zoo.NotConverged):
        flow.encode(x)
    assert metrics.round_trip_error(flow, x) == math.inf


def test_round_trip_error_is_the_largest(moons):
    class Broken:
        """Loses 0.5 in one number of the first two events of a batch."""

        def encode(self, x, context=None):
            return x + np.eye(*x.shape)[..., ::-1] * 0.5 * (len(x) > 1)

        def decode(self, z, context=None):
            return z

    assert metrics.round_trip_error(Broken(), np.zeros((5, 2))) == 0.5
    found = metrics.round_trip_errors(Broken(), np.zeros((5, 2)), batch_size=3)
    assert found.tolist() == [0.5, 0.5, 0, 0.5, 0.5]


def test_divergence(moons):
    flow = maf(moons)
    kl = metrics.divergence(flow, moons)
    x = moons.numpy("test")
    difference = moons.true_log_prob(x) - np.asarray(flow.log_prob(x))
    assert kl["mean"] == pytest.approx(difference.mean(), rel=1e-4) and kl["mean"] > 0.1
    moons.true_log_prob, kept = None, moons.true_log_prob
    try:
        assert metrics.divergence(flow, moons) is None
    finally:
        moons.true_log_prob = kept


def test_data_of_another_kind_are_refused(digits, moons):
    with pytest.raises(ValueError, match=r"events of shape \(8, 8, 1\), but toy2d/two_moons has"):
        metrics.test_figure(maf(digits), moons)
    with pytest.raises(ValueError, match="levels = 9, but digits has 17"):
        metrics.test_figure(maf(digits, levels=9), digits)
    with pytest.raises(ValueError, match="4 classes, but digits has 10 classes"):
        metrics.test_figure(maf(digits, num_classes=4), digits)
    with pytest.raises(ValueError, match="3 classes, but toy2d/two_moons has no classes"):
        metrics.test_figure(maf(moons, num_classes=3), moons)
    with pytest.raises(ValueError, match=r"context vector of shape \(6,\)"):
        metrics.test_figure(maf(moons, context_shape=(6,)), moons)


def test_bounds_are_called_so(digits, moons):
    assert metrics.test_figure(maf(moons), moons)["noise"] is None
    figure = metrics.test_figure(maf(digits), digits, draws=1)
    names = [name for name, _ in metrics.likelihood_rows(figure)]
    assert names == [
        "nats (lower bound, uniform noise)",
        "bits per dim (upper bound, uniform noise)",
    ]
    learned = metrics.test_figure(maf(digits, dequantization="variational"), digits, draws=1)
    assert "upper bound, variational noise" in metrics.likelihood_rows(learned)[1][0]
    figure = {"nats": {"mean": 1.0, "error": 0.5}, "noise": None, "examples": 3}
    assert metrics.likelihood_rows(figure) == [("nats", "1.0000 ± 0.5000")]


def test_batches_of_large_images_and_of_all_classes_are_small(digits, monkeypatch):
    flow = maf(digits, num_classes=10)
    sizes = []
    plain = flow.log_prob

    def log_prob(x, **kwargs):
        sizes.append(len(x))
        return plain(x, **kwargs)

    flow.__dict__["log_prob"] = log_prob
    monkeypatch.setattr(metrics, "MOST_NUMBERS", 64 * 50)
    x, labels = digits.numpy("test", limit=10, labels=True)
    assert metrics.log_likelihoods(flow, x).shape == (10,) and set(sizes) == {5}
    sizes.clear()
    metrics.log_likelihoods(flow, x, labels)
    assert sizes == [10]
