"""A user's own images: read by Pillow from a folder, or taken from an array."""

import os
import pathlib

import numpy as np

from trainers.datasets import columns as looks
from trainers.datasets import splitting
from trainers.datasets.errors import DatasetError, one_line, unusable
from trainers.datasets.kept import plain
from trainers.datasets.tables import Table

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")


def of_folder(path, splits=None, split_seed=0, known=None, **sizes):
    """Reads the images of a folder: its subfolders are the labels.

    Subfolders called train, validation and test are splits, and theirs the labels.

    Args:
        path: The folder.
        splits: As of `splitting.split`.
        split_seed: Likewise.
        known: `Table.about` of an earlier one, for the names of the classes.
        **sizes: image_size, resize and levels of `images.change`.

    Returns:
        A `Table`.

    Raises:
        DatasetError: There are no images, one cannot be read, or they are of several sizes.
    """
    from trainers.datasets import images

    name = f"images:{os.path.basename(os.path.abspath(path))}"
    root = pathlib.Path(path)
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise DatasetError(f"{path} holds no images ({' '.join(SUFFIXES)})")
    parts = [p.relative_to(root).parts[:-1] for p in files]
    by_folder = all(p and p[0].lower() in splitting.ALSO_CALLED for p in parts)
    values = [p[0] for p in parts] if by_folder else None
    kinds = ["/".join(p[by_folder:]) for p in parts]
    change = images.change(**sizes)
    x = _read(files, change, name)
    labels = kinds if len(set(kinds)) > 1 else None
    how = (("folder",) if by_folder else splits, split_seed, values)
    return _table(name, x, labels, "folder", how, known)


def of_array(name, arrays, key, sizes, label=None, splits=None, split_seed=0, known=None, **other):
    """The images of one array of an .npz file, with the labels of another."""
    from trainers.datasets import images

    if other := [change for change, value in other.items() if value]:
        raise DatasetError(f"{other[0]} is for tables, and {name!r} holds images")
    looks.require_names(_Names(arrays), [n for n in (label,) if n], name)
    if label and arrays[label].ndim != 1:
        raise DatasetError(
            f"label {label!r} of {name!r} must be one value an image, got an array of shape "
            f"{arrays[label].shape}"
        )
    x = arrays[key] if arrays[key].ndim == 4 else arrays[key][..., None]
    change = images.change(**sizes)
    if change:
        x = np.stack([np.asarray(change(image)) for image in x])
    by = splitting.column(splits)
    values = arrays[by] if by in arrays else None
    labels = arrays[label].tolist() if label else None
    return _table(name, x, labels, label, (splits, split_seed, values), known, key)


class _Names:
    """Names of arrays where columns are looked for."""

    def __init__(self, names):
        self.columns = list(names)


def _table(name, x, labels, label, how, known, key="image"):
    import pandas as pd

    known = plain(known)
    if x.shape[-1] not in (1, 3):
        raise unusable(f"{name!r} has images of {x.shape[-1]} channels, where 1 or 3 are expected")
    if not x.size:
        raise DatasetError(f"{name!r} has no pixels: its images are an array of shape {x.shape}")
    classes = None
    if labels is not None:
        series = pd.Series(labels, name=label)
        labels, classes = looks.classes(series, known.get("classes"))
    if known and how[0] is None:
        how = (*splitting.given(known["splits"]), how[2])
    rows, how = splitting.split(len(x), *how)
    about = {"columns": [key], "label": label if classes else None, "classes": classes}
    about |= {"bounds": {}, "splits": how, "left_out": {}}
    words = [f"images: {len(x)} of shape {x.shape[1:]}"]
    if classes:
        words.append(f"label: {label}, {len(classes)} classes: {', '.join(classes[:10])}")
    return Table(name, x, labels, rows, about, (*words, splitting.words(rows, how)), None)


def _read(files, change, name):
    """All images, uint8 [n, height, width, channels], changed."""
    from PIL import Image

    grey, sizes = True, {}
    for path in files:
        try:
            with Image.open(path) as image:
                if image.mode[0] in "IF":  # Pillow would cut them at 255.
                    raise ValueError(f"turn its pixels of mode {image.mode} into 8 bits first")
                grey = grey and image.mode in ("1", "L")
                sizes.setdefault(image.size, path)
        except Exception as error:  # Whatever Pillow makes of a damaged or foreign file.
            raise _unreadable(path, error) from error
    if len(sizes) > 1 and not change.image_size:
        told = ", ".join(f"{w} x {h}" for w, h in sorted(sizes)[:4])
        raise unusable(
            f"{name!r} has images of varying size ({told}{', ...' * (len(sizes) > 4)}), where "
            "flows need one size; --image_size crops or pads them to one, --resize scales them then"
        )
    width, height = next(iter(sizes))
    _require_room(len(files), change.shape((height, width, 1 if grey else 3)), name)
    found = []
    for path in files:
        try:
            with Image.open(path) as image:
                array = np.asarray(image.convert("L" if grey else "RGB"))
        except Exception as error:  # Cut, or damaged behind its head.
            raise _unreadable(path, error) from error
        array = array[..., None] if grey else array
        found.append(np.asarray(change(array)) if change else array)
    return np.stack(found)


def _unreadable(path, error):
    return DatasetError(f"{path} cannot be read as an image: {one_line(error)}")


def _require_room(count, shape, name):
    needed = count * int(np.prod(shape))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > memory / 4:
        raise DatasetError(
            f"{name!r} takes {needed / 2**30:.1f} GiB of memory, of {memory / 2**30:.0f}: give a "
            "smaller --resize, or make it a TFDS data set (tfds.folder_dataset)"
        )
