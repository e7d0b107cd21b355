"""Callbacks: what is kept, and when training ends."""

import keras
import numpy as np
import pytest

import zoo
from trainers.runs import callbacks


class FakeRun:
    """Remembers what it is told."""

    writes = True

    def __init__(self):
        self.best = []

    def save_best(self, arrays, meta):
        self.best.append((arrays, meta))


def flow_with_average():
    flow = zoo.MAF(event_shape=(2,), num_layers=1, hidden_units=(4,), seed=0)
    optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9)
    flow.compile(optimizer)
    optimizer.build(flow.trainable_variables)
    rng = np.random.default_rng(0)
    for _ in range(3):
        optimizer.apply([rng.normal(size=v.shape) for v in flow.trainable_variables])
    return flow


def test_the_average_is_validated_and_kept_and_the_weights_come_back():
    flow = flow_with_average()
    weights = flow.get_weights()
    averages = [np.array(v) for v in flow.optimizer._model_variables_moving_average]
    assert any(np.abs(w - a).max() > 1e-3 for w, a in zip(weights, averages, strict=True))
    run = FakeRun()
    keep = callbacks.KeepBest(run, {"epoch": 0, "loss": 5.0})
    keep.set_model(flow)
    keep.on_epoch_begin(0)
    keep.on_test_begin()
    for a, b in zip(flow.get_weights(), averages, strict=True):
        np.testing.assert_array_equal(a, b)
    keep.on_test_end({"loss": 4.0})
    for kept, average in zip(run.best[0][0], averages, strict=True):
        np.testing.assert_array_equal(kept, average)
    assert run.best[0][1] == keep.best == {"epoch": 1, "loss": 4.0}
    for now, before in zip(flow.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, before)


def test_only_a_better_loss_is_kept_and_patience_ends():
    flow = zoo.MAF(event_shape=(2,), num_layers=1, hidden_units=(4,))
    flow.compile("sgd")
    run = FakeRun()
    keep = callbacks.KeepBest(run, {"epoch": 0, "loss": np.inf}, patience=2)
    keep.set_model(flow)
    flow.stop_training = False
    stopped = []
    for epoch, loss in enumerate([3.0, np.nan, 2.0, 2.0, np.inf]):
        keep.on_epoch_begin(epoch)
        keep.on_test_begin()
        keep.on_test_end({"loss": loss})
        keep.on_epoch_end(epoch)
        stopped.append(flow.stop_training)
    assert [meta["epoch"] for _, meta in run.best] == [1, 3]
    assert stopped == [False, False, False, False, True]
    assert keep.exhausted(5) and not keep.exhausted(4)
    assert not callbacks.KeepBest(run, {"epoch": 1, "loss": 0.0}).exhausted(99)


def test_a_loss_that_is_no_number_stops_training_and_tells_where():
    flow = flow_with_average()
    watch = callbacks.StopWhenNotFinite()
    watch.set_model(flow)
    watch.on_epoch_begin(4)
    watch.on_train_batch_end(0, {"loss": np.float32(3.0)})
    with pytest.raises(callbacks.Diverged, match=r"nan at step 3 \(step 8 of epoch 5\)"):
        watch.on_train_batch_end(7, {"loss": np.float32("nan")})
    with pytest.raises(callbacks.Diverged, match="inf"):
        watch.on_train_batch_end(7, {"loss": np.array([np.inf])})


def test_state_is_restored_with_the_random_state_and_the_optimizer():
    flow, other = flow_with_average(), flow_with_average()
    flow.optimizer.apply([np.ones(v.shape) for v in flow.trainable_variables])
    flow(np.zeros((3, 2), "float32"))
    arrays = [callbacks.value(v) for v in callbacks.state(flow)]
    paths = [v.path for v in callbacks.state(flow)]
    assert any("seed_generator" in path for path in paths)
    assert any("iteration" in path for path in paths)
    assert not any("nats" in path for path in paths)
    callbacks.restore(other, arrays)
    for a, b in zip(callbacks.state(other), arrays, strict=True):
        np.testing.assert_array_equal(callbacks.value(a), b)
    with pytest.raises(ValueError, match="do not fit"):
        callbacks.restore(other, arrays[:-1])
