"""Every competitor that is installed builds, trains and samples the same models."""

import dataclasses

import numpy as np
import pytest

from benchmarks import comparison, competitors
from benchmarks.tasks import TASKS, Task, masks

TINY = {
    "real_nvp": Task("tiny", "real_nvp", (6,), 5, 2, (16, 16)),
    "maf": Task("tiny", "maf", (6,), 5, 2, (25, 25)),
    "glow": Task("tiny", "glow", (8, 8, 3), 2, 1, (8,), 2),
    "residual": Task("tiny", "residual", (9,), 5, 1, (16, 16)),
}
# Of the sizes that are compared, as far as counting goes.
COUNTED = {name: dataclasses.replace(task, batch=2) for name, task in TASKS.items()}
COUNTED |= {name: dataclasses.replace(COUNTED[name], layers=1) for name in list(TASKS)[2:]}
ALL = list(competitors.COMPETITORS)
# Another's models, with an option that changes no count.
SAME = {"tfp-xla", "coarse"}
OWN = [name for name in ALL if name not in SAME]
# How ours compile is for the tests of the library, and for the slow ones here.
SLOW = {("zoo", "maf"), ("zoo", "glow"), ("zoo", "residual"), ("tfp", "glow")}
FAST = [(name, family) for name in OWN for family in TINY if (name, family) not in SLOW]


def build(name, task, steps=1):
    try:
        builder = competitors.builder(name, task.family)
    except ImportError as error:
        pytest.skip(f"{name}: {error}")
    if builder is None:
        pytest.skip(f"{name} has no {task.family}")
    return builder(task, steps)


def check_works(name, family):
    task = TINY[family]
    model = build(name, task, steps=2)
    before = model.log_prob()
    assert before.shape == (task.batch,) and np.isfinite(before).all()
    if (name, family) == ("networks", "maf"):
        with pytest.raises(NotImplementedError, match="no single pass"):
            model.sample()
    else:
        sample = model.sample()
        assert sorted(sample.shape) == sorted((task.batch, *task.event_shape))
        assert np.isfinite(sample).all()
    assert np.isfinite(model.train())
    assert not np.allclose(model.log_prob(), before), "training changes the density"


@pytest.mark.parametrize(("name", "family"), FAST)
def test_tiny_models_work(name, family, eagerly):
    check_works(name, family)


@pytest.mark.slow
@pytest.mark.parametrize("family", TINY)
@pytest.mark.parametrize("name", ALL)
def test_tiny_models_work_compiled(name, family):
    check_works(name, family)


@pytest.mark.parametrize("task", COUNTED)
@pytest.mark.parametrize("name", OWN)
def test_counts_of_parameters_agree(name, task, eagerly):
    task = COUNTED[task]
    count = build(name, task).parameters
    assert count == pytest.approx(task.parameters(), rel=comparison.TOLERANCE)


@pytest.mark.parametrize("family", ["real_nvp", "maf"])
def test_the_flow_by_hand_is_that_of_tensorflow_probability(family, eagerly):
    tfp, by_hand = (build(name, TINY[family]) for name in ("tfp", "by-hand"))
    np.testing.assert_allclose(by_hand.log_prob(), tfp.log_prob(), rtol=1e-4)


def test_sampling_a_maf_by_hand_inverts_its_density():
    tf = pytest.importorskip("tensorflow")
    from benchmarks.competitors import by_hand, tensorflow_common

    task = Task("tiny", "maf", (6,), 4, 1, (8, 8))
    network = tensorflow_common.network((6, 8, 8, 12), masks=masks(task))
    for layer in network.layers:
        layer.bias.assign(tf.random.normal(layer.bias.shape))
    u = tf.random.normal((4, 6))
    x = by_hand.sequential(network, u, 6)
    params = tf.reshape(network(x), (-1, 6, 2))
    back = (x - params[..., 0]) * tf.exp(-tf.tanh(params[..., 1]))
    np.testing.assert_allclose(back, u, atol=1e-5)


@pytest.mark.slow
def test_coarse_inverses_take_fewer_steps_and_are_within_their_tolerance():
    from tests.helpers import randomize

    found, task = [], dataclasses.replace(TINY["residual"], layers=2)
    for name in ("zoo", "coarse"):
        flow = randomize(build(name, task).flow)
        x = task.data()
        z = flow.encode(x)
        steps = sum(int(report.iterations) for _, report in flow.inverse_report(z))
        found.append((steps, np.abs(flow.decode(z) - x).max()))
    (fine, small), (coarse, large) = found
    assert coarse < 0.7 * fine and small < large < 3e-3


def test_masked_weights_stay_zero_in_training(eagerly):
    task = TINY["maf"]
    model = build("by-hand", task, steps=2)
    model.train()
    kernels = [layer.kernel.numpy() for layer in model.networks[0].layers]
    for kernel, mask in zip(kernels, masks(task), strict=True):
        assert not kernel[~mask].any() and kernel[mask].all()


def test_every_competitor_has_modules():
    from importlib.util import find_spec

    for entry in competitors.COMPETITORS.values():
        assert find_spec(f"benchmarks.competitors.{entry.module}")
        assert find_spec(f"benchmarks.competitors.{entry.framework}_common")
