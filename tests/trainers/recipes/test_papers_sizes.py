"""The papers' CIFAR-10 configurations, full size: one training step each."""

import resource
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from trainers import train
from trainers.runs import families, flagfiles, optimizers

from .test_recipes import RECIPES

CIFAR = SimpleNamespace(name="cifar10", event_shape=(32, 32, 3), levels=256, num_classes=10)


def real_nvp_parameters(channels=3, width=64, blocks=8):
    """Those of the paper's networks: two scales, the first squeezed to twice the width."""

    def network(seen, out, width):
        convs = 9 * seen * width + blocks * 2 * 9 * width**2 + (blocks + 1) * width**2
        return convs + width * out

    board = network(2 * channels + 1, 2 * channels, width)
    half = network(4 * channels, 4 * channels, 2 * width)
    last = network(4 * channels + 1, 4 * channels, 2 * width)
    return 3 * board + 3 * half + 4 * last


# Glow is commonly given with 44 M; RealNVP's authors give no count, so that its kernels are counted
# here from the paper's description.
REFERENCE = {"glow-cifar10": 44.0e6, "realnvp-cifar10": real_nvp_parameters()}


@pytest.mark.slow
@pytest.mark.parametrize("recipe", REFERENCE)
def test_one_training_step(recipe):
    flags = [f"--flagfile={RECIPES / recipe}.flags", "--model_dir=x", "--batch_size=4"]
    options = flagfiles.new_options(train.define_flags, flags)
    flow = families.build(options, CIFAR)
    x = np.random.default_rng(0).integers(0, 256, size=(4, 32, 32, 3)).astype("uint8")
    flow.adapt(x)
    flow.compile(optimizers.make(options, flow, steps=1), jit_compile=False)
    before = [keras.ops.convert_to_numpy(v) for v in flow.trainable_variables]
    logs = flow.fit(x, batch_size=4, epochs=1, verbose=0)
    moved = [
        np.abs(keras.ops.convert_to_numpy(v) - b).max() > 0
        for v, b in zip(flow.trainable_variables, before, strict=True)
    ]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    count, reference = flow.count_params(), REFERENCE[recipe]
    print(
        f"{recipe}: {count:,} parameters, the reference about {reference:,.0f}; one step at "
        f"batch 4: {logs.history['bits_per_dim'][0]:.2f} bits/dim, {memory:.1f} GiB at most"
    )
    # Glow's networks end in zeros at the start, which lets no gradient through to what is below.
    assert np.isfinite(logs.history["loss"][0]) and np.mean(moved) > 0.3
    assert 0.97 < count / reference < 1.03
