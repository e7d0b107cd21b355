"""ContinuousFlow: training by likelihood, failures of the solver, and reports."""

import keras
import numpy as np
import pytest

import zoo
from tests import helpers


def flow(size=2, **settings):
    settings = {"hidden_units": (8,), "jit_compile": False, "seed": 0} | settings
    return helpers.randomize(zoo.ContinuousFlow((size,), **settings), seed=1, scale=1.0)


def test_trains_by_likelihood():
    x = np.random.default_rng(0).normal(size=(256, 2)).astype("float32") ** 3
    one = flow(trace="hutchinson", rtol=1e-3, atol=1e-3)
    one.adapt(x)
    one.compile(keras.optimizers.Adam(1e-2))
    history = one.fit(x, batch_size=64, epochs=5, verbose=0).history
    assert history["nats"][-1] > history["nats"][0] + 0.1
    assert set(history) == {"loss", "nats", "bits_per_dim"}


def test_an_event_does_not_depend_on_the_others(eagerly):
    one, x = flow(dtype="float64"), np.random.default_rng(0).normal(size=(5, 2))
    together = one.log_prob(x * [[1], [10], [1], [0], [1]])
    np.testing.assert_allclose(together[2:3], one.log_prob(x[2:3]), rtol=0, atol=1e-13)


@pytest.mark.parametrize("call", ["log_prob", "encode", "decode", "sample"])
def test_a_solver_that_gives_up_is_told_in_one_line(call, eagerly):
    one = flow(max_steps=1)
    x = helpers.data(one, 3)
    with pytest.raises(zoo.NotConverged, match=r"\A[^\n]*3 of 3[^\n]*Continuous[^\n]*\Z"):
        getattr(one, call)(3 if call == "sample" else x)
    assert np.isnan(one.distribution().log_prob(x)).all()
    assert not one.solver_report(x)[0][1].converged.numpy().any()


@pytest.mark.parametrize("call", ["log_prob", "encode", "decode"])
def test_the_line_says_whether_more_steps_would_help(call, eagerly):
    x = helpers.data(flow(), 3)
    with pytest.raises(zoo.NotConverged, match="1 steps within max_steps did not reach the end"):
        getattr(flow(max_steps=1), call)(x)
    one = flow(end_time=1.0)
    one.stack.layers[-1].end_time.assign(40.0)  # The logarithm of the time that is solved for.
    with pytest.raises(zoo.NotConverged, match="too small, or the state was not finite") as caught:
        getattr(one, call)(x)
    assert "max_steps" not in str(caught.value)


def test_reports_of_each_equation():
    one = flow(num_layers=2)
    found = one.solver_report(helpers.data(one, 3))
    assert [name for name, _ in found] == [one.stack.layers[i].name for i in (1, 3)]
    assert all((r.evaluations.numpy() >= 8).all() and r.converged.numpy().all() for _, r in found)
    found = one.inverse_report(helpers.data(one, 3))
    assert all((r.iterations.numpy() >= 1).all() for _, r in found)


def test_equal_steps_are_as_many_as_asked_for(eagerly):
    one = flow(solver="rk4", num_steps=7)
    report = one.solver_report(helpers.data(one, 3))[0][1]
    assert (report.evaluations.numpy() == 28).all() and (report.iterations.numpy() == 7).all()
    x = helpers.data(one, 3)
    np.testing.assert_allclose(one.log_prob(x), flow().log_prob(x), atol=1e-3)


@pytest.mark.slow
def test_exported_it_is_the_same(tmp_path):
    one = flow()
    x = helpers.data(one, 3)
    loaded = zoo.load_exported(zoo.export(one, tmp_path / "exported"))
    np.testing.assert_allclose(loaded.log_prob(x), one.log_prob(x), rtol=0, atol=1e-5)
    z = loaded.encode(x)
    np.testing.assert_allclose(z, one.encode(x), rtol=0, atol=1e-5)
    np.testing.assert_allclose(loaded.decode(z), x, rtol=0, atol=1e-4)
    assert loaded.sample(4, seed=1).shape == (4, 2)
