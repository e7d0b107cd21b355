import numpy as np
import pytest
import tensorflow as tf

from zoo.numerics import tanh_root

TARGETS = np.array([0.0, 1e-9, -1e-3, 0.4, -1.0, 3.0, -30.0, 1e4, -1e6])
GAINS = np.array([1e-3, 0.03, 0.9, 1.0, 1.1, 7.0, 300.0, 1e5])


def grid(dtype="float64"):
    pairs = np.meshgrid(TARGETS, GAINS, indexing="ij")
    return [tf.constant(x.ravel(), dtype) for x in pairs]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-6)])
def test_solves_the_equation_from_zero_to_far_away(dtype, tolerance):
    target, gain = grid(dtype)
    a, report = tanh_root.find(target, gain, tolerance, 100)
    assert np.all(report.converged) and report.iterations < 60
    a, c = np.asarray(a, "float64"), np.asarray(gain, "float64") - 1.0
    target = np.asarray(target, "float64")
    error = np.abs(a + c * np.tanh(a) - target) / (1.0 + np.abs(target))
    assert error.max() < 4 * np.finfo(dtype).eps
    assert np.all(np.sign(a) == np.sign(target))


def test_the_slope_keeps_its_digits_where_one_minus_tanh_squared_loses_them():
    a = np.array([0.0, 1e-4, 0.5, 5.0, 12.0, 400.0])
    for gain in (1e-3, 1.0, 1e5):
        found = tanh_root.slope(tf.constant(a, "float32"), tf.constant(gain, "float32"))
        exact = tanh_root.slope(tf.constant(a), tf.constant(gain, "float64"))
        assert np.all(np.isfinite(exact)) and np.all(exact.numpy() > 0)
        np.testing.assert_allclose(found, exact, rtol=2e-6)
    by_definition = 1.0 + 6.0 / np.cosh(a[:5]) ** 2
    np.testing.assert_allclose(tanh_root.slope(tf.constant(a[:5]), 7.0), by_definition)


def test_gradients_of_first_and_second_order():
    solve = tanh_root.solver(1e-12, 100)
    target, gain = (tf.constant(x, tf.float64) for x in ([0.7, -2.0, 0.1], [0.2, 3.0, 1e-2]))

    def value(target, gain):
        return solve(target, gain)[0]

    def first(target, gain):
        with tf.GradientTape() as tape:
            tape.watch([target, gain])
            total = tf.reduce_sum(value(target, gain))
        return tape.gradient(total, [target, gain])

    step = 1e-6
    for which in (0, 1):
        moved = [[target, gain], [target, gain]]
        moved[0][which], moved[1][which] = moved[0][which] - step, moved[1][which] + step
        low, high = (value(*args) for args in moved)
        np.testing.assert_allclose(first(target, gain)[which], (high - low) / (2 * step), rtol=1e-5)
        with tf.GradientTape() as tape:
            tape.watch([target, gain])
            total = tf.reduce_sum(first(target, gain)[which])
        low, high = (first(*args)[which] for args in moved)
        second = tape.gradient(total, [target, gain])[which]
        np.testing.assert_allclose(second, (high - low) / (2 * step), rtol=1e-4)


def test_too_few_iterations_and_no_number_are_nan_and_leave_the_others_alone():
    target, gain = grid()
    a, report = tanh_root.find(target, gain, 1e-12, 2)
    np.testing.assert_array_equal(np.isnan(a), ~report.converged.numpy())
    assert 0 < np.isnan(a).sum() < len(a)
    mixed = tf.constant([0.5, np.nan, np.inf, 0.5], tf.float64)
    a, report = tanh_root.solver(1e-12, 100)(mixed, tf.fill([4], tf.constant(2.0, tf.float64)))
    assert np.isnan(a).tolist() == [False, True, True, False]
    assert report.converged.numpy().tolist() == [True, False, False, True]
