"""The solver against solutions in closed form, and its gradient against plain backpropagation."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from scipy import linalg

from tests import helpers
from zoo.numerics import ode

MATRIX = np.array([[-0.5, 3.0, 0.2], [-3.0, -0.3, 0.0], [0.1, 0.5, 0.7]])
START = np.random.default_rng(0).normal(size=(5, 3))


def linear(u, y, matrix):
    return tf.matmul(y, matrix, transpose_b=True)


def bent(u, y, weights):
    """A field of time and state that is not linear."""
    return tf.tanh(tf.matmul(y, weights) + tf.sin(3.0 * u)[:, None]) * (1.0 + u[:, None])


def exploding(u, y):
    return y * y  # 1 / (1 / y - u): infinite before u = 1 where y > 1


def settings(solver="dopri5", tolerance=1e-10, max_steps=500, num_steps=20):
    return ode.settings(solver, tolerance, tolerance, max_steps, num_steps, "float64")


def solve(field, y, *args, keep=False, **kwargs):
    given = [tf.convert_to_tensor(a) for a in (y, *args)]
    return ode.solver(field, settings(**kwargs))(*given, keep=keep)


def linear_error(**kwargs):
    y, report = solve(linear, START, MATRIX, **kwargs)
    assert report.converged.numpy().all()
    return np.abs(y - START @ linalg.expm(MATRIX).T).max(), report


def test_adaptive_steps_follow_the_tolerance():
    errors, evaluations = [], []
    for tolerance in (1e-4, 1e-7, 1e-10):
        error, report = linear_error(tolerance=tolerance)
        assert error < 20 * tolerance
        errors.append(error)
        evaluations.append(report.evaluations.numpy().max())
    assert errors[0] > errors[1] > errors[2]
    # Of order 5: a thousandth of the error for 1000^(1/5) = 4 times the steps.
    growth = evaluations[2] / evaluations[1]
    assert 2.5 < growth < 6


def test_equal_steps_are_of_order_four():
    (coarse, report), (fine, _) = (linear_error(solver="rk4", num_steps=n) for n in (10, 20))
    assert 12 < coarse / fine < 20
    assert (report.evaluations.numpy() == 40).all() and (report.iterations.numpy() == 10).all()


@pytest.mark.parametrize("solver", ode.SOLVERS)
def test_an_event_does_not_depend_on_the_others(solver):
    y, report = solve(linear, START * [[1], [100], [1e-3], [1], [0]], MATRIX, solver=solver)
    alone, report_alone = solve(linear, START[:1], MATRIX, solver=solver)
    np.testing.assert_allclose(y[:1], alone, rtol=0, atol=1e-14)
    assert report.iterations[0] == report_alone.iterations[0]
    assert report.evaluations[0] == report_alone.evaluations[0]


WEIGHTS = np.random.default_rng(1).normal(size=(3, 3))
UPSTREAM = np.random.default_rng(2).normal(size=(5, 3))


def gradients(run):
    y, weights = tf.convert_to_tensor(START), tf.convert_to_tensor(WEIGHTS)
    with tf.GradientTape() as tape:
        tape.watch((y, weights))
        loss = tf.reduce_sum(run(y, weights) * UPSTREAM)
    return tape.gradient(loss, (y, weights))


def unrolled(y, weights, count=20):
    """The classical method step by step, for the tape."""
    h = 1.0 / count
    for i in range(count):
        u = tf.fill([5], tf.constant(i * h, y.dtype))
        a = bent(u, y, weights)
        b = bent(u + h / 2, y + h / 2 * a, weights)
        c = bent(u + h / 2, y + h / 2 * b, weights)
        d = bent(u + h, y + h * c, weights)
        y = y + h / 6 * (a + 2 * b + 2 * c + d)
    return y


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(("solver", "tolerance"), [("rk4", 1e-12), ("dopri5", 2e-5)])
def test_gradients_are_those_of_backpropagation(solver, tolerance, keep):
    found = gradients(lambda y, w: solve(bent, y, w, solver=solver, keep=keep)[0])
    for a, b in zip(found, gradients(unrolled), strict=True):
        assert np.abs(b).max() > 0.1
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


def test_gradients_of_adaptive_steps_are_those_of_the_steps_taken():
    """Refused steps pass by: against finite differences, at a tolerance that refuses some."""
    run = functools.partial(solve, bent, tolerance=1e-9)
    of_y, of_weights = gradients(lambda y, w: run(y, 6 * w)[0])
    direction = np.random.default_rng(3).normal(size=WEIGHTS.shape)
    ends = [run(START, 6 * (WEIGHTS + s * 1e-5 * direction))[0] for s in (1, -1)]
    slope = np.sum((ends[0] - ends[1]) * UPSTREAM) / 2e-5
    np.testing.assert_allclose(np.sum(of_weights * direction), slope, rtol=1e-5)
    report = run(START, 6 * WEIGHTS)[1]
    assert (report.evaluations.numpy() > 2 + 6 * report.iterations.numpy()).any()
    ends = [run(START + s * 1e-5 * UPSTREAM, 6 * WEIGHTS)[0] for s in (1, -1)]
    slope = np.sum((ends[0] - ends[1]) * UPSTREAM) / 2e-5
    np.testing.assert_allclose(np.sum(of_y * UPSTREAM), slope, rtol=1e-5)


def test_compiled_by_xla():
    def run(y, weights):
        with tf.GradientTape() as tape:
            tape.watch((y, weights))
            loss = tf.reduce_sum(solve(bent, y, weights, tolerance=1e-8, keep=True)[0] * UPSTREAM)
        return loss, tape.gradient(loss, (y, weights))

    given = tf.convert_to_tensor(START), tf.convert_to_tensor(WEIGHTS)
    plain, jitted = run(*given), tf.function(run, jit_compile=True)(*given)
    for a, b in zip(tf.nest.flatten(jitted), tf.nest.flatten(plain), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)


def test_failures_are_told_event_by_event():
    start = np.array([[0.5], [2.0], [np.nan], [-1.0]])
    y, report = solve(exploding, start, tolerance=1e-4, max_steps=5000)
    assert report.converged.numpy().tolist() == [True, False, False, True]
    np.testing.assert_allclose(y.numpy()[[0, 3], 0], [1.0, -0.5], atol=1e-3)
    # The step became too small long before there were too many.
    assert report.evaluations.numpy().max() < 2 + 6 * 2000


def test_too_few_steps_are_told():
    assert not solve(linear, START, MATRIX, max_steps=3)[1].converged.numpy().any()
    assert solve(linear, START, MATRIX, max_steps=300)[1].converged.numpy().all()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"solver": "euler"}, ("solver", "euler", "dopri5")),
        ({"tolerance": 0.0}, ("rtol", "positive", "0.0")),
        ({"tolerance": -1e-5}, ("rtol", "positive")),
        ({"tolerance": float("nan")}, ("rtol", "positive")),
        ({"max_steps": 0}, ("max_steps", "at least 1", "0")),
        ({"num_steps": 1.5}, ("num_steps", "integer", "1.5")),
    ],
)
def test_settings_are_checked(wrong, words):
    with helpers.raises_one_line(*words):
        settings(**wrong)


def test_tolerances_come_from_the_type():
    assert ode.settings("dopri5", None, None, 9, 9, "float32").rtol == 1e-5
    assert ode.settings("dopri5", None, 1e-3, 9, 9, "float64")[1:3] == (1e-10, 1e-3)


def test_a_report_tells_why_a_solve_failed():
    steep = np.array([[0.1], [5.0]])
    report = solve(exploding, steep, max_steps=5000)[1]
    assert report.converged.numpy().tolist() == [True, False]
    assert report.stuck.numpy().tolist() == [False, True]
    assert "too small" in report.failure() and "too steep" in report.failure()
    report = solve(linear, START, MATRIX, max_steps=2)[1]
    assert not np.any(report.stuck) and "within max_steps" in report.failure()
    report = solve(exploding, 1e200 * steep, solver="rk4")[1]
    assert np.all(report.stuck) and not np.any(report.converged)
    assert solve(linear, START, MATRIX)[1].failure() is None
