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


@pytest.fixture(scope="module")
def lines():
    """What the process printed of every model, by name."""
    result = subprocess.run(
        [sys.executable, "-m", "tests.zoo.jax_smoke"],
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
@pytest.mark.parametrize("name", [n for n in table.names() if n not in table.TENSORFLOW_ONLY])
def test_runs_on_jax(name, lines):
    assert lines.get(name) == "ok"
