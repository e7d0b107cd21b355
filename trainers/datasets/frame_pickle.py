"""Reads the numbers out of a pickled pandas table without letting the pickle run code.

A pickle is a program: loading an untrusted one can do anything, and `pandas.read_pickle` is no
exception. Here every name that the pickle asks for must be on a short list. Those of numpy that
rebuild an array are real; those of pandas are inert stand-ins that only keep what they are given,
so no pandas is needed, let alone one old enough for the file.
"""

import pickle

import numpy as np

from trainers.datasets.errors import DatasetError

try:  # numpy 2 moved the private module that array pickles name
    from numpy._core import multiarray, numeric
except ImportError:
    from numpy.core import multiarray, numeric  # type: ignore[no-redef]


def read_frame(path):
    """Reads a pickled `pandas.DataFrame` of numbers.

    Args:
        path: A file written, uncompressed, by `DataFrame.to_pickle` of any pandas since 0.14, under
            Python 2 or 3. Column names must be plain strings, not the Arrow strings that pandas 3
            makes by default.

    Returns:
        (names, table): the column names, and an [n, len(names)] array of float64.

    Raises:
        DatasetError: the pickle asks for anything but the parts of such a table, or is damaged.
    """
    try:
        with open(path, "rb") as file:
            # Array bytes in a pickle of Python 2 survive only as latin1.
            frame = _FrameUnpickler(file, encoding="latin1").load()
        return _table(frame)
    except DatasetError:
        raise
    except Exception as error:  # a damaged pickle raises nearly anything
        raise DatasetError(
            f"{path}: expected a pickled pandas table of numbers, but reading it failed "
            f"({type(error).__name__})"
        ) from error


class _Frame:
    """Stands in for `pandas.DataFrame`: keeps its attributes."""

    def __setstate__(self, state):
        self.manager = state["_mgr"] if "_mgr" in state else state["_data"]


class _Manager:
    """Stands in for `pandas.core.internals.BlockManager`: `axes` and (values, columns) `blocks`."""

    def __init__(self, blocks=(), axes=()):  # pandas 1.3 and later
        self.blocks, self.axes = blocks, axes

    def __setstate__(
        self, state
    ):  # before: a tuple whose last part holds all, under a version's name
        parts = state[-1]["0.14.1"]
        self.axes = parts["axes"]
        self.blocks = [(block["values"], block["mgr_locs"]) for block in parts["blocks"]]


class _Index:
    """Stands in for every kind of pandas index."""


def _new_index(kind, parts):
    return parts.get("data")  # none in a range, which only ever numbers the rows


def _new_block(values, placement, ndim=2):
    return values, placement


def _table(frame):
    names = [str(name) for name in frame.manager.axes[0]]
    table = np.full((len(frame.manager.blocks[0][0][0]), len(names)), np.nan)
    for values, columns in frame.manager.blocks:
        table[:, columns] = np.asarray(values).T
    return names, table


_NUMPY = {
    "_reconstruct": multiarray._reconstruct,
    "_frombuffer": numeric._frombuffer,  # type: ignore[attr-defined]
    "ndarray": np.ndarray,
    "dtype": np.dtype,
}
_PANDAS = {
    "DataFrame": _Frame,
    "BlockManager": _Manager,
    "_new_Index": _new_index,
    "new_block": _new_block,
    "_unpickle_block": _new_block,
    **dict.fromkeys(["Index", "Int64Index", "Float64Index", "UInt64Index", "RangeIndex"], _Index),
}
_PYTHON = {
    ("builtins", "slice"): slice,
    ("_codecs", "encode"): lambda text, _: text.encode("latin1"),
}


class _FrameUnpickler(pickle.Unpickler):
    def find_class(self, module, name):
        module = {"__builtin__": "builtins"}.get(module, module)
        allowed = {"numpy": _NUMPY, "pandas": _PANDAS}.get(module.partition(".")[0], {})
        found = allowed.get(name) or _PYTHON.get((module, name))
        if found is None:
            raise DatasetError(
                f"the pickle asks for {module}.{name}, which no table of numbers needs; "
                "it was not loaded"
            )
        return found
