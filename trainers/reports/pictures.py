"""Pictures of flows: grids of sampled images, strips, and heat maps of densities in the plane.

Pictures are uint8 arrays [height, width, 3], so that a file and TensorBoard get the same one.
"""

import math

import numpy as np
from PIL import Image

from trainers.runs import common

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
    """Turns images into pixels; see `zoo.integrations.plot.to_pixels`."""
    from zoo.integrations import plot

    return plot.to_pixels(images, levels)


def grid(images, columns=None, smallest=512):
    """Arranges images in rows.

    Args:
        images: uint8 [n, height, width, 3], row by row.
        columns: Images a row; the square root of their number by default.
        smallest: The picture is magnified by a whole factor until its longer side would pass this.

    Returns:
        uint8 [height, width, 3].
    """
    from zoo.integrations import plot

    canvas = plot.tiles(images, columns)
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
        import zoo

        figure, (axis,) = new_figure(1)
        zoo.plot.samples(samples, axes=axis).set_title("samples")
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
    from zoo.integrations import plot

    clouds = {"samples": np.asarray(flow.sample(n, seed=seed, temperature=temperature))}
    if data is not None:
        clouds["data"] = np.asarray(data)[:n]
    window = plot.around(clouds["samples"] if data is None else data)
    figure, (first, *rest) = new_figure(1 + len(clouds))
    plot.density(flow, window=window, resolution=resolution, axes=first).set_title("density")
    for axis, (title, points) in zip(rest, clouds.items(), strict=True):
        plot.samples(points, axes=axis).set(xlim=window[:2], ylim=window[2:], title=title)
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
    import zoo

    figure, (axis,) = new_figure(1, (7, 4))
    zoo.plot.training(lines, figure_name, axes=axis)
    return render(figure)


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


def render(figure):
    """Returns a figure as a picture."""
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
