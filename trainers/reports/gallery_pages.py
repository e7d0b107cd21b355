"""The pictures and tables of the gallery, from its cells.

Figures are as `trainers.reports.cells` keeps them; a cell that is not there leaves a gap.
"""

import json
import math
import os
from pathlib import Path

import numpy as np

from trainers.reports import cells, markdown, pictures
from trainers.runs import common, metrics

_CELL, _GAP, _LEFT, _TOP = 150, 6, 140, 34  # pixels
_COLOURS = "magma"
_TITLES = {
    "gallery": "density (colour) and KL from the truth in nats",
    "samples": "samples",
    "grids": "the grid of the latent, decoded",
}


def title(toy):
    """A toy's name as people write it."""
    return toy.replace("_", " ")


def draw(kind, families, toys, find, truth):
    """Draws one page: a row for the truth and for each family, a column for each toy.

    Args:
        kind: "gallery", "samples" or "grids".
        families: Pairs of a key of `zoo.MODELS` and a name to show.
        toys: Names of toys.
        find: Function from (family, toy) to (figures, arrays), or to a line that says what is
            wrong, or to None where there is nothing yet.
        truth: name of the toy -> what `cells.true_density` gives.

    Returns:
        uint8 [height, width, 3].
    """
    rows = [(None, "truth"), *families]
    width = _LEFT + len(toys) * (_CELL + _GAP)
    height = _TOP + len(rows) * (_CELL + _GAP)
    figure = pictures.canvas(width, height)
    for column, toy in enumerate(toys):
        x = _LEFT + column * (_CELL + _GAP) + _CELL / 2
        figure.text(x / width, 1 - _TOP / 2 / height, title(toy), ha="center", va="center", size=12)
    for row, (family, name) in enumerate(rows):
        top = _TOP + row * (_CELL + _GAP)
        y = 1 - (top + _CELL / 2) / height
        figure.text((_LEFT - 10) / width, y, name, ha="right", va="center", size=11)
        for column, toy in enumerate(toys):
            left = _LEFT + column * (_CELL + _GAP)
            box = (left / width, 1 - (top + _CELL) / height, _CELL / width, _CELL / height)
            axis = figure.add_axes(box, xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
            axis.set(xlim=(-cells.WINDOW, cells.WINDOW), ylim=(-cells.WINDOW, cells.WINDOW))
            found = ({}, truth[toy]) if family is None else find(family, toy)
            if found is None or isinstance(found, str):
                _gap(axis, "failed" if found else "not yet")
            else:
                _DRAW[kind](axis, *found, truth[toy])
    return pictures.render(figure)


def _gap(axis, text):
    axis.set_facecolor("0.93")
    axis.text(0, 0, text, ha="center", va="center", size=11, color="0.45")


def _heat(axis, density, truth, **kwargs):
    # Square roots show where mass leaks to; one scale a toy makes the rows comparable.
    brightest = np.quantile(truth["density"], 0.999)
    shown = np.sqrt(np.clip(np.nan_to_num(density) / brightest, 0, 1))
    window = (-cells.WINDOW, cells.WINDOW) * 2
    axis.imshow(
        shown, extent=window, origin="lower", cmap=_COLOURS, vmin=0, vmax=1, aspect="auto", **kwargs
    )


def _density(axis, figures, arrays, truth):
    _heat(axis, arrays["density"], truth, interpolation="bilinear")
    samples = arrays["samples"][:250]
    axis.scatter(*samples.T, s=1.6, color="#8fe3ff", alpha=0.7, linewidths=0)
    if figures:
        text = f"{figures['kl']['mean']:.3f}" if figures["kl"]["mean"] is not None else "∞"
        axis.text(3.75, -3.75, text, ha="right", va="bottom", size=9, color="white")


def _samples(axis, figures, arrays, truth):
    axis.set_facecolor("#0b0724")
    axis.scatter(*arrays["samples"].T, s=0.8, color="#fcbf7b", alpha=0.5, linewidths=0)


def _warped(axis, figures, arrays, truth):
    import matplotlib
    from matplotlib.collections import LineCollection

    if "grid" not in arrays:
        _heat(axis, arrays["density"], truth, interpolation="bilinear")
        return
    axis.set_facecolor("white")
    place = np.linspace(0.12, 0.88, cells.LINES)
    for lines, colours in zip(arrays["grid"], ("viridis", "magma"), strict=True):
        colour = matplotlib.colormaps[colours](place)
        axis.add_collection(LineCollection(lines, colors=colour, linewidths=0.55, alpha=0.9))


_DRAW = {"gallery": _density, "samples": _samples, "grids": _warped}


def kl_table(families, toys, find, entropies):
    """KL from the truth to each flow, the best of each toy in bold, as Markdown."""
    best = {}
    for toy in toys:
        known = [f for family, _ in families if (f := _figures(find, family, toy))]
        means = [f["kl"]["mean"] for f in known if f["kl"]["mean"] is not None]
        # There is no best of a toy that is not done.
        done = all(find(family, toy) for family, _ in families)
        best[toy] = min(means, default=None) if done else None
    rows = [["true entropy", *(f"{entropies[toy]:.4f}" for toy in toys)]]
    for family, name in families:
        row = [name]
        for toy in toys:
            figures = _figures(find, family, toy)
            text = _mean(figures["kl"]) if figures else ("failed" if find(family, toy) else "–")
            is_best = figures and best[toy] is not None and figures["kl"]["mean"] == best[toy]
            row.append(f"**{text}**" if is_best else text)
        rows.append(row)
    return markdown.table(rows, ["nats", *map(title, toys)], right=range(1, len(toys) + 1))


def _mean(figure, infinite="∞"):
    """A mean with its error; what a record has as null was infinite."""
    return infinite if figure["mean"] is None else metrics.shown(figure)


def _number(value, form):
    return "not finite" if value is None else format(value, form)


def cost_table(families, toys, find):
    """What each family costs: parameters, and means over the toys of the times, as Markdown."""
    rows = []
    for family, name in families:
        known = [f for toy in toys if (f := _figures(find, family, toy))]
        if known:
            rows.append([name, f"{known[0]['parameters']:,}", *_times(known)])
    header = ["", "parameters", "training, s", "log_prob, ms", "sample, ms"]
    return markdown.table(rows, header, right=range(1, 5))


def _times(known):
    for name, digits in (("training_seconds", 0), ("log_prob_ms", 2), ("sample_ms", 2)):
        yield f"{np.mean([figures[name] for figures in known]):.{digits}f}"


def full_table(families, toys, find):
    """Every figure of every cell, as Markdown; failures with what was said."""
    header = ["family", "toy", "log-likelihood", "KL", "integral", "p-value", "parameters"]
    header += ["epochs", "training, s", "log_prob, ms", "sample, ms"]
    header += ["round trip", "Lipschitz", "evaluations"]
    rows = []
    for family, name in families:
        for toy in toys:
            figures = _figures(find, family, toy)
            if figures is None:
                said = find(family, toy)
                rows.append([name, title(toy), f"failed: {said}" if said else "–", *[""] * 11])
                continue
            row = [name, title(toy), _mean(figures["nats"], "-∞"), _mean(figures["kl"])]
            row += [_number(figures["integral"], ".4f"), _number(figures["p_value"], ".3g")]
            row += [f"{figures['parameters']:,}", str(figures["epochs"]), *_times([figures])]
            rows.append([*row, *_iterations(figures)])
    return markdown.table(rows, header, right=range(2, len(header)))


def _iterations(figures):
    """Round trip, largest Lipschitz constant, and mean evaluations of the dynamics an event."""
    error, branches, counts = (figures[n] for n in ("round_trip", "lipschitz", "evaluations"))
    yield "∞" if error is None else f"{error:.1e}"
    if branches and branches["largest"] is None:
        yield "not converged"
    else:
        yield f"{branches['largest']:.4f}" if branches else "–"
    yield f"{counts['mean']:.0f}" if counts else "–"


def checks(figures):
    """On how well the densities of cells are densities, and of their own samples, and inverses."""
    # What is null in a record was not finite.
    off = max(math.inf if f["integral"] is None else abs(f["integral"] - 1) for f in figures)
    p_values = [f["p_value"] or 0.0 for f in figures]
    trips = sorted(math.inf if f["round_trip"] is None else f["round_trip"] for f in figures)
    middle, worst = trips[len(trips) // 2], trips[-1]
    said = (
        f"Over all {len(figures)} cells the density integrates to 1 within {off:.1e}, and the "
        f"smallest p-value of samples against their density is {min(p_values):.2g} "
        f"({sum(p < 0.01 for p in p_values)} below 0.01). The largest round-trip error of 1000 "
        f"test points, in float32, is {middle:.1e} in the middle and {worst:.1e} at most"
    )
    branches = [f["lipschitz"]["largest"] for f in figures if f["lipschitz"]]
    if not branches:
        return f"{said}."
    if unknown := branches.count(None):
        return (
            f"{said}; in {unknown} of {len(branches)} cells with residual branches the power "
            "iteration for their Lipschitz constants did not converge."
        )
    return (
        f"{said}; no residual branch has a larger Lipschitz constant there than "
        f"{max(branches):.4f}."
    )


def line(figures):
    """One line about a finished cell."""
    return (
        f"KL {_mean(figures['kl'])}, integral {_number(figures['integral'], '.4f')}, "
        f"p {_number(figures['p_value'], '.3f')}, "
        f"{figures['training_seconds']:.0f} s of training"
    )


def _figures(find, family, toy):
    found = find(family, toy)
    return None if found is None or isinstance(found, str) else found[0]


def write(folder, families, toys, find, toy_of, notes=()):
    """Writes the pages of a gallery.

    Args:
        folder: Where to, a `Path`.
        families, toys, find: As `draw` takes them.
        toy_of: Name -> the toy.
        notes: Further lines for the page.

    Returns:
        The paths.
    """
    truth = {toy: cells.true_density(toy_of[toy]) for toy in toys}
    entropies = {toy: toy_of[toy].entropy() for toy in toys}
    paths = []
    for kind in _DRAW:
        paths.append(folder / f"{kind}.png")
        pictures.save_png(draw(kind, families, toys, find, truth), paths[-1], colours=256)
    figures = [f for family, _ in families for toy in toys if (f := _figures(find, family, toy))]
    summary = _summary(families, toys, find, entropies, figures)
    page = f"# Gallery\n\n{summary}\n\n## Every figure\n\n{full_table(families, toys, find)}\n\n"
    page += "".join(f"- {note}\n" for note in notes) + "\n" * bool(notes)
    page += "\n\n".join(f"![{text}]({kind}.png)" for kind, text in _TITLES.items())
    record = {"entropy": entropies, "cells": figures}
    texts = {"README.md": page + "\n\n" + _WRITTEN, "summary.md": summary + "\n"}
    for name, text in (texts | {"gallery.json": json.dumps(record, indent=1) + "\n"}).items():
        paths.append(folder / name)
        common.write_text(paths[-1], text)
    return paths


_WRITTEN = "_Written by `python -m trainers.gallery`; not edited by hand._\n"


def _summary(families, toys, find, entropies, figures):
    points = " or ".join(f"{n:,}" for n in sorted({f["points"] for f in figures}))
    tested = (
        f"KL(truth ‖ flow) in nats, ± two standard errors, over {points} points drawn for the test "
        "alone; the true densities are closed forms or quadratures to 1e-6 nats."
    )
    return (
        f"{kl_table(families, toys, find, entropies)}\n\n"
        + (f"{tested} {checks(figures)}\n\n" if figures else "")
        + f"{cost_table(families, toys, find)}\n\n"
        "Training (on points drawn anew at each pass), and one call on 1000 points; means over the "
        f"toys. {_timing(figures)}"
    )


def _timing(figures):
    alone = sum(bool(f.get("timed_alone")) for f in figures)
    if figures and alone == len(figures):
        return "Calls were timed afterwards, one flow after another."
    said = "Times were taken while the cells were made, which may be several at a time"
    return f"{said}; calls of {alone} were timed afterwards, one by one." if alone else f"{said}."


def section(folder, page):
    """The part of a page on a gallery: its picture and its summary.

    Args:
        folder: Folder of the gallery, a `Path`.
        page: Path of the page, from which the picture is linked.
    """
    at = Path(os.path.relpath(folder.resolve(), Path(page).resolve().parent)).as_posix()
    summary = (folder / "summary.md").read_text(encoding="utf-8").strip()
    return (
        f"![{_TITLES['gallery']}]({at}/gallery.png)\n\n{summary}\n\n"
        f"[All figures]({at}/README.md), [samples]({at}/samples.png), [grids]({at}/grids.png)."
    )
