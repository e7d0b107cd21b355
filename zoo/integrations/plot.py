"""Plots of flows on matplotlib axes, `zoo.plot`; matplotlib comes with the extra `plot`."""

from __future__ import annotations

import json
import math
import numbers
import pathlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import config, specs
from zoo.training import LikelihoodModel
from zoo.typing import ArrayLike, PathLike, Seed

if TYPE_CHECKING:
    import keras
    from matplotlib.axes import Axes

    from zoo.flow import Flow

__all__ = ["density", "samples", "training"]

GAP, BACKGROUND = 1, 255  # pixels between images, and their colour
MOST_CELLS = 1 << 12  # of a map, a side
WHOLE = 10  # epochs up to which a plot of training shows the first ones whole


def __dir__():
    return __all__


def density(
    flow: Flow,
    context: ArrayLike | None = None,
    *,
    window: tuple[float, float, float, float] | None = None,
    resolution: int = 200,
    axes: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draws the density of a flow over the plane as a heat map.

    Args:
      flow: A flow of points, `event_shape=(2,)`.
      context: One context `[*context_shape]`, where the flow takes one.
      window: `(left, right, bottom, top)` in data units; by default what holds nearly all of 1000
        samples.
      resolution: Cells of the map a side.
      axes: Where to draw; new ones by default.
      **kwargs: Further arguments of `Axes.imshow`, for example `cmap`.

    Returns:
      The `matplotlib.axes.Axes`.

    Raises:
      ValueError: Events are no points of the plane, or an argument of `log_prob` is not as
        described.
      ImportError: matplotlib is not installed.
    """
    if not isinstance(flow, LikelihoodModel):
        raise ValueError(f"flow must be a zoo Flow, got {type(flow).__name__}.")
    if tuple(flow.event_shape) != (2,):
        raise ValueError(
            f"density draws flows of points, event_shape=(2,), got {tuple(flow.event_shape)}: "
            "draw their samples, zoo.plot.samples."
        )
    resolution = config.count("resolution", resolution, most=MOST_CELLS)
    if window is not None and not _are_numbers(window, 4):
        raise ValueError(f"window must be (left, right, bottom, top), got {config.shown(window)}.")
    if window is None:
        window = around(np.asarray(flow.sample(1000, context, seed=0)))
    left, right, bottom, top = window
    grid = np.meshgrid(np.linspace(left, right, resolution), np.linspace(bottom, top, resolution))
    points = np.stack(grid, axis=-1).reshape(-1, 2).astype(flow.variable_dtype)
    inside = _inside(flow, points)
    heat = np.zeros(len(points))
    if inside.any():
        heat[inside] = np.exp(np.asarray(flow.log_prob(points[inside], context), np.float64))
    look = {"origin": "lower", "cmap": "magma", "aspect": "auto"} | kwargs
    axes = _axes(axes)
    axes.imshow(heat.reshape(resolution, resolution), extent=window, **look)
    return axes


def samples(
    given: LikelihoodModel | ArrayLike,
    n: int | None = None,
    context: ArrayLike | None = None,
    *,
    seed: Seed = None,
    temperature: float = 1.0,
    levels: int | None = None,
    columns: tuple[int, int] = (0, 1),
    axes: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draws samples: images in rows, two columns of vectors as a cloud, one as a histogram.

    Args:
      given: A flow, a VAE, or events `[n, *event_shape]`, samples or data.
      n: Number of samples of a flow: 64 images or 2000 vectors by default.
      context: As in `Flow.sample`.
      seed: Seed of the samples.
      temperature: As in `Flow.sample`.
      levels: Number of grey levels, of images given as an array; without it their smallest number
        becomes black and their largest white.
      columns: Which two entries of a vector are drawn.
      axes: Where to draw; new ones by default.
      **kwargs: Further arguments of `Axes.imshow`, `Axes.scatter` or `Axes.hist`.

    Returns:
      The `matplotlib.axes.Axes`.

    Raises:
      ValueError: Events are neither images `[height, width, 1 or 3]` nor vectors, or an argument is
        not as described.
      ImportError: matplotlib is not installed.
    """
    flow: Any = given if isinstance(given, LikelihoodModel) else None
    shape = np.shape(given)[1:] if flow is None else tuple(flow.event_shape)
    is_image = len(shape) == 3 and shape[-1] in (1, 3)
    if not (is_image or len(shape) == 1):
        raise ValueError(
            "samples draws images [n, height, width, 1 or 3] and vectors [n, d], got events of "
            f"shape {shape}."
        )
    if levels is not None:
        levels = config.count("levels", levels, least=2)
    if not (is_image or shape == (1,) or _are_columns(columns, *shape)):
        raise ValueError(
            f"columns must be two of 0 to {shape[0] - 1}, got {config.shown(columns)}."
        )
    if flow is None:
        given = specs.described(given, "samples")
    else:
        levels = flow.levels
        n = (64 if is_image else 2000) if n is None else n
        given = flow.sample(n, context, seed=seed, temperature=temperature)
    x, axes = np.asarray(given), _axes(axes)
    if is_image:
        axes.imshow(tiles(to_pixels(x, levels)), **kwargs)
        axes.axis("off")
    elif shape == (1,):
        axes.hist(x[:, 0], **({"bins": "auto", "density": True} | kwargs))
    else:
        x = x[:, list(columns)]
        left, right, bottom, top = around(x)
        axes.scatter(*x.T, **({"s": 2, "alpha": 0.4, "linewidths": 0} | kwargs))
        axes.set(xlim=(left, right), ylim=(bottom, top))
    return axes


def training(
    history: keras.callbacks.History | PathLike | Iterable[dict[str, float]],
    figure: str = "nats",
    *,
    axes: Axes | None = None,
    **kwargs: Any,
) -> Axes:
    """Draws the course of a training: a figure of each epoch, and that on validation data.

    Of more than ten epochs the first two may leave the axes, which else would be theirs.

    Args:
      history: What `fit` returned, the folder of a run or its `metrics.jsonl`, or a dictionary for
        each epoch.
      figure: `"nats"`, `"bits_per_dim"`, `"loss"` or another of those.
      axes: Where to draw; new ones by default.
      **kwargs: Further arguments of `Axes.plot`.

    Returns:
      The `matplotlib.axes.Axes`.

    Raises:
      ValueError: There is no such figure or file.
      ImportError: matplotlib is not installed.
    """
    lines = _lines(history)
    names = {"training, mean of the epoch": figure, "validation": f"val_{figure}"}
    if not any(name in line for line in lines for name in names.values()):
        known = sorted({name for line in lines for name in line})
        raise ValueError(f"no epoch has a figure {figure!r}; known are {', '.join(known)}.")
    timed, axes = all("seconds" in line for line in lines), _axes(axes)
    for label, name in names.items():
        # Flow matching measures none while training, and validation may come less often.
        known = [line for line in lines if name in line]
        if known:
            x = [line["seconds"] / 60 if timed else line["epoch"] for line in known]
            label = f"{label} (last {known[-1][name]:.3f})"
            axes.plot(x, [line[name] for line in known], **{"marker": ".", "label": label} | kwargs)
    late = [line[name] for line in lines[2:] for name in names.values() if name in line]
    if len(lines) > WHOLE and np.isfinite(late).all():
        margin = 0.05 * (max(late) - min(late)) + 1e-6
        axes.set_ylim(min(late) - margin, max(late) + margin)
    axes.set(xlabel="minutes of training" if timed else "epoch", ylabel=figure.replace("_", " "))
    axes.legend()
    return axes


def _lines(history):
    """A dictionary for each epoch, whatever they come in."""
    if hasattr(history, "history"):
        figures = {"epoch": [epoch + 1 for epoch in history.epoch], **history.history}
        if len({len(values) for values in figures.values()}) > 1:
            raise ValueError(
                "some epochs of this History have no validation, and it does not say which: give a "
                'dictionary for each epoch, with the "epoch" and what it measured.'
            )
        return [dict(zip(figures, row, strict=True)) for row in zip(*figures.values(), strict=True)]
    if not isinstance(history, str | pathlib.PurePath):
        lines = list(history) if isinstance(history, Iterable) else [history]
        if not all(map(_is_line, lines)):
            raise ValueError(
                "history must be what fit returned, the folder of a run, or a dictionary of numbers"
                f" for each epoch, got {config.shown(history)}."
            )
        return [{"epoch": i} | line for i, line in enumerate(lines, start=1)]
    path = pathlib.Path(history)
    path = path / "metrics.jsonl" if path.is_dir() else path
    if not path.is_file():
        raise ValueError(
            f"{path}: no such file; expected the folder of a run or its metrics.jsonl."
        )
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            line = json.loads(text)
        except (ValueError, RecursionError):  # A line that is being written.
            break
        if not _is_line(line):
            raise ValueError(f"{path} has a line that is no record: {config.shown(text)}.")
        lines.append({"epoch": len(lines) + 1} | line)
    return lines


def _is_line(line):
    """Whether it is what was measured in an epoch: figures by name, at a time that is a number."""
    return isinstance(line, dict) and all(
        isinstance(line.get(name, 0), numbers.Real) for name in ("epoch", "seconds")
    )


def _are_numbers(values, n):
    """Whether these are `n` finite numbers."""
    return np.shape(values) == (n,) and all(map(config.is_number, values))


def _are_columns(columns, size):
    """Whether these are two of so many columns."""
    return _are_numbers(columns, 2) and all(c in range(-size, size) for c in columns)


def to_pixels(images, levels=None):
    """Turns images into pixels.

    Args:
      images: `[n, height, width, channels]`, grey levels in `[0, levels)`, integers or not; without
        `levels` any numbers, whose smallest becomes black and largest white.
      levels: Number of grey levels, or `None`.

    Returns:
      uint8 `[n, height, width, 3]`.
    """
    images = np.asarray(images, np.float64)
    if levels:
        # The brightest level is white; a sample outside the data's range shows as its border.
        scaled = np.clip(np.floor(images), 0, levels - 1) / (levels - 1)
    else:
        low, high = np.min(images), np.max(images)
        scaled = (images - low) / max(high - low, 1e-12)
    pixels = np.round(255 * np.nan_to_num(scaled)).astype(np.uint8)
    return np.broadcast_to(pixels, (*pixels.shape[:-1], 3))


def tiles(pixels, columns=None):
    """Arranges images in rows.

    Args:
      pixels: uint8 `[n, height, width, 3]`, row by row.
      columns: Images a row; the square root of their number by default.

    Returns:
      uint8 `[height, width, 3]`, a pixel of white around each image.
    """
    n, height, width, _ = pixels.shape
    columns = min(columns or math.ceil(math.sqrt(n)), n)
    h, w = height + GAP, width + GAP
    picture = np.full(
        (math.ceil(n / columns) * h + GAP, columns * w + GAP, 3), BACKGROUND, np.uint8
    )
    for i, image in enumerate(pixels):
        top, left = divmod(i, columns)
        picture[top * h + GAP : (top + 1) * h, left * w + GAP : (left + 1) * w] = image
    return picture


def around(points):
    """`(left, right, bottom, top)` around nearly all points `[n, 2]`, with a margin."""
    finite = points[np.isfinite(points).all(axis=-1)]
    if not len(finite):
        return -1.0, 1.0, -1.0, 1.0
    # A single far-off sample must not make everything else a dot.
    low, high = np.quantile(finite, [0.001, 0.999], axis=0)
    margin = 0.1 * np.maximum(high - low, 1e-3)
    (left, bottom), (right, top) = low - margin, high + margin
    return float(left), float(right), float(bottom), float(top)


def _inside(flow, points):
    """Which points `[n, 2]` a flow gives a density: those within its bounds or levels."""
    _, low, high = flow.event.bounds(points)
    inside = np.ones(len(points), bool)
    for end, beyond in ((low, np.less), (high, np.greater)):
        if end is not None:
            inside &= ~beyond(points, end).any(axis=-1)
    return inside


def _axes(axes):
    """These axes, or new ones of pyplot's."""
    if axes is not None:
        return axes
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError("zoo.plot needs matplotlib: pip install 'flow-zoo[plot]'.") from None
    return pyplot.subplots()[1]
