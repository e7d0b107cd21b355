"""Which rows of a user's own data are for training, validation and test."""

import numpy as np

from trainers.datasets.errors import DatasetError

FRACTIONS = (0.8, 0.1, 0.1)
SPLITS = ("train", "validation", "test")
ALSO_CALLED = {"training": "train", "valid": "validation", "val": "validation", "dev": "validation"}
ALSO_CALLED |= {"testing": "test"} | {name: name for name in SPLITS}


def column(splits):
    """The column that says which split a row is of, or None for fractions."""
    if splits is not None and len(splits) == 1 and _fractions(splits) is None:
        return splits[0]
    return None


def _fractions(splits):
    try:
        return [float(part) for part in splits]
    except (TypeError, ValueError):
        return None


def given(how):
    """(splits, seed) as `split` takes them, of what it has said."""
    if "column" in how:
        return (how["column"],), 0
    return tuple(how["fractions"]), how["seed"]


def split(count, splits=None, seed=0, values=None):
    """Splits rows.

    Args:
        count: Number of rows.
        splits: Three fractions, of train, validation and test, in an order drawn from the seed; or
            the name of one column that says it; None for 0.8, 0.1, 0.1.
        seed: Of the order.
        values: What that column holds.

    Returns:
        (split -> numbers of its rows, how as JSON can hold it).

    Raises:
        DatasetError: Fractions are none, a split gets no row, or a value names no split.
    """
    if values is not None:
        return _by_values(values, splits[0])
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise DatasetError(f"split_seed must be an integer from 0, got {seed!r}")
    fractions = _fractions(splits or FRACTIONS)
    good = fractions and len(fractions) == 3 and all(part >= 0 for part in fractions)
    if not good or abs(sum(fractions) - 1) > 1e-6:
        raise DatasetError(
            "splits must be three fractions that sum to 1, as in 0.8,0.1,0.1, or the name of a "
            f"column; got {','.join(map(str, splits))}"
        )
    order = np.random.default_rng(seed).permutation(count)
    ends = np.round(np.cumsum(fractions) * count).astype(int)
    parts = np.split(order, ends[:2])
    rows = {name: np.sort(part) for name, part in zip(SPLITS, parts, strict=True)}
    for name, fraction in zip(SPLITS, fractions, strict=True):
        if fraction and not len(rows[name]):
            raise DatasetError(f"{count} rows are too few to be split: none is left for {name!r}")
    return _with_test(rows), {"fractions": fractions, "seed": int(seed)}


def _with_test(rows):
    """Rows with those of validation for test where it has none, as of a TFDS data set."""
    return rows if len(rows["test"]) else rows | {"test": rows["validation"]}


def _by_values(values, name):
    texts = [str(value).strip().lower() for value in values]
    if unknown := sorted(set(texts) - set(ALSO_CALLED)):
        raise DatasetError(
            f"column {name!r} must say train, validation or test of each row, got {unknown[0]!r}"
        )
    found = np.array([ALSO_CALLED[text] for text in texts])
    rows = {part: np.flatnonzero(found == part) for part in SPLITS}
    if len(rows["train"]) and not len(rows["validation"]):
        kept = len(rows["train"]) - max(1, len(rows["train"]) // 10)
        rows["train"], rows["validation"] = np.split(rows["train"], [kept])
    return _with_test(rows), {"column": name}


def words(rows, how):
    """A line that says how many rows each split has, and why."""
    counts = ", ".join(f"{len(part)} {name}" for name, part in rows.items())
    by = f"by column {how['column']}" if "column" in how else f"drawn with seed {how['seed']}"
    same = ", test being validation" if rows["test"] is rows["validation"] else ""
    return f"split: {counts} rows{same}, {by} (--splits, --split_seed)"


def joined(arrays):
    """Arrays such as x_train and x_test put together, and the split of each row, or None."""
    parts = {}
    for key, array in arrays.items():
        base, _, part = key.rpartition("_")
        if not base or part not in ALSO_CALLED:
            return arrays, None
        parts.setdefault(base, {})[ALSO_CALLED[part]] = array
    if not parts or len({tuple(sorted(found)) for found in parts.values()}) != 1:
        return arrays, None
    first = next(iter(parts.values()))
    values = np.concatenate([[name] * len(array) for name, array in first.items()])
    whole = {}
    for base, found in parts.items():
        if len({array.shape[1:] for array in found.values()}) > 1:
            told = ", ".join(f"{base}_{n} {array.shape}" for n, array in found.items())
            raise DatasetError(f"the splits of an array must have events of one shape, got {told}")
        whole[base] = np.concatenate([found[n] for n in first])
    return whole, values
