"""The same models on JAX, in a process of its own: Keras has one backend a process."""

import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

from tests.zoo import table

ROOT = pathlib.Path(__file__).parents[2]
has_jax = importlib.util.find_spec("jax") is not None
# A model of each mechanism: couplings, sweeps both ways, classes, roots, estimates, equations; the
# rest is slow, and so is the only one of the convolutions, which have a check of their own.
QUICK = {"real_nvp", "maf_classes", "iaf", "naf", "planar", "residual_flow_roulette", "continuous"}
assert table.MODELS.keys() >= QUICK, QUICK - table.MODELS.keys()


# One of each solver, loop and permutation; the one that is quick finds a root.
DERIVATIVES = ["real_nvp", "iaf", "planar", "sylvester", "naf", "i_resnet", "maf_random", "layers"]
MODELS = [name for name in table.MODELS if name not in table.TENSORFLOW_ONLY]


@pytest.fixture(scope="module")
def said(request):
    """What one process said of all that is asked for: `{check: "ok", or what went wrong}`."""
    asked = [i.callspec.params for i in request.session.items if i.path == request.path]
    variables = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    result = subprocess.run(
        [sys.executable, "-m", "tests.zoo.jax_process", *(one["check"] for one in asked)],
        cwd=ROOT,
        env=os.environ | variables | {"JAX_DISABLE_MOST_OPTIMIZATIONS": "1"},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    pairs = [line.partition(" ")[::2] for line in result.stdout.splitlines()]
    assert pairs, result.stderr[-2000:]
    return dict(pairs)


@pytest.mark.skipif(not has_jax, reason="jax is not installed: pip install flow-zoo[jax]")
@pytest.mark.parametrize(
    "check",
    [
        "convolution",
        *table.params([f"smoke/{n}" for n in QUICK], [f"smoke/{n}" for n in MODELS]),
        *table.params(["derivatives/planar"], [f"derivatives/{n}" for n in DERIVATIVES]),
    ],
)
def test_on_jax(check, said):
    assert said.get(check) == "ok"
