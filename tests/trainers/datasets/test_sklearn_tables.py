"""Two tables of scikit-learn: every row once, with noise of the width of its rounding."""

import numpy as np
import pytest
import tensorflow_datasets as tfds

from trainers import datasets
from trainers.datasets import sklearn_tables
from trainers.datasets.sklearn_tables import COLUMNS, WINE, SklearnTables

SIZES = {"breast_cancer": (343, 113, 113), "wine": (106, 36, 36)}
# Of each table's test split: two numbers of its first row and of its second.
PINNED = {
    "breast_cancer": [[33.6733170, 0.0226461813], [17.5757847, 0.00808247365]],
    "wine": [[16.2000065, 13.7358055], [21.8257427, 12.7866631]],
}
NAMES = pytest.mark.parametrize("name", SIZES)
SPLITS = ("train", "validation", "test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    for name in SIZES:
        datasets.load(name, folder)
    return folder


@NAMES
def test_the_splits_hold_every_row_once_within_its_rounding(name, folder):
    data = datasets.load(f"sklearn_tables/{name}", folder)
    parts = [data.numpy(split, labels=True) for split in SPLITS]
    assert tuple(len(labels) for _, labels in parts) == SIZES[name]
    assert data.levels is None and data.input_names == tuple(sorted(COLUMNS[name]))
    x, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
    x = x[:, [data.input_names.index(column) for column in COLUMNS[name]]]
    stored, classes = sklearn_tables.read(name)
    # Rows lie far from each other, in steps of their rounding: the nearest one is the row's own.
    widths = np.broadcast_to(sklearn_tables.steps(name, stored), stored.shape)
    near = np.abs(x[:, None] - stored) / widths
    source = near.max(axis=-1).argmin(axis=1)
    assert sorted(source) == list(range(len(stored)))
    np.testing.assert_array_equal(labels, classes[source])
    shift = near[np.arange(len(x)), source]
    assert shift.max() < 0.501 and shift.mean() == pytest.approx(0.25, abs=0.01)


@NAMES
def test_classes_are_split_in_proportion(name, folder):
    data = datasets.load(name, folder)
    counts = np.array([np.bincount(data.numpy(s, labels=True)[1]) for s in SPLITS])
    np.testing.assert_array_equal(counts.sum(axis=0), np.bincount(sklearn_tables.read(name)[1]))
    assert np.abs(counts[1:] - 0.2 * counts.sum(axis=0)).max() <= 0.5


@NAMES
def test_no_number_comes_twice(name, folder):
    """What a density can rely on, and what scikit-learn's own numbers do not give."""
    x = np.concatenate([datasets.load(name, folder).numpy(split) for split in SPLITS])
    assert max(len(x) - len(np.unique(column)) for column in x.T) < 0.02 * len(x)
    stored, _ = sklearn_tables.read(name)
    assert (stored > 0).all()
    assert min(len(np.unique(column)) for column in stored.T) < 0.8 * len(x)


def test_the_noise_is_as_wide_as_the_rounding():
    x, _ = sklearn_tables.read("breast_cancer")
    digits = x / sklearn_tables.steps("breast_cancer", x)
    np.testing.assert_allclose(digits, np.rint(digits), atol=1e-9)
    assert np.mean(np.rint(digits) % 10 == 0) == pytest.approx(0.1, abs=0.01)
    x, _ = sklearn_tables.read("wine")
    wider = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 50.0]
    for column, (name, step) in zip(x.T, WINE.items(), strict=True):
        on = {s: np.mean(np.abs(column / s - np.rint(column / s)) < 1e-6) > 0.5 for s in wider}
        assert step == max(s for s in wider if on[s]), name


def test_the_data_never_change(folder):
    for name, pinned in PINNED.items():
        x = datasets.load(name, folder).numpy("test", 2)[:, :2]
        np.testing.assert_allclose(x, pinned, rtol=1e-6)


@NAMES
def test_flows_are_told_means_and_deviations(name, folder):
    data = datasets.load(name, folder)
    x = data.numpy("train").astype(float)
    np.testing.assert_allclose(data.standardize, [x.mean(axis=0), x.std(axis=0)])
    assert set(datasets.OFFLINE) > set(SIZES)


def test_tfds_knows_it(folder):
    row, *_ = tfds.load("sklearn_tables/wine", split="test", data_dir=folder)
    assert set(row) == {*WINE, "label"} and SklearnTables.name == "sklearn_tables"
