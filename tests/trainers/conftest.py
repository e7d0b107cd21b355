"""Small data sets and one finished run, made once for all tests of the programs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trainers import datasets, train
from trainers.datasets.toy2d import Toy2d
from trainers.runs import flagfiles

ROOT = Path(__file__).resolve().parents[2]
QUIET = ("--jit=false", "--progress=none", "--notensorboard", "--picture_interval=0")
# Compiling with XLA takes longer than all that these flows have to compute.
PLAIN = '--model_args={"jit_compile": false}'
LONGER = ("--epochs=4", "--learning_rate=1e-2", "--ema_momentum=0.5", "--clip_norm=5")
TINY = ("--model=maf", "--hidden_units=8", "--num_layers=1", "--batch_size=100", PLAIN, *QUIET)


@pytest.fixture(autouse=True, scope="module")
def memory_given_back():
    """Flows this small are left to Python's own collector: walking the heap takes a second."""


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A folder with digits and a small two_moons prepared in it."""
    folder = tmp_path_factory.mktemp("prepared")
    datasets.load("digits", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Toy2d, "SIZES", {"train": 1000, "validation": 200, "test": 250})
        datasets.load("two_moons", folder)
    return folder


@pytest.fixture(scope="session")
def train_flow(prepared):
    """A function that trains a tiny flow in this process and returns its result."""

    def run(folder, *argv):
        flags = (*TINY, "--dataset=two_moons", f"--data_dir={prepared}", f"--model_dir={folder}")
        return train.train(flagfiles.new_options(train.define_flags, [*flags, *argv]))

    return run


@pytest.fixture(scope="session")
def toy_run(train_flow, tmp_path_factory):
    """The folder of a finished run on two_moons, 2 epochs. Not to be written to."""
    folder = tmp_path_factory.mktemp("runs") / "toy"
    train_flow(folder, "--epochs=2", "--learning_rate=1e-2")
    return folder


@pytest.fixture(scope="session")
def whole_run(train_flow, tmp_path_factory):
    """The folder of a run of 4 epochs, flags LONGER, that was never interrupted."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    train_flow(folder, *LONGER)
    return folder


@pytest.fixture(scope="session")
def digits_run(train_flow, tmp_path_factory):
    """The folder of a finished class-conditional run on digits, 1 epoch. Not to be written to."""
    folder = tmp_path_factory.mktemp("runs") / "digits"
    train_flow(folder, "--dataset=digits", "--class_conditional", "--epochs=1", "--noise_draws=2")
    return folder


@pytest.fixture(scope="session")
def program():
    """A function that runs `python -m trainers.NAME ...` and returns the finished process."""

    def run(name, *argv, timeout=240, start=subprocess.run, **environment):
        command = [sys.executable, "-m", f"trainers.{name}", *map(str, argv)]
        path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
        env = {**os.environ, "PYTHONPATH": path, **environment}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        if start is subprocess.run:
            return subprocess.run(command, env=env, timeout=timeout, check=False, **pipes)
        return start(command, env=env, **pipes)

    return run
