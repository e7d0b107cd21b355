"""Checkpoints of a training run: variables and where it stood, in one file written whole.

A checkpoint is an uncompressed .npz: the variables in order ("v0", "v1", ...), and "meta", JSON of
whatever has to be remembered beside them. The zip format's own checksums tell a truncated or
altered file from a whole one.
"""

import json
import re
import zipfile
from pathlib import Path

import numpy as np

from trainers.runs import common

_NAME = re.compile(r"epoch-(\d+)\.npz")


class BrokenCheckpoint(ValueError):
    """A checkpoint that is truncated or altered."""


def write(path, arrays, meta):
    """Writes one checkpoint, whole or not at all.

    Args:
        path: The file, ending in .npz.
        arrays: NumPy arrays.
        meta: A dictionary that JSON can hold.
    """
    members = {f"v{i}": array for i, array in enumerate(arrays)}
    with common.written_whole(path) as part, open(part, "wb") as file:
        np.savez(file, meta=np.array(json.dumps(meta)), **members)


def read(path):
    """Reads one checkpoint.

    Returns:
        (arrays, meta).

    Raises:
        BrokenCheckpoint: If it is truncated, altered, or no checkpoint.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(f"wrong checksum of {damaged}")
        with np.load(path, allow_pickle=False) as members:
            meta = json.loads(str(members["meta"]))
            arrays = [members[f"v{i}"] for i in range(len(members.files) - 1)]
    except (zipfile.BadZipFile, EOFError, KeyError, ValueError, OSError) as error:
        raise BrokenCheckpoint(
            f"{path} is truncated or altered ({common.one_line(error)})"
        ) from error
    return arrays, meta


class Checkpoints:
    """The last checkpoints of a run, one an epoch.

    Args:
        folder: Where they are, as a `pathlib.Path`.
        keep: How many are kept.
    """

    def __init__(self, folder, keep=2):
        self.folder, self.keep = Path(folder), keep

    def paths(self):
        """Returns {epoch: path}, the newest first."""
        found = {}
        for path in self.folder.glob("epoch-*.npz"):
            if match := _NAME.fullmatch(path.name):
                found[int(match[1])] = path
        return dict(sorted(found.items(), reverse=True))

    def save(self, epoch, arrays, meta):
        """Writes the checkpoint of an epoch and removes those too old to be kept."""
        write(self.folder / f"epoch-{epoch:05d}.npz", arrays, {**meta, "epoch": epoch})
        for path in list(self.paths().values())[self.keep :]:
            path.unlink()

    def latest(self, say=print):
        """Reads the newest checkpoint that is whole.

        Args:
            say: Called with a text for each broken one that is passed over.

        Returns:
            (arrays, meta), or (None, None) if there is none.
        """
        for path in self.paths().values():
            try:
                return read(path)
            except BrokenCheckpoint as error:
                say(f"{error}; falling back to the checkpoint before it")
        return None, None
