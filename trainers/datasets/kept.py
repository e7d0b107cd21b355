"""What is kept of a user's own data with a flow, and read again from its manifest."""

from trainers.datasets.columns import bound
from trainers.datasets.errors import DatasetError

_PAIRS = ("bounds", "splits", "left_out")


def plain(known):
    """`tables.Table.about` as a dictionary, whatever became of it on the way through a cache.

    Raises:
        DatasetError: It is not of the form that a training writes.
    """
    try:
        known = dict(known or {})
        known |= {key: dict(known[key]) for key in _PAIRS if key in known}
    except (TypeError, ValueError):
        raise DatasetError("what was kept of the data is of another form") from None
    for key, value in known.items():
        if not _FORMS.get(key, lambda value: True)(value):
            raise DatasetError(f"what was kept of the data has wrong {key!r}: {str(value)[:60]!r}")
    return known


def from_manifest(found):
    """`plain` of what a manifest holds; all of it must be there.

    Raises:
        DatasetError: It is not of the form that a training writes.
    """
    known = plain(found)
    if missing := sorted(set(_FORMS) - set(known)):
        raise DatasetError(f"what was kept of the data lacks {missing[0]!r}")
    return known


def _texts(value):
    return isinstance(value, list | tuple) and all(isinstance(part, str) for part in value)


def _splits(value):
    if "column" in value:
        return isinstance(value["column"], str)
    fractions, seed = value.get("fractions"), value.get("seed")
    numbers = isinstance(fractions, list | tuple) and all(_is(float | int, f) for f in fractions)
    return numbers and _is(int, seed)


def _bounds(value):
    try:
        return all(bound(name, each) for name, each in value.items())
    except DatasetError:
        return False


def _is(kind, value):
    return isinstance(value, kind) and not isinstance(value, bool)


_FORMS = {
    "columns": lambda value: _texts(value) and len(value) > 0,
    "label": lambda value: value is None or isinstance(value, str),
    "classes": lambda value: value is None or _texts(value),
    "bounds": _bounds,
    "splits": _splits,
    "left_out": lambda value: _texts([*value, *value.values()]),
}
