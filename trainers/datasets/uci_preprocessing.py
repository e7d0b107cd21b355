"""The preprocessing of the five density benchmarks of the MAF paper, in numpy.

Papamakarios, Pavlakou and Murray (2017), "Masked Autoregressive Flow for Density Estimation",
arXiv:1705.07057, appendix D, and the authors' code. Published figures were measured on data
prepared just so, hence what is odd in that preparation is kept, and named below. Every function
takes a `find` (relative path -> file) and returns the rows of (train, validation, test).
"""

import numpy as np

from trainers.datasets.frame_pickle import read_frame

HEPMASS_COLUMNS = 28  # the class and 27 features; the test file has a column more


def power(find):
    """Household electricity use: 6 columns.

    Of the stored eight (active power, reactive power, voltage, current, three sub-meters, time of
    day), reactive power (mostly zero) and current (active power again) are dropped. Uniform noise
    as wide as the reading's last digit makes active power (0.001), voltage (0.01) and sub-meters
    (1) continuous; the time of day gets none. Shuffled, split, scaled by train and validation.
    """
    rng = np.random.RandomState(42)
    x = np.load(find("power/data.npy"), allow_pickle=False)
    rng.shuffle(x)
    x = np.delete(x, [1, 3], axis=1)
    # The order of the draws matters: it gives every row the noise it has in the published figures.
    voltage = 0.01 * rng.rand(len(x), 1)
    active_power = 0.001 * rng.rand(len(x), 1)
    meters = rng.rand(len(x), 3)
    x = x + np.hstack([active_power, voltage, meters, np.zeros((len(x), 1))])
    return _scale_by_train(_split(x))


def gas(find):
    """Gas sensors in a mixture of ethylene and carbon monoxide: 8 columns.

    Time and the two concentrations are dropped, then, one by one, the first column that correlates
    by more than 0.98 with another. As published, the scaling uses all rows, for test too.
    """
    names, x = read_frame(find("gas/ethylene_CO.pickle"))
    x = x[:, [name not in ("Time", "Meth", "Eth") for name in names]]
    alike = np.corrcoef(x, rowvar=False) > 0.98
    keep = np.arange(x.shape[1])
    while np.any(crowded := alike[np.ix_(keep, keep)].sum(axis=1) > 1):
        keep = np.delete(keep, np.argmax(crowded))
    x = x[:, keep]
    return _split((x - x.mean(axis=0)) / x.std(axis=0, ddof=1))


def hepmass(find):
    """Signatures of exotic particles: 21 columns.

    Only the signal (class 1) is kept, scaled by the training file. Columns that are discrete in
    truth are dropped; as published, the sign of that is a smallest value that occurs more than 5
    times. The training file's last tenth is for validation, the test file for test.
    """
    train, test = (_signal(find(f"hepmass/1000_{part}.csv")) for part in ("train", "test"))
    mean, std = train.mean(axis=0), train.std(axis=0, ddof=1)
    continuous = (train == train.min(axis=0)).sum(axis=0) <= 5
    train, test = ((x[:, continuous] - mean[continuous]) / std[continuous] for x in (train, test))
    held_out = len(train) // 10
    return train[:-held_out], train[-held_out:], test


def miniboone(find):
    """Neutrino events: 43 columns, stored without outliers and discrete columns; scaled here."""
    x = np.load(find("miniboone/data.npy"), allow_pickle=False)
    return _scale_by_train(_split(x))


def bsds300(find):
    """8 x 8 patches of photographs, less their mean and last pixel: 63 columns, as stored."""
    import h5py

    with h5py.File(find("BSDS300/BSDS300.hdf5"), "r") as file:
        return tuple(file[part][:] for part in ("train", "validation", "test"))


def _signal(path):
    """The features of the signal rows of a HEPMASS file."""
    x = np.loadtxt(path, delimiter=",", skiprows=1, usecols=range(HEPMASS_COLUMNS))
    return x[x[:, 0] == 1, 1:]


def _split(x):
    """The last tenth of the rows is for test, the last tenth of the others for validation."""
    x, test = x[: -(len(x) // 10)], x[-(len(x) // 10) :]
    return x[: -(len(x) // 10)], x[-(len(x) // 10) :], test


def _scale_by_train(splits):
    """Scales to zero mean and unit deviation of train and validation together."""
    seen = np.concatenate(splits[:2])
    mean, std = seen.mean(axis=0), seen.std(axis=0)
    return tuple((x - mean) / std for x in splits)
