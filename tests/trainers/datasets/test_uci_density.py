"""The density benchmarks, on a small archive of the published layout."""

import numpy as np
import pytest

from trainers import datasets
from trainers.datasets.uci_density import COLUMNS

N = 300


@pytest.fixture(scope="module")
def raw():
    """What each file of the archive holds, before any preprocessing."""
    rng = np.random.default_rng(0)
    power = np.column_stack(
        [
            rng.uniform(0, 10, N).round(3),  # active power
            np.zeros(N),  # reactive power, to be dropped
            rng.uniform(220, 250, N).round(2),  # voltage
            rng.uniform(0, 40, N).round(1),  # current, to be dropped
            rng.integers(0, 40, (N, 3)),
            rng.integers(0, 1440, N) + 0.0,  # time of day
        ]
    )
    signals = rng.normal(size=(N, 8)) * [1, 2, 3, 4, 5, 6, 7, 8] + 5
    gas = np.hstack([np.arange(N)[:, None], rng.normal(size=(N, 2)), signals, signals])
    gas[:, 11:] += 0.01 * rng.normal(size=(N, 8))  # each sensor nearly twice
    hepmass = rng.normal(3, 2, size=(2 * N, 28))
    hepmass[:, 0] = np.arange(2 * N) % 2  # the class
    hepmass[:, 3:9] = rng.integers(0, 3, (2 * N, 6))  # discrete features
    return {
        "power": power,
        "gas": gas,
        "hepmass": hepmass,
        "miniboone": rng.normal(7, 3, size=(N, 43)),
        "bsds300": rng.normal(size=(N, 63)),
    }


@pytest.fixture(scope="module")
def archive(raw, tmp_path_factory):
    h5py, pandas = pytest.importorskip("h5py"), pytest.importorskip("pandas")
    folder = tmp_path_factory.mktemp("archive")
    for part in ("power", "gas", "hepmass", "miniboone", "BSDS300"):
        (folder / part).mkdir()
    np.save(folder / "power/data.npy", raw["power"])
    names = ["Time", "Meth", "Eth", *(f"R{i}" for i in range(16))]
    frame = pandas.DataFrame(raw["gas"], columns=pandas.Index(names, dtype=object))
    frame.to_pickle(folder / "gas/ethylene_CO.pickle", protocol=2)
    header = "# label," + ",".join(f"f{i}" for i in range(27))
    train, test = raw["hepmass"][:N], np.column_stack([raw["hepmass"][N:], np.full(N, 1000)])
    for name, rows, head in (("train", train, header), ("test", test, header + ",mass")):
        np.savetxt(
            folder / f"hepmass/1000_{name}.csv", rows, delimiter=",", header=head, comments=""
        )
    np.save(folder / "miniboone/data.npy", raw["miniboone"])
    with h5py.File(folder / "BSDS300/BSDS300.hdf5", "w") as file:
        for name, rows in zip(
            ("train", "validation", "test"), _tenths(raw["bsds300"]), strict=True
        ):
            file[name] = rows
    return folder


@pytest.fixture(scope="module")
def splits(archive, tmp_path_factory):
    """name -> its three splits, each prepared once."""
    folder = tmp_path_factory.mktemp("prepared")

    def prepare(name):
        data = datasets.load(name, folder, manual_dir=archive)
        assert (data.event_shape, data.levels) == ((COLUMNS[name],), None)
        return [data.numpy(split).astype(np.float64) for split in ("train", "validation", "test")]

    return {name: prepare(name) for name in COLUMNS}


def _tenths(x):
    x, test = x[: -(len(x) // 10)], x[-(len(x) // 10) :]
    return x[: -(len(x) // 10)], x[-(len(x) // 10) :], test


@pytest.mark.parametrize("name", COLUMNS)
def test_shapes_and_finite(name, splits):
    sizes = {"hepmass": [135, 15, 150]}.get(name, [243, 27, 30])
    assert [x.shape for x in splits[name]] == [(size, COLUMNS[name]) for size in sizes]
    assert all(np.isfinite(x).all() for x in splits[name])


@pytest.mark.parametrize("name", COLUMNS)
def test_no_row_is_in_two_splits(name, splits):
    rows = np.concatenate(splits[name])
    assert len(np.unique(rows, axis=0)) == len(rows)


@pytest.mark.parametrize(
    ("name", "seen"), [("power", 2), ("gas", 3), ("hepmass", 2), ("miniboone", 2)]
)
def test_scaling(name, seen, splits):
    x = np.concatenate(splits[name][:seen])
    ddof = 1 if name in ("gas", "hepmass") else 0
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(x.std(axis=0, ddof=ddof), 1, atol=1e-5)


def test_power_is_shuffled_and_noisy(raw, splits):
    x = raw["power"].copy()
    np.random.RandomState(42).shuffle(x)
    x = x[:, [0, 2, 4, 5, 6, 7]]
    width = np.array([0.001, 0.01, 1, 1, 1, 0])
    # Undo the scaling by the time of day, which gets no noise, and by the bounds of the others.
    stored = np.concatenate(splits["power"])
    seen = len(stored) - len(splits["power"][2])
    std = (x + width / 2)[:seen].std(axis=0)
    mean = (x + width / 2)[:seen].mean(axis=0)
    np.testing.assert_allclose(stored * std + mean, x + width / 2, atol=0.6)
    np.testing.assert_allclose(stored[:, 5] * std[5] + mean[5], x[:, 5], atol=1e-3)
    meters = stored[:, 2:5] * std[2:5] + mean[2:5] - x[:, 2:5]
    assert meters.std() > 0.2  # uniform noise of width 1 has 0.29


def test_gas_keeps_one_of_each_pair(raw, splits):
    first, second = raw["gas"][:, 3:11], raw["gas"][:, 11:]
    assert np.corrcoef(first[:, 0], second[:, 0])[0, 1] > 0.98
    kept = np.concatenate(splits["gas"])
    expected = (second - second.mean(axis=0)) / second.std(axis=0, ddof=1)
    np.testing.assert_allclose(kept, expected, atol=1e-5)  # the first of a pair goes


def test_hepmass_keeps_continuous_features_of_the_signal(raw, splits):
    columns = [1, 2, *range(9, 28)]
    train, test = (rows[rows[:, 0] == 1][:, columns] for rows in np.split(raw["hepmass"], 2))
    mean, std = train.mean(axis=0), train.std(axis=0, ddof=1)
    expected = [(x - mean) / std for x in (train[:135], train[135:], test)]
    for x, y in zip(splits["hepmass"], expected, strict=True):
        np.testing.assert_allclose(x, y, atol=1e-5)


def test_miniboone_and_bsds300_keep_their_order(raw, splits):
    seen = raw["miniboone"][:270]
    expected = (raw["miniboone"] - seen.mean(axis=0)) / seen.std(axis=0)
    np.testing.assert_allclose(np.concatenate(splits["miniboone"]), expected, atol=1e-5)
    np.testing.assert_allclose(np.concatenate(splits["bsds300"]), raw["bsds300"], atol=1e-6)


def test_the_folder_above_data_will_do(raw, tmp_path):
    (tmp_path / "up/data/miniboone").mkdir(parents=True)
    np.save(tmp_path / "up/data/miniboone/data.npy", raw["miniboone"])
    data = datasets.load("uci_density/miniboone", tmp_path / "tfds", manual_dir=tmp_path / "up")
    assert data.num_examples("test") == 30


def test_no_files(tmp_path):
    for manual_dir in (None, tmp_path / "missing"):
        with pytest.raises(datasets.DatasetError, match="manual_dir is missing or empty") as error:
            datasets.load("power", tmp_path / "tfds", manual_dir=manual_dir)
        assert "1161203" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "path", "content", "message"),
    [
        ("power", "other", b"", "expected power/data.npy in"),
        ("power", "power/data.npy", b"\x93NUMPY\x01", "cannot be read as those of Zenodo"),
        ("bsds300", "BSDS300/BSDS300.hdf5", b"short", "cannot be read as those of Zenodo"),
        ("hepmass", "hepmass/1000_train.csv", b"# label,f0\n1,2\n", "cannot be read as"),
        ("gas", "gas/ethylene_CO.pickle", b"\x80\x02", "expected a pickled pandas table"),
        ("miniboone", "miniboone/data.npy", np.ones((50, 42)), "expected finite rows of 43"),
        ("miniboone", "miniboone/data.npy", np.ones((50, 43)), "NaN or infinite values"),
    ],
)
def test_bad_archives_leave_nothing_behind(name, path, content, message, tmp_path):
    file = tmp_path / "archive" / path
    file.parent.mkdir(parents=True)
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        np.save(file, content)
    with pytest.raises(datasets.DatasetError, match=message) as error:
        datasets.load(name, tmp_path / "tfds", manual_dir=tmp_path / "archive")
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "tfds").rglob("*.tfrecord*"))
