"""A user's own table: read by pandas, its columns looked through, its rows split; no TensorFlow.

What is modelled are columns of numbers, as float32, in their own units. A column that no density
can be had of is left out, and said to be: text and categories, constants, copies of another column
up to shift and scale, numbers that float32 cannot tell apart. Where the user names it, it is an
error.
"""

import dataclasses
import functools
import os
import re
import warnings

import numpy as np

from trainers.datasets import columns as looks
from trainers.datasets import splitting
from trainers.datasets.errors import DatasetError, one_line
from trainers.datasets.kept import plain

KINDS = ("csv", "npz", "parquet", "images")
# Changes that are for the user's own data.
ONLY_OWN = ("columns", "splits", "split_seed", "drop_missing", "known")


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows that are ready to be trained on.

    Attributes:
        name: What the data are called.
        x: Float32 [n, d], or uint8 images [n, height, width, channels].
        labels: int32 [n], or None.
        rows: Split -> numbers of its rows.
        about: What is kept with a flow, as JSON can hold it: "columns", "label", "classes",
            "bounds", "splits", "left_out".
        words: Lines that say what was done.
        standardize: (shift, scale), a number a column, of the training rows; None for images.
    """

    name: str
    x: np.ndarray
    labels: np.ndarray | None
    rows: dict
    about: dict
    words: tuple
    standardize: tuple | None

    @property
    def bounds(self):
        """One a column, as `zoo.layers.Columns` has them; None where no column has any."""
        found = [self.about["bounds"].get(name) for name in self.about["columns"]]
        return found if any(found) else None


def require_none_asked(name, changes):
    """Raises if a change was asked for that is for the user's own data."""
    for change in ONLY_OWN:
        if changes.get(change) not in (None, False, 0, [], {}):
            raise DatasetError(
                f"{change} is for data of your own (csv:, npz:, parquet:, images:), not "
                f"for {name!r}"
            )


def load(kind, path, **changes):
    """Reads a file as a `Table`; twice the same one is read once.

    Args:
        kind: "csv", "npz" or "parquet".
        path: The file.
        **changes: Arguments of `prepare`; those of images are refused.

    Raises:
        DatasetError: The file is not there, or cannot be read, or nothing in it can be modelled.
    """
    from trainers.datasets import catalogue

    catalogue.require_there(kind, path)
    changes = {key: value for key, value in changes.items() if value is not None}
    given = {key: _hashable(value) for key, value in changes.items() if key != "binarize"}
    return _load(kind, path, os.stat(path).st_mtime_ns, **given)


def _hashable(value):
    if isinstance(value, dict):
        return tuple(sorted((key, _hashable(part)) for key, part in value.items()))
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value


@functools.lru_cache(maxsize=1)
def _load(kind, path, modified, **changes):
    name = f"{kind}:{os.path.basename(path)}"
    sizes = {change: changes.pop(change, None) for change in ("image_size", "resize", "levels")}
    if kind == "npz":
        return _of_arrays(name, path, sizes, changes)
    _require_no_image(name, sizes)
    return prepare(read(kind, path), name, **changes)


def _require_no_image(name, sizes):
    if asked := [change for change, value in sizes.items() if value]:
        raise DatasetError(f"{asked[0]} is for images, and {name!r} has none")


def read(kind, path):
    """The table of a file, a `pandas.DataFrame`.

    Raises:
        DatasetError: It cannot be read.
    """
    import pandas as pd

    try:
        if kind == "parquet":
            frame = pd.read_parquet(path)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Of mixed columns; told below, by name.
                frame = pd.read_csv(path, skipinitialspace=True, low_memory=False)
    except ImportError:
        raise DatasetError(
            f"{path}: reading parquet needs pyarrow: pip install 'flow-zoo[parquet]'"
        ) from None
    except Exception as error:  # Whatever pandas makes of a damaged or foreign file.
        raise DatasetError(f"{path} cannot be read as {kind}: {one_line(error)}") from error
    frame.columns = [str(name) for name in frame.columns]
    if kind == "csv" and all(re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?(\.\d+)?", c) for c in frame):
        raise DatasetError(f"{path}: the first line holds numbers, where names are expected")
    return frame


def prepare(
    frame,
    name="dataframe",
    columns=None,
    label=None,
    bounds=None,
    splits=None,
    split_seed=0,
    drop_missing=False,
    known=None,
):
    """Looks a table through and splits it.

    Args:
        frame: A `pandas.DataFrame`.
        name: What to call the data.
        columns: Names of the columns to model; None for all that can be.
        label: Name of the column that is the class label, or None.
        bounds: name -> bound as of `zoo.layers.Columns`, or texts "income=0..", "share=0..1",
            "price=log".
        splits: As of `splitting.split`.
        split_seed: Seed of the order in which rows are split.
        drop_missing: Whether to leave out rows with missing values.
        known: `Table.about` of an earlier table: its choices hold where no other is made.

    Returns:
        A `Table`.

    Raises:
        DatasetError: One line that names what is wrong, and what to do.
    """
    known = plain(known)
    columns, chosen = columns or known.get("columns"), bool(columns)
    label = label or known.get("label")
    if splits is None and "splits" in known:
        splits, split_seed = splitting.given(known["splits"])
    by_column = splitting.column(splits)
    looks.require_names(frame, [*(columns or ()), *filter(None, [label, by_column])], name)
    looks.require_places(columns or (), list(known.get("columns", ())))
    apart = {label, by_column}
    names = list(columns) if columns else [c for c in frame.columns if c not in apart]
    if both := [c for c in names if c in apart or names.count(c) > 1]:
        why = "the label" if both[0] == label else "that of the splits"
        why = why if both[0] in apart else "named twice"
        raise DatasetError(f"column {both[0]!r} is to be modelled, and is {why}")
    frame, said = looks.without_missing(frame, [*names, *filter(None, [label])], drop_missing, name)
    if known and not chosen:
        left_out = known.get("left_out", {})
    else:
        left_out = looks.faults(frame, names, bool(columns), name)
    names = [c for c in names if c not in left_out]
    if not names:
        told = "; ".join(f"{c}: {why}" for c, why in left_out.items())
        raise DatasetError(
            f"{name!r} has no column that a flow can model ({told or 'it is empty'})"
        )
    before = {n: bound for n, bound in known.get("bounds", {}).items() if n in names}
    bounds = looks.read_bounds(bounds, names) if bounds else before
    x = looks.numbers(frame, names, name)
    looks.check_bounds(x, names, bounds)
    labels, classes = looks.classes(frame[label], known.get("classes")) if label else (None, None)
    values = frame[by_column] if by_column else None
    rows, how = splitting.split(len(frame), splits, split_seed, values)
    about = {"columns": names, "label": label, "classes": classes, "bounds": dict(bounds)}
    about |= {"splits": how, "left_out": left_out}
    words = [*looks.words(frame, about), *said, splitting.words(rows, how)]
    units = looks.units(x[rows["train"]] if len(rows["train"]) else x, names, bounds)
    return Table(name, x.astype(np.float32), labels, rows, about, tuple(words), units)


def _of_arrays(name, path, sizes, changes):
    """The table of an .npz file: arrays of numbers, or of 8-bit images."""
    import pandas as pd

    from trainers.datasets import pictures

    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except Exception as error:  # Whatever NumPy makes of a damaged or foreign file.
        raise DatasetError(f"{path} cannot be read as npz: {one_line(error)}") from error
    arrays, split = splitting.joined({k: a for k, a in arrays.items() if a.ndim})
    if split is not None:
        arrays["split"] = split
        changes.setdefault("splits", ("split",))
    images = [key for key, a in arrays.items() if a.dtype == np.uint8 and a.ndim in (3, 4)]
    lengths = {key: len(a) for key, a in arrays.items()}
    if len(set(lengths.values())) != 1:
        told = ", ".join(f"{key} {n}" for key, n in lengths.items())
        raise DatasetError(f"{name!r}: arrays must be of one length, got {told or 'none'}")
    wanted = changes.get("columns") or plain(changes.get("known")).get("columns") or images
    if chosen := [key for key in images if key in wanted or list(wanted) == ["image"]]:
        if extra := sorted(set(changes.pop("columns", None) or ()) - {chosen[0]}):
            raise DatasetError(
                f"columns of {name!r} must be one array of images, of {', '.join(images)}, or "
                f"arrays of numbers; got {chosen[0]} and {extra[0]}"
            )
        return pictures.of_array(name, arrays, chosen[0], sizes, **changes)
    _require_no_image(name, sizes)
    parts = {}
    for key, a in arrays.items():
        if key in images:
            continue
        flat = a.reshape(len(a), -1) if a.ndim > 1 else a
        single = flat.ndim == 1
        parts |= (
            {key: flat} if single else {f"{key}[{i}]": flat[:, i] for i in range(flat.shape[1])}
        )
    if changes.get("columns"):
        # The name of an array stands for all its columns.
        changes["columns"] = tuple(
            part
            for asked in changes["columns"]
            for part in ([p for p in parts if p.startswith(f"{asked}[")] or [asked])
        )
    return prepare(pd.DataFrame(parts), name, **changes)


def frame_of(about, x, labels=None):
    """Rows of a flow as a `pandas.DataFrame`, with the names of the columns and classes.

    Args:
        about: `Table.about`.
        x: [n, d].
        labels: Integers [n], or None.

    Raises:
        DatasetError: They are not of that form.
    """
    import pandas as pd

    x, names, classes = np.asarray(x), about["columns"], about.get("classes")
    if x.ndim != 2 or x.shape[1] != len(names):
        raise DatasetError(f"expected rows of shape [n, {len(names)}], got {x.shape}")
    frame = pd.DataFrame(x, columns=names)
    if labels is not None and classes:
        labels = np.asarray(labels)
        if labels.shape != x.shape[:1] or not np.isin(labels, range(len(classes))).all():
            raise DatasetError(
                f"labels must be {len(x)} integers from 0 to {len(classes) - 1}, one a row"
            )
        frame[about["label"]] = np.asarray(classes, object)[labels.astype(int)]
    return frame


def write(path, frame):
    """Writes a table as .csv or .parquet, as the path's suffix says: in place, see `written_whole`.

    Raises:
        DatasetError: Parquet needs pyarrow, and it is not there.
    """
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
        return
    try:
        frame.to_parquet(path, index=False)
    except ImportError:
        raise DatasetError(
            f"writing {path.suffix} needs pyarrow: pip install 'flow-zoo[parquet]'"
        ) from None
