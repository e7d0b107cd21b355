"""What of a table can be modelled: each column looked at, in pandas and NumPy."""

import re

import numpy as np

from trainers.datasets.errors import DatasetError

FEW = 20  # values of an integer column that is rather a category
MOST_CLASSES = 1000
ALIKE = 1e-9  # one minus the correlation of columns that are copies up to shift and scale


def require_names(frame, names, where):
    """Raises unless all these columns are there, each once."""
    from trainers.datasets import catalogue

    if twice := sorted({c for c in frame.columns if list(frame.columns).count(c) > 1}):
        raise DatasetError(f"{where!r} has two columns {twice[0]!r}; rename one")
    for name in names:
        if name not in frame.columns:
            hint = catalogue.did_you_mean(name, frame.columns)
            listed = ", ".join(list(frame.columns)[:30])
            raise DatasetError(f"{where!r} has no column {name!r}{hint}; it has {listed}")


def without_missing(frame, names, drop, where):
    """(the frame without rows that lack a value, lines that say so).

    Raises:
        DatasetError: Values are missing, and rows are not to be dropped.
    """
    if not len(frame):
        raise DatasetError(f"{where!r} has no rows")
    bad = frame[names].isna()
    for name in names:
        if frame[name].dtype.kind == "f":
            bad[name] |= np.abs(frame[name]) > np.finfo(np.float32).max
    bad = bad.loc[:, ~bad.all()]  # An empty column is a matter of its own.
    rows = bad.any(axis=1).to_numpy()
    if not rows.any():
        return frame, []
    counts = bad.sum()
    told = ", ".join(f"{c} ({n})" for c, n in counts[counts > 0].items())
    if drop and not rows.all():
        return frame[~rows].reset_index(drop=True), [f"dropped: {rows.sum()} rows without {told}"]
    raise DatasetError(
        f"{where!r} has missing or infinite values in {rows.sum()} of {len(frame)} rows, "
        f"in {told}, the first in row {int(np.argmax(rows))}: fill them in, choose other columns "
        "(--columns), or leave such rows out (--drop_missing)"
    )


def faults(frame, names, chosen, where):
    """name -> why no density can be had of a column.

    Raises:
        DatasetError: The user has chosen such a column.
    """
    found = {}
    for name in names:
        why = _fault(frame[name], chosen)
        if why:
            found[name] = why
    found |= _copies(frame, [n for n in names if n not in found])
    if chosen and found:
        name, why = next(iter(found.items()))
        raise DatasetError(f"{where!r}: column {name!r} is {why}; leave it out of --columns")
    return found


def _fault(series, chosen):
    import pandas as pd

    kind = series.dtype.kind
    try:
        count = series.nunique()
    except TypeError:  # Lists, arrays and such, which have no hash.
        return f"of objects ({type(series.iloc[0]).__name__}): turn it into numbers first"
    if count == 0:
        return "empty"
    if isinstance(series.dtype, pd.CategoricalDtype) or kind == "b":
        return f"categorical, of {count} values"
    if kind in "mM":
        return "of dates or times: turn it into numbers first"
    if kind not in "iuf":
        parsed = pd.to_numeric(series, errors="coerce")
        row = int(np.argmax(parsed.isna().to_numpy()))
        if parsed.notna().all():
            return f"of objects ({type(series.iloc[0]).__name__}): turn it into real numbers first"
        if parsed.isna().mean() < 0.5:
            return f"of numbers and text: {str(series.iloc[row])[:20]!r} in row {row}"
        return f"text, of {count} values"
    if count == 1:
        return f"constant, {series.iloc[0]}"
    if not chosen and kind in "iu" and count <= FEW and len(series) > 5 * count:
        return (
            f"categorical, integers of {count} values: name it in --columns to take it as numbers"
        )
    values = series.to_numpy(np.float64)
    if len(np.unique(values.astype(np.float32))) < 0.5 * count:
        return "of numbers that float32 cannot tell apart: subtract an offset, or scale it, first"
    return None


def _copies(frame, names):
    """Columns that are another one, up to shift and scale."""
    if len(names) < 2:
        return {}
    x = frame[names].to_numpy(np.float64)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    alike = np.abs(np.triu(x.T @ x / len(x), 1)) > 1 - ALIKE
    return {
        names[j]: f"a duplicate of {names[int(np.argmax(alike[:, j]))]!r}, up to shift and scale"
        for j in np.flatnonzero(alike.any(axis=0))
    }


def numbers(frame, names, where):
    """The columns as float64 [n, d]."""
    try:
        return frame[names].to_numpy(np.float64)
    except (TypeError, ValueError):
        bad = next(name for name in names if frame[name].dtype.kind not in "iufb")
        raise DatasetError(f"{where!r}: column {bad!r} does not hold numbers") from None


def require_places(names, known):
    """Raises DatasetError where a column of a flow is named in another place than it has there."""
    if moved := [c for i, c in enumerate(names) if c in known and known.index(c) != i]:
        raise DatasetError(
            f"column {moved[0]!r} has another place in the flow: omit the columns, or name them in "
            f"its order, {','.join(known)[:150]}"
        )


def classes(series, known=None):
    """(labels int32 [n], names of the classes) of a column.

    Raises:
        DatasetError: It has too many values, or one that the classes known do not have.
    """
    if series.dtype.kind == "f" and (series == series.round()).all():
        series = series.astype("int64")  # Floats only where other rows lack a value.
    values = series.astype(str) if series.dtype.kind not in "iufb" else series
    found = known or [str(v) for v in sorted(values.unique())]
    if len(found) > MOST_CLASSES or (series.dtype.kind == "f" and len(found) > 50):
        raise DatasetError(
            f"label {series.name!r} has {len(found)} values, where classes are expected; "
            "a number to predict is a column beside the others"
        )
    if len(found) < 2:
        raise DatasetError(f"label {series.name!r} has one value, {found[0]}: it says nothing")
    places = {name: i for i, name in enumerate(found)}
    texts = values.astype(str)
    if unknown := sorted(set(texts.unique()) - set(places)):
        raise DatasetError(
            f"label {series.name!r} has a value {unknown[0]!r}; the classes are {', '.join(found)}"
        )
    return texts.map(places).to_numpy(np.int32), list(found)


def read_bounds(bounds, names):
    """name -> bound, of texts such as "income=0..", "share=0..1" or "price=log", or as it is.

    Raises:
        DatasetError: There is no such column, or the text says nothing.
    """
    from trainers.datasets import catalogue

    if not isinstance(bounds, dict | list | tuple):
        raise DatasetError(f"bounds must be a dictionary, or texts of columns; got {bounds!r}")
    pairs = bounds.items() if isinstance(bounds, dict) else [_pair(text) for text in bounds]
    found = {name: bound(name, said) for name, said in pairs}
    for name in found:
        if name not in names:
            hint = catalogue.did_you_mean(name, names)
            raise DatasetError(
                f"bounds: there is no column {name!r}{hint} among those modelled: "
                f"{', '.join(names[:30])}"
            )
    return found


def bound(name, said):
    """What a column lies between, as JSON can hold it: "log", or [low, high], None if open.

    Raises:
        DatasetError: It is neither.
    """
    if isinstance(said, str) and said == "log":
        return said
    try:
        low, high = (None if end is None else float(end) for end in said)
    except (TypeError, ValueError):
        low = high = None
    given = [end for end in (low, high) if end is not None]
    if not given or not np.isfinite(given).all() or given != sorted(set(given)):
        raise DatasetError(
            f'bounds: column {name!r} must have "log", or (low, high) with low < high and None for '
            f"an open end; got {str(said)[:60]}"
        )
    return [low, high]


def _pair(text):
    if not isinstance(text, str):  # (name, bound), as a dictionary was kept
        return text
    name, _, said = text.rpartition("=")
    number = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)?"
    ends = re.fullmatch(rf"{number}\.\.{number}", said.strip())
    if name and said == "log":
        return name, "log"
    if not (name and ends and any(ends.groups())):
        raise DatasetError(
            f"bounds must be as in income=0..,share=0..1,price=log (low..high, log of positive "
            f"numbers); got {text!r}"
        )
    return name, [None if end is None else float(end) for end in ends.groups()]


def check_bounds(x, names, bounds):
    """Raises if values of columns lie on their bounds or beyond, where no density is."""
    for name, bound in bounds.items():
        low, high = (0.0, None) if bound == "log" else bound
        values = x[:, names.index(name)].astype(np.float32)
        low, high = (-np.inf if low is None else low), (np.inf if high is None else high)
        bad = (values <= np.float32(low)) | (values >= np.float32(high))
        if bad.any():
            row = int(np.argmax(bad))
            raise DatasetError(
                f"column {name!r} has {bad.sum()} values on or beyond its bounds ({low:g}, "
                f"{high:g}), the first in row {row}: {values[row]:g}; a density lies between them"
            )


def units(x, names, bounds):
    """(shift, scale) of each column, from training rows [n, d] in their units."""
    shift, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    for i, name in enumerate(names):
        if bounds.get(name) == "log":
            scale[i] = np.exp(np.log(x[:, i]).mean())
    return shift.tolist(), scale.tolist()


def words(frame, about):
    """Lines that say what is modelled and what is not."""
    names, bounds = about["columns"], about["bounds"]
    shown = [f"{n} in {_shown(bounds[n])}" if n in bounds else n for n in names]
    lines = [f"columns: {', '.join(shown[:20])}{', ...' * (len(shown) > 20)}, standardized"]
    lines += [f"left out: {name}, {why}" for name, why in about["left_out"].items()]
    few = [n for n in names if frame[n].nunique() < min(FEW, len(frame) / 5)]
    if few:
        lines.append(
            f"careful: {', '.join(few[:5])} repeat few values; a density grows there without bound"
        )
    if about["label"]:
        listed = about["classes"]
        lines.append(
            f"label: {about['label']}, {len(listed)} classes: {', '.join(listed[:10])}"
            f"{', ...' * (len(listed) > 10)}; --class_conditional conditions on it"
        )
    return lines


def _shown(bound):
    if bound == "log":
        return "(0, inf) by its logarithm"
    low, high = bound
    return f"({'-inf' if low is None else f'{low:g}'}, {'inf' if high is None else f'{high:g}'})"
