"""Training by flow matching: its loss, what fit reports of it, and what it refuses."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers

DATA = np.random.default_rng(0).normal([2.0, -1.0], [0.5, 1.5], (512, 2)).astype("float32")


def flow(**settings):
    settings = {"hidden_units": (16,), "jit_compile": False, "seed": 0} | settings
    settings = {"solver": "rk4", "num_steps": 8} | settings
    return zoo.ContinuousFlow((2,), **settings)


def test_the_loss_of_a_field_that_stands_still():
    """It is the mean of `(x_1 - x_0)^2`: of standardized data and a normal base, 2."""
    one = flow()
    one.adapt(DATA)
    loss = one.matching_loss(np.tile(DATA, (20, 1)), seed=1).numpy()
    assert abs(loss.mean() - 2) < 4 * loss.std() / np.sqrt(loss.size)


def test_the_loss_is_least_at_the_marginal_velocity():
    """Of standard normal data the path is `N(0, (1 - t)^2 + t^2)`, and the velocity linear."""
    one = zoo.ContinuousFlow((1,), hidden_units=(), jit_compile=False)
    x = np.random.default_rng(1).normal(size=(20_000, 1)).astype("float32")
    layer, losses = one.stack.layers[-1], []
    for factor in (0.8, 1.0, 1.2):

        def velocity(t, x, context=None, factor=factor):
            # E[x_1 - x_0 | x_t] = (2 t - 1) x_t / ((1 - t)^2 + t^2)
            return (factor * (2 * t - 1) / ((1 - t) ** 2 + t**2))[:, None] * x

        object.__setattr__(layer, "velocity", velocity)
        losses.append(float(np.mean(zoo.training.FlowMatching()(one, x, None, (0, 2)))))
    # Of the same draws: the differences are no noise.
    assert losses[1] < losses[0] - 1e-3 and losses[1] < losses[2] - 1e-3


def test_fit_matches_and_validation_measures_nats():
    one = flow(loss="flow_matching")
    one.adapt(DATA)
    one.compile(keras.optimizers.Adam(1e-2))
    before, norm = one.evaluate(DATA, verbose=0, return_dict=True), one.stack.layers[0]
    shift = norm.shift.numpy()
    history = one.fit(
        DATA, batch_size=128, epochs=4, validation_data=(DATA,), validation_freq=4, verbose=0
    ).history
    assert set(history) == {"loss", "val_loss", "val_nats", "val_bits_per_dim"}
    assert len(history["loss"]) == 4 and len(history["val_nats"]) == 1
    after = one.evaluate(DATA, verbose=0, return_dict=True)
    assert abs(after["nats"] - history["val_nats"][0]) < 1e-3
    assert after["loss"] == pytest.approx(-after["nats"], abs=1e-3)
    assert before["nats"] == pytest.approx(-before["loss"], abs=1e-3)
    np.testing.assert_array_equal(norm.shift.numpy(), shift)


def test_training_learns_the_distribution():
    one = flow(loss="flow_matching", hidden_units=(32,))
    x = DATA**3 / 4  # Far from normal.
    one.adapt(x)
    one.compile(keras.optimizers.Adam(1e-2))
    first = float(np.mean(one.log_prob(x)))
    one.fit(x, batch_size=256, epochs=60, verbose=0)
    assert np.mean(one.log_prob(x)) > first + 0.3


def test_compile_chooses_the_loss_and_a_saved_flow_remembers(tmp_path):
    one = flow()
    one.compile("adam", loss="flow_matching", run_eagerly=True)
    assert "nats" not in one.fit(DATA[:8], verbose=0).history
    loaded = helpers.saved_and_loaded(one, tmp_path)
    assert isinstance(loaded.training_loss, zoo.training.FlowMatching)
    one.compile("adam", loss="likelihood", run_eagerly=True)
    assert "nats" in one.fit(DATA[:8], verbose=0).history


def test_integers_and_classes():
    one = flow(levels=4, num_classes=3, loss="flow_matching", preprocessing="logit")
    x = np.random.default_rng(0).integers(0, 4, (32, 2)).astype("uint8")
    labels = np.arange(32) % 3
    one.adapt(x, labels)
    one.compile("adam", run_eagerly=True)
    assert np.isfinite(one.fit(x, labels, batch_size=16, verbose=0).history["loss"]).all()
    for data in (x, tf.data.Dataset.from_tensor_slices(x).batch(8)):
        with helpers.raises_one_line("flow matching", "context", "(x, context)"):
            one.fit(data, verbose=0)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"loss": "score"}, ("loss", "score", "flow_matching")),
        ({"loss": "flow_matching", "num_layers": 2}, ("num_layers must be 1", "2")),
        (
            {"loss": "flow_matching", "levels": 4, "dequantization": "variational"},
            ("flow_matching", "dequantization='uniform'"),
        ),
    ],
)
def test_what_it_cannot_do_is_refused(wrong, words):
    with helpers.raises_one_line(*words):
        flow(**wrong)
    one = flow(**{k: v for k, v in wrong.items() if k != "loss"})
    words = ("num_layers=1", "2 equations") if "num_layers" in wrong else words
    with helpers.raises_one_line(*words):
        one.compile("adam", loss=wrong["loss"])
