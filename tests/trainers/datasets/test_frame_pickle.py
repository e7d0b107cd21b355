"""Tables come out of pickles of new and old pandas; nothing else does."""

import os
import pickle
import sys
import types

import numpy as np
import pytest

from trainers.datasets import DatasetError
from trainers.datasets.frame_pickle import read_frame

NAMES = ["Time", "Meth", "R1", "R2"]
TABLE = np.arange(12.0).reshape(3, 4)


def test_today(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(TABLE, columns=pandas.Index(NAMES, dtype=object))
    frame["R2"] = frame["R2"].astype(np.float32)  # a block of another type
    for protocol in (2, 5):
        path = tmp_path / f"{protocol}.pickle"
        frame.to_pickle(path, protocol=protocol)
        names, table = read_frame(path)
        assert names == NAMES
        np.testing.assert_array_equal(table, TABLE)


class Plain:
    """Pickled by its class and its state."""

    def __init__(self, state=None):
        self.state = state

    def __getstate__(self):
        return self.state


@pytest.fixture
def old(monkeypatch):
    """The classes of pandas 0.18 under their names of then, as far as a pickle can tell."""

    def new_index(kind, parts):
        return kind(parts)

    class Index(Plain):
        def __reduce__(self):
            return new_index, (type(self), self.state)

    names = {
        "pandas.core.frame.DataFrame": type("DataFrame", (Plain,), {}),
        "pandas.core.internals.BlockManager": type("BlockManager", (Plain,), {}),
        "pandas.indexes.base.Index": Index,
        "pandas.indexes.range.RangeIndex": type("RangeIndex", (Index,), {}),
        "pandas.indexes.base._new_Index": new_index,
    }
    for full_name, value in names.items():
        module, _, value.__name__ = full_name.rpartition(".")
        value.__module__, value.__qualname__ = module, value.__name__
        for part in ("pandas", module.rpartition(".")[0], module):
            monkeypatch.setitem(sys.modules, part, types.ModuleType(part))
    for value in names.values():
        setattr(sys.modules[value.__module__], value.__name__, value)
    return types.SimpleNamespace(**{value.__name__: value for value in names.values()})


def test_layout_of_old_pandas(old, tmp_path):
    """A manager whose state holds the blocks under the version that introduced them."""
    columns = old.Index({"data": np.array(NAMES, object), "name": None})
    axes = [columns, old.RangeIndex({"start": 0, "stop": 3, "step": 1, "name": None})]
    blocks = [
        {"values": TABLE.T[:2], "mgr_locs": slice(0, 2, 1)},
        {"values": TABLE.T[[3, 2]], "mgr_locs": np.array([3, 2])},
    ]
    manager = old.BlockManager((axes, [], [], {"0.14.1": {"axes": axes, "blocks": blocks}}))
    frame = old.DataFrame({"_data": manager, "_typ": "dataframe", "_metadata": []})
    path = tmp_path / "old.pickle"
    path.write_bytes(pickle.dumps(frame, protocol=2))
    assert b"pandas.indexes.base\n_new_Index" in path.read_bytes()
    names, table = read_frame(path)
    assert names == NAMES
    np.testing.assert_array_equal(table, TABLE)


class Command:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("function", [os.mkdir, eval, np.load, getattr])
def test_commands_are_refused_and_not_run(function, tmp_path):
    path, trace = tmp_path / "evil.pickle", tmp_path / "trace"
    path.write_bytes(pickle.dumps(Command(function, str(trace))))
    with pytest.raises(DatasetError, match="the pickle asks for .*; it was not loaded"):
        read_frame(path)
    assert not trace.exists()


def test_other_parts_of_pandas_are_refused(tmp_path):
    pandas = pytest.importorskip("pandas")
    path = tmp_path / "evil.pickle"
    path.write_bytes(pickle.dumps(Command(pandas.eval, "1 + 1")))
    with pytest.raises(DatasetError, match=r"asks for pandas\..*eval, which"):
        read_frame(path)


@pytest.mark.parametrize("content", [b"", b"no pickle", pickle.dumps({"a": 1})])
def test_damaged_files(content, tmp_path):
    path = tmp_path / "damaged.pickle"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="expected a pickled pandas table") as error:
        read_frame(path)
    assert "\n" not in str(error.value)
