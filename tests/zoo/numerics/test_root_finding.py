"""Iterations that tell how they went: fixed points, roots, and flows that use them."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from zoo import bijectors
from zoo.numerics import record
from zoo.numerics.root_finding import bracketed_root, fixed_point, or_nan

RNG = np.random.default_rng(0)


def iterated(step, start, *limits):
    """`fixed_point` in a graph, where thousands of steps take no time."""
    return tf.function(lambda x: fixed_point(step, x, *limits), autograph=False)(start)


@pytest.mark.parametrize("jit_compile", [None, False, True])
def test_fixed_point(jit_compile):
    def run(y):
        x, report = fixed_point(lambda x: y - 0.5 * tf.sin(x), y, 1e-12, 200)
        return x, *report[:3]

    if jit_compile is not None:
        run = tf.function(run, jit_compile=jit_compile)
    y = tf.constant(RNG.normal(size=(5, 3)))
    x, count, converged, residual = run(y)
    np.testing.assert_allclose(x + 0.5 * tf.sin(x), y, atol=1e-11)
    assert np.all(converged) and residual.shape == (5,) and np.max(residual) <= 3e-12
    assert 10 < count < 60


def test_fixed_point_where_rounding_goes_to_and_fro():
    y = np.linspace(0.0, 1.0, 4001, dtype="float32")[:, None]

    def step(x):
        # float32 numbers around 16 are 1.9e-6 apart.
        return y - np.float32(0.97) * ((x + np.float32(16)) - np.float32(16))

    x = y
    for _ in range(1000):
        x = step(x)
    assert np.mean(abs(step(x) - x) > 1e-6) > 0.1
    x, report = iterated(
        lambda x: tf.ensure_shape(tf.numpy_function(step, [x], x.dtype), x.shape), y, 1e-6, 1000
    )
    assert np.all(report.converged)
    np.testing.assert_allclose(x, y / 1.97, atol=2e-6)


def test_fixed_point_of_a_slow_contraction_is_as_near_as_the_tolerance():
    y = np.linspace(-1.0, 1.0, 21)[:, None]
    x, report = iterated(lambda x: y + 0.95 * x, tf.constant(y), 1e-4, 1000)
    assert np.all(report.converged)
    # The last step is 1 / 19 of what is still to come.
    assert np.max(abs(x - 20 * y)) < 1e-4 * 20
    assert np.max(report.residual) < 0.1 * 1e-4 * 20


@pytest.mark.parametrize("symmetric", [False, True])
def test_fixed_point_of_a_contraction_in_many_dimensions(symmetric):
    matrix = np.linalg.qr(RNG.normal(size=(64, 64)))[0]
    if symmetric:
        matrix = matrix @ np.diag(np.linspace(-1.0, 1.0, 64)) @ matrix.T
    y = RNG.normal(size=(20, 64))
    x, report = iterated(lambda x: y - 0.97 * x @ matrix, tf.constant(y), 1e-6, 5000)
    assert np.all(report.converged)
    exact = y @ np.linalg.inv(np.eye(64) + 0.97 * matrix)
    error = np.max(abs(x - exact), axis=1) / np.maximum(1, np.max(abs(exact), axis=1))
    # A step is at most 1e-6 at the end, and 33 times as much may be to come.
    assert np.max(error) < 5e-7


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("bound, error", [(0.97, 2e-5), (0.99, 1.2e-4)])
def test_fixed_point_of_a_strong_contraction_in_float32(bound, error, jit_compile):
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.normal(size=(64, 64)))[0]
    matrix = (turn * np.linspace(0.1, 1.0, 64) * bound) @ turn.T
    y = rng.normal(size=(300, 64))
    factor = tf.constant(matrix, tf.float32)

    @tf.function(jit_compile=jit_compile)
    def run(y):
        x, report = fixed_point(lambda x: y + x @ factor, y, 1e-6, 1000)
        return x, report.converged

    x, converged = run(tf.constant(y, tf.float32))
    # Steps of .99^1000 of the first are within the tolerance: rounding must not slow them.
    assert np.all(converged)
    exact = y @ np.linalg.inv(np.eye(64) - matrix)
    found = np.max(abs(x - exact), axis=1) / np.maximum(1, np.max(abs(exact), axis=1))
    # Of a step of 1e-6 there would be 3.2e-5 and 1e-4 to come.
    assert np.max(found) < error


def test_fixed_point_of_one_event_does_not_depend_on_the_others():
    y = tf.constant(RNG.normal(size=(5, 3)))
    both = fixed_point(lambda x: y - 0.9 * tf.sin(x), y, 1e-3, 200)[0]
    alone = fixed_point(lambda x: y[:1] - 0.9 * tf.sin(x), y[:1], 1e-3, 200)[0]
    helpers.assert_same(both[:1], alone)


def test_an_iteration_that_diverges_or_is_cut_off_says_so():
    factor = tf.constant([[0.5], [1.5]])
    x, report = fixed_point(lambda x: factor * x + 1.0, tf.ones((2, 1)), 1e-5, 50)
    assert report.converged.numpy().tolist() == [True, False]
    assert int(report.iterations) == 50 and report.residual[1] > 1
    assert np.isnan(or_nan(x, report.converged)).tolist() == [[False], [True]]
    x, report = fixed_point(lambda x: x * np.nan, tf.ones((2, 1)), 1e-5, 5)
    assert not np.any(report.converged)


def test_tolerance_is_relative_for_large_values():
    y = tf.constant([[1e6], [1.0]], tf.float32)
    report = fixed_point(lambda x: y - 0.5 * tf.sin(x), y, 1e-6, 100)[1]
    assert np.all(report.converged)


FUNCTIONS = {
    "linear": lambda x: 3.0 * x,
    "cubic": lambda x: x**3,
    "steep": lambda x: tf.tanh(40.0 * x) + 1e-3 * x,
    "exponential": lambda x: tf.exp(x) - 1.0,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bracketed_root(name):
    shift = tf.constant(RNG.normal(size=(6, 2)) * 20.0)
    low, high = -tf.ones_like(shift), tf.ones_like(shift)

    def function(x):
        return FUNCTIONS[name](x - shift)

    x, report = bracketed_root(function, low, high, 1e-12, 200)
    np.testing.assert_allclose(x, shift, rtol=0, atol=1e-10)
    assert np.all(report.converged) and report.residual.shape == (6,)
    # Bisection to 1e-12 takes 43 steps and more after the bracket is found.
    assert int(report.iterations) < (60 if name != "linear" else 30)


def test_bracketed_root_is_compiled_and_says_where_there_is_none():
    @tf.function(jit_compile=True)
    def run(shift):
        x, report = bracketed_root(
            lambda x: tf.tanh(x) - shift, tf.constant([[-1.0]] * 2), tf.constant([[1.0]] * 2),
            1e-6, 100,
        )  # fmt: skip
        return x, report.converged

    x, converged = run(tf.constant([[0.5], [1.5]]))
    np.testing.assert_allclose(x[0], np.arctanh(0.5), rtol=1e-5)
    assert converged.numpy().tolist() == [True, False]


# Flows with a layer that iterates.


class _Stubborn(bijectors.OnePassBijector):
    """`z = 1.5 x`, undone by an iteration that fails far out."""

    def inverse_and_log_det(self, y):
        return 1.5 * y, tf.zeros(tf.shape(y)[:-1]) + 2 * np.log(1.5)

    def forward_and_log_det(self, x):
        x = tf.convert_to_tensor(x)
        start = tf.where(tf.abs(x) > 10.0, np.inf, x)
        y, report = fixed_point(lambda y: x - 0.5 * y, start, 1e-6, 100)
        record("stubborn", report)
        return or_nan(y, report.converged), tf.zeros(tf.shape(x)[:-1]) - 2 * np.log(1.5)


class Stubborn(zoo.layers.FlowLayer):
    implicit = ("decode",)

    def bijector(self, context=None, randomness=None):
        return _Stubborn(1, **self._options())


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_flow_raises_where_an_inverse_did_not_converge(jit_compile):
    flow = zoo.Flow([Stubborn((2,))], jit_compile=jit_compile)
    z = np.ones((3, 2), "float32")
    np.testing.assert_allclose(flow.decode(z), z / 1.5, atol=1e-5)
    z[1] = 100.0
    with pytest.raises(zoo.NotConverged, match=r"decode.* 1 of 3 events.*Stubborn[^\n]*$"):
        flow.decode(z)
    with pytest.raises(zoo.NotConverged):
        flow.interpolate(np.full(2, 5.0, "float32"), np.full(2, 50.0, "float32"))
    assert flow.encode(z).shape == (3, 2)
    assert np.isnan(flow.bijector().forward(z)).any(axis=1).tolist() == [False, True, False]
    assert isinstance(zoo.NotConverged(), RuntimeError)


def test_a_flow_reports_on_its_iterations():
    flow = zoo.Flow([Stubborn((2,)), zoo.layers.ActNorm((2,)), Stubborn((2,))], jit_compile=False)
    z = np.ones((3, 2), "float32")
    z[1] = 100.0
    found = flow.inverse_report(z)
    assert [name for name, _ in found] == ["stubborn"] * 2
    assert found[0][1].converged.numpy().tolist() == [True, False, True]
    assert flow.inverse_report(z, direction="encode") == []
    with helpers.raises_one_line("direction", "'back'"):
        flow.inverse_report(z, direction="back")
    with helpers.raises_one_line("rows", "[batch, 2]"):
        flow.inverse_report(z[0])
