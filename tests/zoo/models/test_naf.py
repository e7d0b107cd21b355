import re

import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers

SMALL = {"num_layers": 2, "hidden_units": (8,), "num_units": 4, "seed": 0, "jit_compile": False}


def naf(**settings):
    return helpers.randomize(zoo.NAF((3,), **SMALL | settings), scale=1.0)


def loops(call, x):
    graph = tf.function(call)
    return sum(helpers.operations(graph, x, kind=k) for k in ("While", "StatelessWhile"))


def test_arguments_reach_every_layer():
    flow = zoo.NAF((3,), sigmoid_layers=3, dense=True, tolerance=1e-4, max_iterations=99, **SMALL)
    layers = [part for part in flow.stack.layers if isinstance(part, zoo.layers.Autoregressive)]
    assert [layer.order is None for layer in layers] == [True, False]
    for layer in layers:
        config = layer.transformer.get_config()
        assert (config["num_units"], config["num_layers"], config["dense"]) == (4, 3, True)
        assert (config["tolerance"], config["max_iterations"]) == (1e-4, 99)
        assert layer.implicit == ("decode",)


@pytest.mark.parametrize("fast", ["log_prob", "sample"])
def test_the_fast_direction_takes_one_pass_and_no_iteration(fast):
    flow = naf(fast=fast)
    x = tf.zeros((4, 3))
    inverse, forward = (
        (lambda x: flow.bijector().inverse(x)),
        (lambda x: flow.bijector().forward(x)),
    )
    explicit, iterated = (inverse, forward) if fast == "log_prob" else (forward, inverse)
    assert loops(explicit, x) == 0
    assert loops(iterated, x) > 0


@pytest.mark.slow
def test_conditionals_can_have_two_modes():
    """One layer takes two far heaps of one dimension to one, which no affine map does."""
    rng = np.random.default_rng(0)
    x = (rng.choice([-2.0, 2.0], 2000) + 0.2 * rng.normal(size=2000)).astype("float32")[:, None]
    flow = zoo.NAF((1,), **SMALL | {"num_layers": 1, "num_units": 8})
    flow.adapt(x)
    flow.compile("adam")
    flow.optimizer.learning_rate = 0.1
    flow.fit(x, batch_size=250, epochs=60, verbose=0)
    entropy = np.log(2) + 0.5 * np.log(2 * np.pi * np.e * 0.2**2)
    assert -np.mean(flow.log_prob(x)) < entropy + 0.2  # One Gaussian is 1.6 above it.


def test_reports_of_each_layer():
    flow = naf(dtype="float64", tolerance=1e-9)
    reports = flow.inverse_report(np.random.default_rng(0).normal(size=(5, 3)))
    assert len(reports) == 2
    for _, report in reports:
        assert report.converged.shape == (5,) and np.all(report.converged)
        assert 5 < report.iterations < 60 and np.max(report.residual) < 1e-8
    assert flow.inverse_report(np.zeros((5, 3)), direction="encode") == []


@pytest.mark.slow  # That a flow raises, quick tests of root finding hold.
@pytest.mark.parametrize("fast", ["log_prob", "sample"])
def test_what_does_not_converge_is_raised_and_never_returned(fast, eagerly):
    flow = naf(max_iterations=3, fast=fast)
    x = helpers.data(flow, 4)
    iterated = {
        "log_prob": (lambda: flow.sample(4), lambda: flow.decode(x)),
        "sample": (lambda: flow.log_prob(x), lambda: flow.encode(x)),
    }
    for call in iterated[fast]:
        with pytest.raises(zoo.NotConverged, match=r"\A[^\n]*4 of 4[^\n]*max_iterations[^\n]*\Z"):
            call()
    other = flow.log_prob(x) if fast == "log_prob" else flow.sample(4)
    assert np.isfinite(other).all()
    direction = "decode" if fast == "log_prob" else "encode"
    reports = flow.inverse_report(x, direction=direction)
    assert not np.any(reports[0][1].converged)
    distribution = flow.distribution()
    nan = distribution.sample(4) if fast == "log_prob" else distribution.log_prob(x)
    assert np.isnan(nan).reshape(4, -1).any(axis=1).all()


def test_one_outlier_is_told_of_one(eagerly):
    flow = naf(num_layers=1, num_units=2)
    z = np.zeros((4, 3), "float32")
    z[2, 1] = 3e38
    with pytest.raises(zoo.NotConverged, match=re.escape("1 of 4 events")):
        flow.decode(z)


@pytest.mark.slow
def test_the_export_samples_as_the_flow_does(tmp_path):
    flow = naf(num_layers=1, num_units=2)
    loaded = tf.saved_model.load(str(zoo.export(flow, tmp_path / "export")))
    x = np.asarray(loaded.sample(5, 7, 1.0))
    np.testing.assert_allclose(x, flow.sample(5, seed=7), atol=1e-5)
    z = loaded.encode(x)
    np.testing.assert_allclose(loaded.decode(z), x, atol=1e-4)
    with tf.GradientTape() as tape:
        tape.watch(z)
        out = loaded.decode(z)
    with tf.GradientTape() as own:
        own.watch(z)
        expected = flow.bijector().forward(z)
    found = tape.gradient(out, z)
    np.testing.assert_allclose(found, own.gradient(expected, z), rtol=1e-3, atol=1e-4)


def test_gradients_of_samples_are_those_of_the_implicit_function(without_xla):
    flow = naf(dtype="float64", num_layers=1)
    z = tf.constant(np.random.default_rng(0).normal(size=(2, 3)))
    with tf.GradientTape() as tape:
        x = flow.bijector().forward(z)
        total = tf.reduce_sum(tf.sin(x))
    variables = [v.value for v in flow.trainable_variables]
    found = tape.gradient(total, variables)
    # x(z, w) is fixed by z = g(x, w): its gradient is that of the explicit direction, solved.
    x = tf.constant(x.numpy())
    jacobian = helpers.jacobian(lambda rows, _: flow.bijector().inverse(rows), x.numpy())
    weights = np.linalg.solve(np.swapaxes(jacobian, 1, 2), np.cos(x)[..., None])[..., 0]
    with tf.GradientTape() as tape:
        back = tf.reduce_sum(-weights * flow.bijector().inverse(x))
    for one, other in zip(found, tape.gradient(back, variables), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-7, atol=1e-8)
    assert sum(np.any(g) for g in found) > 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"num_units": 1}, ["num_units", "at least 2", "1"]),
        ({"sigmoid_layers": 0}, ["sigmoid_layers", "at least 1", "0"]),
        ({"fast": "both"}, ["fast", "'sample'", "'both'"]),
        ({"tolerance": 0.0}, ["tolerance", "positive", "0.0"]),
        ({"max_iterations": 0}, ["max_iterations", "at least 1", "0"]),
        ({"order": "up"}, ["order", "'random'", "'up'"]),
    ],
)
def test_refuses(settings, words):
    with helpers.raises_one_line(*words):
        zoo.NAF((3,), **SMALL | settings)
