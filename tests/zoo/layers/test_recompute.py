"""Training that computes its activations again: the same numbers, less memory."""

import functools
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from tests import helpers
from zoo import computations

GLOW = {"levels": 8, "scales": 2, "steps": 2, "width": 5}
CASES = {
    "glow": (zoo.Glow, (4, 4, 1), GLOW),
    "glow_context": (zoo.Glow, (4, 4, 1), GLOW | {"context_shape": (3,)}),
    "real_nvp_images": (zoo.RealNVP, (4, 4, 1), {"scales": 1, "width": 4, "blocks": 0}),
    "real_nvp": (zoo.RealNVP, (5,), {"num_layers": 4, "hidden_units": (8,), "num_classes": 3}),
    "maf": (zoo.MAF, (5,), {"num_layers": 3, "hidden_units": (8,)}),
    "iaf": (zoo.IAF, (5,), {"num_layers": 2, "hidden_units": (8,)}),
}


def build(name, recompute, dtype="float64", **changes):
    family, shape, settings = CASES[name]
    settings = settings | {"seed": 0, "jit_compile": False, "dtype": dtype} | changes
    return helpers.randomize(family(shape, recompute=recompute, **settings), seed=1, scale=0.3)


def gradients(flow, eager=False):
    """The mean log-likelihood of a batch, and its gradient by data, context and weights."""
    x = tf.constant(helpers.floats(flow, 3))
    context = helpers.context(flow, 3)
    context = None if context is None else tf.constant(context)
    sources = [x] if context is None or flow.num_classes else [x, context]

    def run():
        with tf.GradientTape() as tape:
            tape.watch(sources)
            value = tf.reduce_mean(computations.density(flow, x, context))
        variables = [v.value for v in flow.trainable_variables]
        return value, tape.gradient(value, [*sources, *variables])

    return (run if eager else tf.function(run))()


@functools.cache
def plain_gradients(name):
    return gradients(build(name, None))


def worst(found, expected):
    pairs = zip(found[1], expected[1], strict=True)
    return max(np.abs(a - b).max() / max(np.abs(b).max(), 1e-6) for a, b in pairs)


# Images, labels and vectors in a scan and without; the others are slow.
QUICK = ("glow_context", "real_nvp", "maf")


@pytest.mark.parametrize("mode", ["inverse", "checkpoint"])
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in QUICK)) for n in CASES]
)
def test_gradients_are_those_of_the_plain_flow(name, mode):
    plain, again = plain_gradients(name), gradients(build(name, mode))
    assert abs(plain[0] - again[0]) < 1e-12
    assert worst(again, plain) < (1e-8 if mode == "inverse" else 1e-12)


@pytest.mark.parametrize("mode", ["inverse", "checkpoint"])
def test_float32_and_eager(mode):
    plain = gradients(build("glow", None, "float32"))
    assert worst(gradients(build("glow", mode, "float32"), eager=True), plain) < 1e-4


@pytest.mark.parametrize("mode", ["inverse", pytest.param("checkpoint", marks=pytest.mark.slow)])
def test_training_and_files(mode, tmp_path):
    flow = build("glow", mode, "float32")
    x = np.random.default_rng(0).integers(0, 8, size=(32, 4, 4, 1))
    flow.compile(keras.optimizers.Adam(1e-2))
    losses = [flow.fit(x, batch_size=16, verbose=0, shuffle=False).history["loss"][0]]
    losses += flow.fit(x, batch_size=16, epochs=3, verbose=0, shuffle=False).history["loss"]
    assert losses[-1] < losses[0]
    loaded = helpers.saved_and_loaded(flow, tmp_path)
    assert loaded.recompute == mode
    assert all(stack.recompute == mode for stack in loaded.stack.layers[-1].scales)
    helpers.assert_same(loaded.log_prob(x, seed=0), flow.log_prob(x, seed=0))


@pytest.mark.parametrize("mode", ["inverse", "checkpoint"])
def test_repeated_steps_are_traced_once(mode, monkeypatch):
    calls, network = [], zoo.networks.ConvNet

    def counted(self, x, context, hidden, original=network._run):
        calls.append(x)
        return original(self, x, context, hidden)

    def traced(steps):
        flow = build("glow", mode, steps=steps, scales=1)
        calls.clear()
        gradients(flow)
        return len(calls)

    monkeypatch.setattr(network, "_run", counted)
    assert traced(2) == traced(5) > 0


MEMORY = """
import sys, threading, time, keras, numpy as np, zoo
flow = zoo.Glow((32, 32, 3), levels=256, scales=1, steps=int(sys.argv[2]), width=128, seed=0,
                recompute=None if sys.argv[1] == "None" else sys.argv[1])
x = np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3)).astype("uint8")
def resident():
    lines = open("/proc/self/status").read().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])
flow.adapt(x[:4])
flow.compile(keras.optimizers.Adam(1e-4))
for n in (1, 2):  # two batch sizes: after them nothing is traced again
    flow.fit(x[:n], batch_size=n, verbose=0)
before, most, done = resident(), [0], []
def watch():
    while not done:
        most[0] = max(most[0], resident())
        time.sleep(0.002)
thread = threading.Thread(target=watch)
thread.start()
flow.fit(x, batch_size=64, epochs=2, verbose=0)
done.append(True)
thread.join()
print("kilobytes", most[0] - before)
"""


def memory(recompute, steps):
    """Kilobytes that training steps take on top of the flow, in a process of their own."""
    command = [sys.executable, "-c", MEMORY, str(recompute), str(steps)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    return int(done.stdout.split("kilobytes")[-1])


@pytest.mark.slow
def test_memory_does_not_grow_with_depth():
    plain, again = (memory(mode, 8) - memory(mode, 2) for mode in (None, "inverse"))
    print(f"6 more steps take {plain / 1024:.0f} MB more, recomputed {again / 1024:.0f} MB")
    assert again < 0.25 * plain


def test_a_frozen_layer_stays_as_it_is():
    flow = build("real_nvp", "inverse")
    flow.stack.layers[1].trainable = False
    plain = build("real_nvp", None)
    plain.stack.layers[1].trainable = False
    expected = gradients(plain)
    assert len(expected[1]) < len(plain_gradients("real_nvp")[1])
    assert worst(gradients(flow), expected) < 1e-8


def test_bad_modes_are_refused():
    with helpers.raises_one_line("recompute", "inverse", "sometimes"):
        build("glow", "sometimes")
    for family in (zoo.Planar, zoo.NAF, zoo.ContinuousFlow):
        with helpers.raises_one_line("recompute='inverse'", "iterated", "checkpoint"):
            family((2,), recompute="inverse")


def test_a_base_that_iterates_is_not_recomputed():
    settings = {"num_layers": 1, "hidden_units": (8,), "seed": 0, "jit_compile": False}
    flow = zoo.RealNVP((2,), base=zoo.NAF((2,), **settings), recompute="inverse", **settings)
    assert flow.recompute == "inverse"
    with helpers.raises_one_line("recompute='inverse'", "iterated"):
        zoo.NAF((2,), base=zoo.RealNVP((2,), **settings), recompute="inverse", **settings)
