"""Log-determinants of contractive residual maps: exact, truncated, unbiased, and their memory."""

import math

import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.backend import Randomness
from zoo.numerics import log_det_estimators
from zoo.numerics.log_det_estimators import LogDet

NORM = 0.6


class Matrices:
    """The derivative of a linear map: `J` itself, `[n, d, d]`."""

    def __init__(self, matrices):
        self._matrices = matrices

    def without_gradient(self):
        return Matrices(tf.stop_gradient(self._matrices))

    def jvp(self, v):
        return tf.einsum("nij,...nj->...ni", self._matrices, v)

    def vjp(self, v):
        return tf.einsum("nij,...ni->...nj", self._matrices, v)


def matrices(size, n=3, norm=NORM, seed=0):
    found = np.random.default_rng(seed).normal(size=(n, size, size))
    return tf.constant(norm * found / np.linalg.norm(found, 2, axis=(1, 2))[:, None, None])


def true(given):
    size = given.shape[-1]
    return np.linalg.slogdet(np.eye(size) + given.numpy())[1]


def how(kind="roulette", terms=2, eval_terms=20, probes=1, gradient="neumann"):
    return LogDet(kind, terms, eval_terms, probes, 0.5, gradient)


def draws(given, way, training, count=10_000):
    """Estimates `[count, n]`, each with a seed of its own."""
    x = tf.zeros(given.shape[:2], tf.float64)

    @tf.function(autograph=False)
    def run(seeds):
        def one(seed):
            randomness = Randomness(seed, training)
            return log_det_estimators.estimated(Matrices(given), x, way, randomness)

        return tf.map_fn(one, seeds, fn_output_signature=tf.float64, parallel_iterations=1)

    return run(tf.stack([tf.zeros(count, tf.int32), tf.range(count)], axis=1)).numpy()


@pytest.mark.parametrize("size", [1, 2, 3, 8, 9])
@pytest.mark.parametrize("jit_compile", [False, True])
def test_exact(size, jit_compile):
    given = matrices(size, norm=0.95)
    run = tf.function(
        lambda: log_det_estimators.exact(Matrices(given), tf.zeros((3, size), tf.float64)),
        jit_compile=jit_compile,
    )
    np.testing.assert_allclose(run(), true(given), atol=1e-10)


@pytest.mark.parametrize("training", [True, False])
def test_roulette_is_unbiased(training):
    given = matrices(4)
    found = draws(given, how(eval_terms=3), training)
    mean, deviation = found.mean(axis=0), found.std(axis=0, ddof=1)
    z = (mean - true(given)) / (deviation / math.sqrt(len(found)))
    print(f"variance {np.mean(deviation**2):.3f}, z {np.abs(z).max():.2f}")
    assert np.abs(z).max() < 4
    assert np.all(deviation < 3.0)


def test_the_truncated_series_is_within_the_published_bound():
    given, size = matrices(4, norm=0.8), 4
    for terms in (1, 2, 5):
        found = draws(given, how("series", terms), True, 4000)
        mean, error = found.mean(axis=0), 4 * found.std(axis=0) / math.sqrt(len(found))
        partial = sum(0.8**k / k for k in range(1, terms + 1))
        bound = -size * (math.log(1 - 0.8) + partial)
        assert np.all(np.abs(mean - true(given)) <= bound + error)
        powers = [np.linalg.matrix_power(given.numpy(), k) for k in range(1, terms + 1)]
        traces = [np.trace(p, axis1=1, axis2=2) for p in powers]
        series = sum((-1) ** (k + 1) / k * t for k, t in zip(range(1, 9), traces, strict=False))
        assert np.all(np.abs(mean - series) <= error)


def test_more_probes_less_variance():
    given = matrices(4)
    one, many = (draws(given, how(probes=p), True, 1500).var(axis=0).mean() for p in (1, 16))
    assert many < 0.5 * one


@pytest.mark.parametrize("kind", ["series", "roulette"])
def test_neumann_gradients_are_unbiased(kind):
    given = matrices(3, n=1)
    copies = 40_000 if kind == "series" else 20_000
    way = how(kind, terms=3)
    size, x = 3, tf.zeros((1, 3), tf.float64)

    def one(seed):
        with tf.GradientTape() as tape:
            tape.watch(given)
            value = log_det_estimators.estimated(
                Matrices(given), x, way._replace(probes=copies // 200), Randomness(seed, True)
            )
        return tape.gradient(value, given)[0]

    run = tf.function(
        lambda seeds: tf.map_fn(one, seeds, fn_output_signature=tf.float64), autograph=False
    )
    found = run(tf.stack([tf.zeros(200, tf.int32), tf.range(200)], axis=1)).numpy()
    matrix = given.numpy()[0]
    if kind == "series":
        inverse = np.eye(size) - matrix + matrix @ matrix
    else:
        inverse = np.linalg.inv(np.eye(size) + matrix)
    error = found.std(axis=0, ddof=1) / math.sqrt(len(found))
    assert np.abs((found.mean(axis=0) - inverse.T) / error).max() < 4.5


def test_the_gradient_through_the_series_is_that_of_the_estimate():
    given, x = matrices(3, n=1), tf.zeros((1, 3), tf.float64)
    way = how("series", 4, gradient="series")

    def value(matrices):
        randomness = Randomness((0, 1), True)
        return log_det_estimators.estimated(Matrices(matrices), x, way, randomness)[0]

    with tf.GradientTape() as tape:
        tape.watch(given)
        total = value(given)
    move = np.random.default_rng(5).normal(size=given.shape)
    slope = (value(given + 1e-6 * move) - value(given - 1e-6 * move)) / 2e-6
    np.testing.assert_allclose(np.sum(tape.gradient(total, given) * move), slope, rtol=1e-6)


def test_terms_that_vanish_do_no_harm():
    given = tf.cast(matrices(3, norm=1e-9), tf.float32)
    x = tf.zeros((3, 3))
    for scale in (1.0, 0.0):
        found = log_det_estimators.estimated(
            Matrices(scale * given), x, how(eval_terms=40), Randomness((0, 1))
        )
        assert np.isfinite(found).all() and np.abs(found).max() < 1e-7


def taken(kind, gradient, terms):
    """MiB that the gradient of one step takes at most, as TensorFlow counts them."""
    x = tf.constant(np.random.default_rng(0).normal(size=(256, 32)).astype("float32"))
    settings = {"terms": terms, "gradient": gradient, "seed": 0}
    layer = zoo.layers.Residual((32,), (256, 256), log_det=kind, **settings)
    before = tf.config.experimental.get_memory_info("CPU:0")["current"]
    tf.config.experimental.reset_memory_stats("CPU:0")
    with tf.GradientTape() as tape:
        z, log_det = layer(x, randomness=Randomness((0, 1), True))
        loss = tf.reduce_mean(log_det) + tf.reduce_mean(z)
    tape.gradient(loss, [v.value for v in layer.trainable_variables])
    return (tf.config.experimental.get_memory_info("CPU:0")["peak"] - before) / 2**20


def test_memory_of_neumann_gradients_does_not_grow_with_the_terms():
    """What a step with 2 and one with 40 terms take on top of what there was."""
    try:
        tf.config.experimental.get_memory_info("CPU:0")
    except ValueError:
        pytest.skip("TensorFlow does not tell the memory it uses")
    few, many = (taken("roulette", "neumann", terms) for terms in (2, 40))
    through = taken("series", "series", 40)
    print(f"2 terms {few:.0f} MiB, 40 terms {many:.0f} MiB, kept {through:.0f} MiB")
    assert many < 1.1 * few
    assert through > 3 * few
