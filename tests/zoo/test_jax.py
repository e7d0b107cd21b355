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
# A model of each mechanism: couplings, convolutions, sweeps both ways, classes, roots, estimates,
# equations; the rest is slow.
QUICK = {"real_nvp", "glow", "maf_classes", "iaf", "naf", "planar", "residual_flow_roulette"}
QUICK |= {"continuous"}
assert table.MODELS.keys() >= QUICK, QUICK - table.MODELS.keys()


@pytest.fixture(scope="module")
def lines(request):
    """What the process printed of every model that is asked for, by name."""
    here = [i for i in request.session.items if i.path == request.path]
    here = [i.callspec.params["name"] for i in here if i.originalname == "test_runs_on_jax"]
    return printed("tests.zoo.jax_smoke", here)


def printed(program, names):
    """What a program printed of models, by their name."""
    result = subprocess.run(
        [sys.executable, "-m", program, *names],
        cwd=ROOT,
        env=os.environ
        | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "JAX_DISABLE_MOST_OPTIMIZATIONS": "1"},
        capture_output=True,
        text=True,
        timeout=900,
    )
    pairs = [line.partition(" ")[::2] for line in result.stdout.splitlines()]
    assert pairs, result.stderr[-2000:]
    return dict(pairs)


@pytest.mark.skipif(not has_jax, reason="jax is not installed: pip install flow-zoo[jax]")
@pytest.mark.parametrize(
    "name", table.params(QUICK, [n for n in table.MODELS if n not in table.TENSORFLOW_ONLY])
)
def test_runs_on_jax(name, lines):
    assert lines.get(name) == "ok"


# One of each solver, loop and permutation.
DERIVATIVES = ["real_nvp", "iaf", "planar", "sylvester", "naf", "i_resnet", "maf_random", "layers"]


@pytest.mark.slow
@pytest.mark.skipif(not has_jax, reason="jax is not installed: pip install flow-zoo[jax]")
def test_derivatives_forwards_backwards_and_twice():
    found = printed("tests.zoo.jax_derivatives", DERIVATIVES)
    assert found == dict.fromkeys(DERIVATIVES, "ok")


@pytest.mark.skipif(not has_jax, reason="jax is not installed: pip install flow-zoo[jax]")
def test_derivatives_through_a_solver():
    assert printed("tests.zoo.jax_derivatives", ["planar"]) == {"planar": "ok"}
