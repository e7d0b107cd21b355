"""Checkpoints of a training run: variables and where it stood, in one file written whole.

A checkpoint is an uncompressed .npz: the variables in order ("v0", "v1", ...), and "meta", JSON of
whatever has to be remembered beside them. The zip format's own checksums tell a truncated or
altered file from a whole one. What is not finite is never written, and not taken up where it was.
"""

import json
import math
import re
import zipfile
from pathlib import Path

import numpy as np

from trainers.runs import common

_NAME = re.compile(r"epoch-(\d+)(?:-batch-(\d+))?\.npz")


class BrokenCheckpoint(ValueError):
    """A checkpoint that is truncated or altered, or nothing to go on from."""


class NotFinite(ValueError):
    """Weights, or what an optimizer keeps of them, that are not finite."""


def write(path, arrays, meta):
    """Writes one checkpoint, whole or not at all.

    Args:
        path: The file, ending in .npz.
        arrays: NumPy arrays.
        meta: A dictionary that JSON can hold.

    Raises:
        NotFinite: If an array has NaN or infinite values.
    """
    _require_finite(arrays)
    meta = {**meta, "arrays": len(arrays)}
    members = {f"v{i}": array for i, array in enumerate(arrays)}
    with common.written_whole(path) as part, open(part, "wb") as file:
        np.savez(file, meta=np.array(json.dumps(meta)), **members)


def read(path, check=None):
    """Reads one checkpoint.

    Args:
        path: The file.
        check: Called with (arrays, meta); raises what it likes if they will not do.

    Returns:
        (arrays, meta).

    Raises:
        BrokenCheckpoint: If it is truncated, altered, or no checkpoint, or has NaN or infinite
            values, or `check` raises.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(f"wrong checksum of {damaged}")
        with np.load(path, allow_pickle=False) as members:
            meta = json.loads(str(members["meta"]))
            arrays = [members[f"v{i}"] for i in range(len(members.files) - 1)]
        if (count := meta.pop("arrays", len(arrays))) != len(arrays):
            raise ValueError(f"{len(arrays)} of {count} arrays are there")
        _require_finite(arrays)
        if check:
            check(arrays, meta)
    except Exception as error:  # zipfile raises whatever a damaged structure leads it to
        raise BrokenCheckpoint(
            f"{path} is truncated or altered ({common.one_line(error)})"
        ) from error
    return arrays, meta


def _require_finite(arrays):
    for array in map(np.asarray, arrays):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise NotFinite(f"an array of shape {array.shape} has NaN or infinite values")


class Checkpoints:
    """The last checkpoints of a run: at the end of each epoch, and some within.

    Args:
        folder: Where they are, as a `pathlib.Path`.
        keep: How many are kept.
    """

    def __init__(self, folder, keep=2):
        self.folder, self.keep = Path(folder), keep

    def paths(self):
        """Returns {(whole epochs, batches after them): path}, the newest first."""
        found = {}
        for path in self.folder.glob("epoch-*.npz"):
            if match := _NAME.fullmatch(path.name):
                found[int(match[1]), int(match[2] or 0)] = path
        return dict(sorted(found.items(), reverse=True))

    def save(self, epoch, arrays, meta, batch=0):
        """Writes a checkpoint and removes those too old to be kept.

        Args:
            epoch: Whole epochs trained.
            arrays: As in `write`.
            meta: As in `write`; with "seconds" of training.
            batch: Batches trained after them.
        """
        name = f"epoch-{epoch:05d}" + f"-batch-{batch:07d}" * bool(batch)
        write(self.folder / f"{name}.npz", arrays, {**meta, "epoch": epoch, "batch": batch})
        for path in list(self.paths().values())[self.keep :]:
            path.unlink()

    def clear(self):
        """Removes all of them."""
        for path in self.paths().values():
            path.unlink()

    def latest(self, say=print, fits=None):
        """Reads the newest checkpoint that is whole.

        Args:
            say: Called with a text for each broken one that is passed over.
            fits: Called with (arrays, meta); raises ValueError if the model is another one.

        Returns:
            (arrays, meta), or (None, None) if there is none.
        """
        for place, path in self.paths().items():

            def check(arrays, meta, place=place):
                if (meta["epoch"], meta.setdefault("batch", 0)) != place:
                    raise ValueError(f"it says of itself: epoch {meta['epoch']}")
                if not 0 <= meta["seconds"] < math.inf:
                    raise ValueError(f"it took {meta['seconds']} seconds")
                if fits:
                    fits(arrays, meta)

            try:
                return read(path, check)
            except BrokenCheckpoint as error:
                say(f"{error}; falling back to the checkpoint before it")
        return None, None
