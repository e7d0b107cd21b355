"""Every competitor that is installed builds, trains and samples the same models."""

import dataclasses

import numpy as np
import pytest

from benchmarks import comparison, competitors
from benchmarks.tasks import TASKS, Task

TINY = {
    "real_nvp": Task("tiny", "real_nvp", (6,), 5, 2, (16, 16)),
    "maf": Task("tiny", "maf", (6,), 5, 2, (25, 25)),
    "glow": Task("tiny", "glow", (8, 8, 3), 2, 1, (8,), 2),
    "residual": Task("tiny", "residual", (9,), 5, 2, (16, 16)),
}
# Of the sizes that are compared, as far as counting goes.
COUNTED = {
    "T1": dataclasses.replace(TASKS["T1"], batch=2),
    "T2": dataclasses.replace(TASKS["T2"], batch=2),
    "T3": dataclasses.replace(TASKS["T3"], batch=2, layers=1),
    "T4": dataclasses.replace(TASKS["T4"], batch=1, layers=1),
    "T5": dataclasses.replace(TASKS["T5"], batch=2),
    "T5-D2": dataclasses.replace(TASKS["T5-D2"], batch=2),
}
ALL = list(competitors.COMPETITORS)
# The same code as without XLA, which takes long to compile.
TINY_RUNS = [pytest.param(n, marks=pytest.mark.slow) if n == "tfp-xla" else n for n in ALL]


def load(name):
    try:
        return competitors.load(name)
    except ImportError as error:
        pytest.skip(f"{name}: {error}")


def build(name, task, steps=1):
    competitor = load(name)
    why = competitor.left_out(task)
    if why:
        pytest.skip(f"{name} {why}")
    return competitor.build(task, steps)


def check_sample(sample, task):
    assert sorted(sample.shape) == sorted((task.batch, *task.event_shape))
    assert np.isfinite(sample).all()


@pytest.mark.parametrize("family", TINY)
@pytest.mark.parametrize("name", TINY_RUNS)
def test_tiny_models_work(name, family):
    task = TINY[family]
    model = build(name, task, steps=2)
    before = model.log_prob()
    assert before.shape == (task.batch,) and np.isfinite(before).all()
    if (name, family) == ("networks", "maf"):
        with pytest.raises(NotImplementedError, match="no single pass"):
            model.sample()
    else:
        check_sample(model.sample(), task)
    assert np.isfinite(model.train())
    assert not np.allclose(model.log_prob(), before), "training changes the density"


@pytest.mark.parametrize("task", COUNTED)
@pytest.mark.parametrize("name", ALL)
def test_counts_of_parameters_agree(name, task):
    task = COUNTED[task]
    count = build(name, task).num_params()
    assert count == pytest.approx(task.parameters(), rel=comparison.TOLERANCE)


@pytest.mark.parametrize("name", ALL)
def test_what_is_left_out_has_a_reason(name):
    competitor = load(name)
    for task in TINY.values():
        why = competitor.left_out(task)
        assert why is None or (isinstance(why, str) and "\n" not in why)


@pytest.mark.parametrize("family", ["real_nvp", "maf"])
def test_the_flow_by_hand_is_that_of_tensorflow_probability(family):
    tfp, by_hand = (build(name, TINY[family]) for name in ("tfp", "by-hand"))
    np.testing.assert_allclose(by_hand.log_prob(), tfp.log_prob(), rtol=1e-4)


def test_sampling_a_maf_by_hand_inverts_its_density():
    tf = pytest.importorskip("tensorflow")
    from benchmarks.competitors import by_hand, tensorflow_common
    from benchmarks.tasks import masks

    network = tensorflow_common.Dense((6, 8, 8, 12), masks(6, (8, 8)))
    for bias in network.biases:
        bias.assign(tf.random.normal(bias.shape))
    u = tf.random.normal((4, 6))
    x = by_hand._sequential(network, u, 6)
    params = tf.reshape(network(x), (-1, 6, 2))
    back = (x - params[..., 0]) * tf.exp(-tf.tanh(params[..., 1]))
    np.testing.assert_allclose(back, u, atol=1e-5)


def test_coarse_inverses_take_fewer_steps_and_are_within_their_tolerance():
    from tests.helpers import randomize

    found = []
    for name in ("zoo", "coarse"):
        flow = build(name, TINY["residual"]).flow
        randomize(flow)
        flow.update_spectral_norms()
        x = TINY["residual"].data()
        z = flow.encode(x)
        steps = sum(int(report.iterations) for _, report in flow.inverse_report(z))
        found.append((steps, np.abs(flow.decode(z) - x).max()))
    (fine, small), (coarse, large) = found
    assert coarse < 0.7 * fine and small < large < 3e-3


def test_masked_weights_stay_zero_in_training():
    pytest.importorskip("tensorflow")
    from benchmarks.competitors import tensorflow_common

    mask = np.array([[1, 0], [1, 1]], bool)
    network = tensorflow_common.Dense((2, 2), [mask])
    network.kernels[0].assign(np.ones((2, 2)))
    network.project()
    assert np.array_equal(network.kernels[0].numpy(), mask)
    assert network.num_params() == 3 + 2


def test_unknown_names_are_told():
    with pytest.raises(ValueError, match=r"among zoo, .*got nobody\.$"):
        competitors.names(["zoo", "nobody"])
    assert competitors.names(["zuko", "zoo"]) == ["zoo", "zuko"]
    assert competitors.names([]) == ALL
