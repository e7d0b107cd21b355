"""The export program, and its SavedModel where nothing but TensorFlow can be imported."""

import subprocess
import sys

import numpy as np
import pytest

import zoo
from trainers import export, tensorflow_only
from trainers.runs import flagfiles


def run(*argv):
    export.main(flagfiles.new_options(export.define_flags, argv))


@pytest.fixture(scope="module")
def exported(toy_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exports") / "toy"
    run(f"--model={toy_run}", f"--export_dir={folder}")
    return folder


def isolated(*argv):
    command = [sys.executable, "-I", tensorflow_only.__file__, *map(str, argv)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_export_runs_with_tensorflow_alone(toy_run, exported, tmp_path):
    x = np.random.default_rng(0).normal(size=(7, 2)).astype(np.float32)
    np.savez(tmp_path / "inputs.npz", x=x)
    done = isolated(exported, tmp_path / "inputs.npz", tmp_path / "out.npy")
    assert done.returncode == 0, done.stderr
    expected = zoo.load(toy_run).log_prob(x)
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), expected, atol=1e-5)


def test_refused_packages_are_as_if_not_installed():
    finders = [tensorflow_only.Without(finder) for finder in sys.meta_path]
    for name in ("zoo", "keras", "tensorflow_probability"):
        assert all(finder.find_spec(name) is None for finder in finders)
    assert any(finder.find_spec("tensorflow") for finder in finders)


def test_a_folder_that_holds_something_is_left_alone(toy_run, exported, tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    for folder in (tmp_path, exported):
        before = sorted(p.name for p in folder.rglob("*"))
        with pytest.raises(ValueError, match="already holds something"):
            run(f"--model={toy_run}", f"--export_dir={folder}")
        assert sorted(p.name for p in folder.rglob("*")) == before
