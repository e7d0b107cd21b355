"""Fixtures of the tests of files that somebody crafted."""

import shutil

import numpy as np
import pytest

import zoo
from tests.zoo.saving.crafted import listing
from zoo.backend import tfd
from zoo.saving import entries


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    """An entry, with its index, of a small flow with a base of TFP's."""
    root = tmp_path_factory.mktemp("original")
    base = tfd.Independent(tfd.Normal(np.zeros(2, "float32"), 1.0), 1)
    flow = zoo.MAF((2,), num_layers=1, hidden_units=(4,), base=base, seed=0)
    zoo.save(flow, root / "flow", {"dataset": "toy"})
    entries.update_index(root)
    return root


@pytest.fixture
def root(original, tmp_path, monkeypatch):
    """A copy, to be crafted; afterwards nothing has appeared beside it or in the working folder."""
    shutil.copytree(original, tmp_path / "root")
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    before = listing(tmp_path)
    yield tmp_path / "root"
    added = {path for path in listing(tmp_path) - before if "crafted" not in path}
    assert not added
