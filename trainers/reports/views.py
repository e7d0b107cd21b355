"""Pictures of what a flow of images knows: temperatures, paths, attributes, likelihoods.

Pictures are uint8 arrays [height, width, 3], as in `trainers.reports.pictures`.
"""

import numpy as np

from trainers.reports import pictures


def _rows(images, flow):
    """Draws images [columns, rows, *event_shape]: what varies goes from left to right."""
    images = np.moveaxis(np.asarray(images), 0, 1)
    rows, columns = images.shape[:2]
    flat = images.reshape(rows * columns, *flow.event_shape)
    return pictures.grid(pictures.to_pixels(flat, flow.levels), columns, smallest=768)


def temperature_strip(flow, temperatures, rows=8, seed=0):
    """Samples at several temperatures: a column a temperature, a row one draw of the latent.

    Of a class-conditional flow the rows go through the classes.
    """
    labels = np.arange(rows) % flow.num_classes if flow.num_classes else None
    strip = [
        flow.sample(rows, context=labels, seed=seed, temperature=float(t)) for t in temperatures
    ]
    return _rows(strip, flow)


def guidance_strip(flow, weights, rows, seed=0):
    """Guided samples: a column a weight, a row a class and one draw of the latent."""
    labels = np.arange(rows) % flow.num_classes
    return _rows([flow.sample(rows, labels, seed, guidance=float(w)) for w in weights], flow)


def interpolation_picture(flow, a, b, steps=10, context=None):
    """Paths through the latent: a row each from `a[i]` at the left to `b[i]` at the right.

    Args:
        flow: The flow.
        a: Events [n, *event_shape].
        b: Events [n, *event_shape].
        steps: Images a row, both ends included.
        context: Labels [n] of both ends, of a class-conditional flow.
    """
    return _rows(flow.interpolate(a, b, steps=steps, context=context), flow)


def attribute_picture(flow, x, direction, strengths, context=None):
    """Images moved along a direction of the latent: a row an image, a column a strength."""
    return _rows(flow.manipulate(x, direction, strengths, context=context), flow)


def reconstruction_picture(flow, x, context=None):
    """Images above, and below what comes back from their latents; with the largest difference.

    Returns:
        (picture, max |x - decode(encode(x))| in grey levels).
    """
    middle = np.asarray(x, flow.variable_dtype) + (0.5 if flow.levels else 0.0)
    back = np.asarray(flow.decode(flow.encode(middle, context), context))
    pixels = pictures.to_pixels(np.concatenate([middle, back]), flow.levels)
    return pictures.grid(pixels, len(middle), smallest=1024), float(np.abs(back - middle).max())


def likelihood_histogram(bits, bins=80):
    """Histograms of the log-likelihoods of several data sets.

    Args:
        bits: Name -> bits per dimension of each example [n]; log-likelihoods are their negatives.
        bins: Number of bins over the range of nearly all examples.
    """
    values = {name: -np.asarray(b, np.float64) for name, b in bits.items()}
    finite = [v[np.isfinite(v)] for v in values.values()]
    ends = np.array([np.quantile(v, [0.002, 0.998]) for v in finite if len(v)] or [[0.0, 0.0]])
    low, high = ends[:, 0].min(), ends[:, 1].max()
    edges = np.linspace(low, high + 1e-6, bins + 1)
    figure, (axis,) = pictures.new_figure(1, (7, 4))
    for name, v in values.items():
        label = f"{name} (mean {v.mean():.2f})"
        axis.hist(np.clip(v, low, high), bins=edges, density=True, alpha=0.5, label=label)
    axis.set(xlabel="log-likelihood, bits per dimension", ylabel="density of examples")
    axis.legend()
    return pictures.render(figure)
