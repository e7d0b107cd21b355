"""A user's own data as a `Dataset`: from a file, a folder, or a table of pandas."""

from trainers.datasets import binary, pictures, tables
from trainers.datasets.errors import DatasetError
from trainers.datasets.features import Inputs
from trainers.datasets.pipelines import Dataset


def load(kind, path, **changes):
    """The data of a file or folder; see `trainers.datasets.load`."""
    binarize = changes.pop("binarize", None)
    if kind != "images":
        table = tables.load(kind, path, **changes)
    else:
        from trainers.datasets import catalogue

        catalogue.require_there(kind, path)
        # A 0 is one that was given, and is told to be none.
        given = {k: v for k, v in changes.items() if v is not None and v is not False}
        if other := sorted({"columns", "label", "bounds", "drop_missing"} & set(given)):
            raise DatasetError(f"{other[0]} is for tables; the labels of images are their folders")
        table = pictures.of_folder(path, **given)
    return Own(table, changes.get("levels"), binarize)


def from_dataframe(
    frame,
    columns=None,
    label=None,
    bounds=None,
    splits=None,
    split_seed=0,
    drop_missing=False,
    name="dataframe",
):
    """A table of pandas as data for a flow.

    Example:
        >>> data = datasets.from_dataframe(frame, label="species", bounds={"length": (0, None)})
        >>> flow = zoo.MAF(data.event_shape, bounds=data.bounds, standardize=data.standardize)
        >>> flow.adapt(data.numpy("train")); flow.compile("adam")
        >>> flow.fit(data.batches("train", 128, shuffle=True), epochs=10)
        >>> data.frame(flow.sample(100))   # a table with the same columns, in their units

    Args:
        frame: A `pandas.DataFrame`.
        columns: Names of the columns to model; None for all that can be.
        label: Name of the column that is the class label, or None.
        bounds: name -> `(low, high)`, `None` for an open end, or `"log"`.
        splits: Fractions of train, validation and test, or `[name of a column that says it]`.
        split_seed: Seed of the order in which rows are split.
        drop_missing: Whether to leave out rows with missing values.
        name: What to call the data.

    Returns:
        A `Dataset`; `words` says what was left out, and why.

    Raises:
        DatasetError: One line that names what is wrong, and what to do.
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise DatasetError(f"expected a pandas.DataFrame, got {type(frame).__name__}")
    frame = frame.set_axis([str(column) for column in frame.columns], axis=1)
    frame = frame.reset_index(drop=True)
    columns, splits = _listed(columns), _listed(splits)
    changes = {"columns": columns and [str(c) for c in columns], "bounds": bounds, "splits": splits}
    changes["label"] = None if label is None else str(label)
    table = tables.prepare(frame, name, **changes, split_seed=split_seed, drop_missing=drop_missing)
    return Own(table)


def _listed(value):
    """Names, or fractions; one alone is a list of one."""
    return value if value is None or isinstance(value, list | tuple) else [value]


class Own(Dataset):
    """A `Dataset` of rows in memory.

    Args:
        table: A `tables.Table`.
        levels: Grey levels that images have been reduced to; None for 256.
        binarize: Of images, as of `Dataset`.

    Attributes:
        about: What is kept with a flow: see `tables.Table`.
        words: Lines that say what was chosen, left out, and how rows are split.
        classes: Names of the classes, or None.
        bounds: One a column, or None where there are none; for `bounds=` of a family.
        standardize: Means and standard deviations; for `standardize=` of a family.
    """

    def __init__(self, table, levels=None, binarize=None):
        self._table, self.name = table, table.name
        self.event_shape = table.x.shape[1:]
        is_image = table.x.ndim > 2
        self._grey = (levels or 256) if is_image else None
        self.levels = 2 if binarize else self._grey
        self.about, self.words = table.about, table.words
        self.classes, self.bounds = table.about["classes"], table.bounds
        self.standardize = table.standardize
        self.num_classes = self.classes and len(self.classes)
        self.input_names = tuple(table.about["columns"])
        label = table.about["label"]
        self._inputs = Inputs(
            self.event_shape, is_image, self.input_names, self.input_names, label, self.num_classes
        )
        self.binarize = binary.check(binarize, self._inputs, self.name)
        self._toy = self.true_log_prob = None
        self._memory, self._checked = {}, set()

    def num_examples(self, split):
        return len(self._rows(split))

    def frame(self, x, labels=None):
        """Rows [n, d], such as samples, as a table of pandas with the names of the columns."""
        return tables.frame_of(self.about, x, labels)

    def _rows(self, split):
        if split not in self._table.rows:
            known = ", ".join(sorted(self._table.rows))
            raise DatasetError(f"dataset {self.name!r} has no split {split!r}; it has {known}")
        return self._table.rows[split]

    def _fits(self, split):
        return True

    def _read(self, split):
        rows = self._rows(split)
        labels = self._table.labels
        return [self._table.x[rows], *([] if labels is None else [labels[rows]])]
