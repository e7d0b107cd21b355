"""The loss curves of a Glow on photographs, with activations kept and with them recomputed."""

from pathlib import Path

import numpy as np

from benchmarks import processes
from benchmarks.activations import STUDIES, difference
from trainers.reports import markdown

MODES = STUDIES["T7"].ways
PATCH, EXAMPLES, BATCH = 32, 4096, 32
POINTS, STEPS = 30, 10  # of a curve, and training steps between them
START = 5  # points that are told apart from the rest: small differences grow with training


def patches(count, size=PATCH, seed=0):
    """Square pieces of scikit-learn's photographs, uint8 `[count, size, size, 3]`."""
    from sklearn.datasets import load_sample_images
    from sklearn.feature_extraction.image import extract_patches_2d

    images = load_sample_images().images
    shares = np.array_split(np.arange(count), len(images))
    found = [
        extract_patches_2d(image, (size, size), max_patches=len(share), random_state=seed)
        for image, share in zip(images, shares, strict=True)
    ]
    return np.random.default_rng(seed).permutation(np.concatenate(found))


def measure(recompute, points=POINTS, between=STEPS, examples=EXAMPLES, size=PATCH, **sizes):
    """Trains from the same weights, on the same batches with the same noise, for each mode.

    Returns:
      `{"losses"}`: nats an event at each of the `points`, the mean of the steps `between` them.
    """
    import tensorflow as tf

    import zoo

    tf.keras.utils.set_random_seed(0)
    flow = zoo.Glow(
        (size, size, 3),
        levels=256,
        seed=0,
        recompute=None if recompute == "none" else recompute,
        **{"scales": 3, "steps": 4, "width": 64} | sizes,
    )
    x = patches(examples, size)
    flow.adapt(x[:256])
    flow.compile(tf.keras.optimizers.Adam(2e-4, global_clipnorm=100.0))
    batches = tf.data.Dataset.from_tensor_slices(x).repeat().batch(BATCH)
    fitted = flow.fit(batches, epochs=points, steps_per_epoch=between, verbose=0)
    return {"losses": fitted.history["loss"]}


def run(options, log):
    """One fresh process a mode; the picture goes to `options.pictures`."""
    cases = [(mode,) for mode in MODES]
    found = processes.each("losses", measure, cases, options.threads, log)
    if (MODES[0],) not in found:
        return {}
    results = {mode: answer for (mode,), answer in found.items()}
    draw(results, Path(options.pictures) / "losses.png")
    return results


def draw(results, path):
    """Draws the curves, and how far each is from that with activations kept, into a PNG file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    curves, gaps = figure.subplots(1, 2)
    kept = np.asarray(results["none"]["losses"])
    steps = STEPS * np.arange(1, len(kept) + 1)
    for i, (mode, found) in enumerate(results.items()):
        losses, look = np.asarray(found["losses"]), {"label": mode, "color": f"C{i}"}
        curves.plot(steps, losses, "-", linewidth=4 - 1.5 * i, alpha=0.7, **look)
        if mode != "none":
            gap = np.abs(losses / kept - 1)
            gaps.plot(steps, np.where(gap > 0, gap, np.nan), "o-", ms=3, **look)
    curves.set(xlabel="training steps", ylabel="loss, nats an image")
    gaps.set(xlabel="training steps", ylabel="relative difference from none", yscale="log")
    for axes in (curves, gaps):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, title="recompute", title_fontsize=8)
    figure.savefig(path, dpi=150)


def section(results):
    """First and last losses, and the largest differences early and over all."""
    rows, kept = [], results["none"]["losses"]
    for mode, found in results.items():
        losses = found["losses"]
        apart = [difference(losses[:end], kept[:end]) for end in (START, None)]
        shown = [f"{x:.1e}" for x in apart] if mode != "none" else ["-", "-"]
        rows.append([f"`{mode}`", f"{losses[0]:.0f}", f"{losses[-1]:.0f}", *shown])
    early = f"largest difference, first {START * STEPS} steps"
    header = ("recompute", "first loss, nats", "last", early, f"all {STEPS * len(kept)}")
    return markdown.table(rows, header, range(1, len(header)))
