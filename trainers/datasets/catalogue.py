"""What can be asked for by name, without TensorFlow: data sets of ours, of TFDS and of the user."""

import difflib
import functools
import importlib.util
import os
import re
from pathlib import Path

from trainers.datasets import tables
from trainers.datasets.errors import OFFLINE, SHORT_NAMES, DatasetError, unusable

OWN = ("digits", "natural_patches", "sklearn_tables", "toy2d", "uci_density")


def source(name):
    """(kind, path) of a name such as "csv:iris.csv", the user's own data; else None."""
    kind, colon, path = (name or "").partition(":")
    return (kind, os.path.expanduser(path)) if colon and kind in tables.KINDS else None


def check(name, data_dir=None, **changes):
    """Raises at once, without TensorFlow, where a data set is not there or is not as asked for.

    What is no name of ours or TFDS's and lies in no folder is refused; the rest TFDS will tell.

    Args:
        name: As of `trainers.datasets.load`.
        data_dir: Likewise.
        **changes: Likewise.

    Raises:
        DatasetError: One line.
    """
    if own := source(name):
        if own[0] == "images":
            require_there(*own)
        else:
            tables.load(*own, **changes)
        return
    tables.require_none_asked(name, changes)
    base = re.split(r"[/:]", name)[0]
    if name in SHORT_NAMES or base in OWN or ":" in name:
        return
    folder = Path(data_dir or os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser()
    if any((folder / there).exists() for there in (base, "dataset_info.json")):
        return
    known = _of_tfds()
    if known and base not in known:
        raise unusable(f"unknown dataset {name!r}{did_you_mean(name, names())}")


def names():
    """All names that there are, of ours and TFDS's."""
    return [*OFFLINE, *SHORT_NAMES, *sorted(_of_tfds())]


def did_you_mean(name, known):
    """A hint such as " (did you mean 'digits'?)", or "" where nothing is close."""
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def require_there(kind, path):
    """Raises unless a file, or of images a folder, is there."""
    if not (os.path.isdir if kind == "images" else os.path.isfile)(path):
        what = "folder" if kind == "images" else "file"
        folder = os.path.dirname(path) or "."
        near = os.listdir(folder) if os.path.isdir(folder) else []
        hint = did_you_mean(os.path.basename(path), near)
        raise DatasetError(f"{kind}:{path}: there is no such {what}{hint}")


@functools.cache
def _of_tfds():
    """Names that TFDS may know, read off its files: importing it takes seconds."""
    spec = importlib.util.find_spec("tensorflow_datasets")
    if spec is None:
        return frozenset()
    root = Path(next(iter(spec.submodule_search_locations)))
    found = {path.parent.name for path in root.glob("datasets/*/__init__.py")}
    for path in root.glob("*/**/*.py"):
        if path.relative_to(root).parts[0] not in ("core", "datasets", "scripts", "testing"):
            text = path.read_text(encoding="utf-8", errors="replace")
            found |= {_snake(name) for name in re.findall(r"^class (\w+)\(", text, re.MULTILINE)}
    return frozenset(found)


def _snake(name):
    """As TFDS makes a name of a class."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z0-9])([A-Z])", r"\1_\2", name).lower()
