"""Pictures of flows: grids of sampled images, strips, and heat maps of densities in the plane.

Pictures are uint8 arrays [height, width, 3], so that a file and TensorBoard get the same one.
"""

import math

import numpy as np
from PIL import Image

from trainers.runs import common

_GAP = 1  # pixels between images, before they are magnified
_BACKGROUND = 255


def is_image(event_shape):
    """Whether events of this shape are images: [height, width, 1 or 3]."""
    return len(event_shape) == 3 and event_shape[-1] in (1, 3)


def is_plane(event_shape):
    """Whether events of this shape are points of the plane."""
    return tuple(event_shape) == (2,)


def drawable(event_shape):
    """Whether `sample_picture` can show events of this shape."""
    return is_image(event_shape) or is_plane(event_shape)


def to_pixels(images, levels=None):
    """Turns images into pixels.

    Args:
        images: [n, height, width, channels], grey levels in [0, levels), integer or not; without
            `levels` any numbers, whose smallest becomes black and largest white.
        levels: Number of grey levels, or None.

    Returns:
        uint8 [n, height, width, 3].
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


def grid(images, columns=None, smallest=512):
    """Arranges images in rows.

    Args:
        images: uint8 [n, height, width, 3], row by row.
        columns: Images a row; the square root of their number by default.
        smallest: The picture is magnified by a whole factor until its longer side would pass this.

    Returns:
        uint8 [height, width, 3].
    """
    n, height, width, _ = images.shape
    columns = min(columns or math.ceil(math.sqrt(n)), n)
    rows = math.ceil(n / columns)
    h, w = height + _GAP, width + _GAP
    canvas = np.full((rows * h + _GAP, columns * w + _GAP, 3), _BACKGROUND, np.uint8)
    for i, image in enumerate(images):
        top, left = divmod(i, columns)
        canvas[top * h + _GAP : (top + 1) * h, left * w + _GAP : (left + 1) * w] = image
    factor = max(1, smallest // max(canvas.shape))
    return canvas.repeat(factor, axis=0).repeat(factor, axis=1)


def save_png(picture, path, colours=None):
    """Writes a uint8 picture as PNG, whole or not at all.

    Args:
        picture: uint8 [height, width, 3].
        path: The file.
        colours: Size of a palette, up to 256, to which large pictures are reduced; None: all.
    """
    image = Image.fromarray(np.ascontiguousarray(picture))
    if colours:
        image = image.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    with common.written_whole(path) as part:
        image.save(part, format="PNG", optimize=bool(colours))


def sample_picture(flow, n=64, seed=0, temperature=1.0):
    """Draws samples of a flow.

    Args:
        flow: The flow, of images or of points of the plane. Of a class-conditional flow of images
            each row shows one class.
        n: Number of images, where classes do not say it.
        seed: Seed of the samples.
        temperature: Factor of the base distribution's spread.

    Returns:
        uint8 [height, width, 3].

    Raises:
        ValueError: If events of the flow are neither.
    """
    if is_plane(flow.event_shape):
        return plane_picture(flow, seed=seed, temperature=temperature)
    if not is_image(flow.event_shape):
        raise ValueError(
            f"no picture shows events of shape {tuple(flow.event_shape)}: expected images "
            "[height, width, 1 or 3] or points [2]"
        )
    labels, columns = _class_rows(flow, n)
    n = n if labels is None else len(labels)
    images = flow.sample(n, context=labels, seed=seed, temperature=temperature)
    return grid(to_pixels(images, flow.levels), columns)


def _class_rows(flow, n):
    """Labels of rows of one class each, and their length; (None, None) without classes."""
    if not flow.num_classes:
        return None, None
    columns = max(8, n // flow.num_classes)
    return np.repeat(np.arange(flow.num_classes), columns), columns


def beside_picture(flow, x, labels=None, seed=0, temperature=1.0, n=64):
    """Draws images of the data on the left and samples on the right, in one picture.

    Args:
        flow: A flow of images. Of a class-conditional one each row shows one class.
        x: Images of its data [m, *event_shape]; the first ones are shown.
        labels: Their labels [m], of a class-conditional flow.
        seed: Seed of the samples.
        temperature: Factor of the base distribution's spread, for the samples.
        n: Number of images on each side, where classes do not say it.

    Returns:
        uint8 [height, width, 3].
    """
    wanted, columns = _class_rows(flow, n)
    if wanted is None:
        real = np.asarray(x[:n])
        columns = math.ceil(math.sqrt(len(real)))
    else:
        rows = [x[labels == label][:columns] for label in range(flow.num_classes)]
        # A class that has too few is shown again from its first.
        real = np.concatenate([row[np.arange(columns) % len(row)] for row in rows])
    drawn = flow.sample(len(real), context=wanted, seed=seed, temperature=temperature)
    drawn = np.asarray(drawn) if flow.levels is None else np.asarray(flow.to_levels(drawn))
    pixels = to_pixels(np.concatenate([real, drawn]), flow.levels)
    sides = [
        grid(half, columns, smallest=512) for half in (pixels[: len(real)], pixels[len(real) :])
    ]
    gap = np.full((len(sides[0]), sides[0].shape[1] // 20, 3), _BACKGROUND, np.uint8)
    return np.concatenate([sides[0], gap, sides[1]], axis=1)


def samples_picture(samples, levels=None):
    """Draws samples already taken: a grid of images [n, h, w, c], or a cloud of points [n, 2].

    Raises:
        ValueError: If they are neither.
    """
    samples = np.asarray(samples)
    if is_image(samples.shape[1:]):
        return grid(to_pixels(samples, levels))
    if is_plane(samples.shape[1:]):
        figure, (axis,) = new_figure(1)
        _cloud(axis, samples, _window(samples), "samples")
        return render(figure)
    raise ValueError(
        f"a PNG can show images [height, width, 1 or 3] and points [2], not events of shape "
        f"{samples.shape[1:]}; write a .npy file instead"
    )


def plane_picture(flow, data=None, seed=0, temperature=1.0, n=4000, resolution=200):
    """Draws the density of a flow in the plane as a heat map, beside samples of it.

    Args:
        flow: The flow, event_shape (2,).
        data: Points [m, 2] to show beside them, or None.
        seed: Seed of the samples.
        temperature: Factor of the base distribution's spread, for the samples.
        n: Number of samples.
        resolution: Cells of the heat map a side.

    Returns:
        uint8 [height, width, 3].
    """
    samples = np.asarray(flow.sample(n, seed=seed, temperature=temperature))
    left, right, bottom, top = window = _window(samples if data is None else data)
    x = np.linspace(left, right, resolution)
    y = np.linspace(bottom, top, resolution)
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)
    density = np.exp(np.asarray(flow.log_prob(points), np.float64)).reshape(resolution, resolution)
    figure, axes = new_figure(2 if data is None else 3)
    axes[0].imshow(density, extent=window, origin="lower", cmap="magma", aspect="auto")
    axes[0].set_title("density")
    _cloud(axes[1], samples, window, "samples")
    if data is not None:
        _cloud(axes[2], np.asarray(data)[:n], window, "data")
    return render(figure)


def curve_picture(lines, figure_name):
    """Draws the course of a training.

    Args:
        lines: What each epoch wrote to metrics.jsonl: dictionaries with "seconds", the figure, and
            its value on validation data, "val_" before the name, where they were measured.
        figure_name: "bits_per_dim" or "nats".

    Returns:
        uint8 [height, width, 3].
    """
    figure, (axis,) = new_figure(1, (7, 4))
    both = {"training, mean of the epoch": "", "validation": "val_"}
    for label, prefix in both.items():
        # Flow matching measures none while training, and validation may come less often.
        known = [line for line in lines if prefix + figure_name in line]
        values = [line[prefix + figure_name] for line in known]
        minutes = [line["seconds"] / 60 for line in known]
        last = f" (last {values[-1]:.3f})" if values else ""
        axis.plot(minutes, values, marker=".", label=label + last)
    names = [prefix + figure_name for prefix in both.values()]
    late = [line[name] for line in lines[2:] for name in names if name in line]
    if figure_name == "bits_per_dim" and len(late) > 1:
        # The first epochs would flatten all that comes after them.
        margin = 0.05 * (max(late) - min(late)) + 1e-6
        axis.set_ylim(min(late) - margin, max(late) + margin)
    axis.set(xlabel="minutes of training", ylabel=figure_name.replace("_", " "))
    axis.legend()
    return render(figure)


def _window(points):
    """Returns (left, right, bottom, top) around nearly all points, with a margin."""
    finite = points[np.isfinite(points).all(axis=-1)]
    if not len(finite):
        return -1.0, 1.0, -1.0, 1.0
    # A single far-off sample must not make everything else a dot.
    low, high = np.quantile(finite, [0.001, 0.999], axis=0)
    margin = 0.1 * np.maximum(high - low, 1e-3)
    (left, bottom), (right, top) = low - margin, high + margin
    return float(left), float(right), float(bottom), float(top)


def new_figure(count, size=(4, 4)):
    """Returns (figure, axes): `count` axes side by side, each of this size in inches."""
    figure = canvas(100 * size[0] * count, 100 * size[1], layout="constrained")
    return figure, [figure.add_subplot(1, count, i + 1) for i in range(count)]


def canvas(width, height, **kwargs):
    """Returns an empty figure of this size in pixels, for `render`."""
    # Not pyplot: it would look for a display and keep every figure it has made.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 100, height / 100), dpi=100, **kwargs)
    FigureCanvasAgg(figure)
    return figure


def _cloud(axis, points, window, title):
    axis.scatter(points[:, 0], points[:, 1], s=2, alpha=0.4, linewidths=0)
    axis.set(xlim=window[:2], ylim=window[2:], title=title)


def render(figure):
    """Returns a figure as a picture."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
