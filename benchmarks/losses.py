"""T7: the loss curves of a Glow on photographs, with activations kept and with them rebuilt.

As a program, `python -m benchmarks.losses RECOMPUTE` trains once and prints a JSON object.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

from benchmarks import driver, environment
from benchmarks.depth import MODES, difference

PATCH, EXAMPLES, BATCH = 32, 4096, 32
POINTS, STEPS = 30, 10  # of a curve, and training steps between them
START = 5  # points that are told apart from the rest: small differences grow with training


def patches(count, size=PATCH, seed=0):
    """Square pieces of scikit-learn's photographs, uint8 `[count, size, size, 3]`."""
    from sklearn.datasets import load_sample_images

    images, generator = load_sample_images().images, np.random.default_rng(seed)
    found = []
    for _ in range(count):
        image = images[generator.integers(len(images))]
        top, left = (generator.integers(0, n - size + 1) for n in image.shape[:2])
        found.append(image[top : top + size, left : left + size])
    return np.stack(found)


def measure(recompute, points=POINTS, between=STEPS, examples=EXAMPLES, size=PATCH, **sizes):
    """Trains from the same weights, on the same batches with the same noise, for each mode.

    Args:
      recompute: `"none"`, or what `zoo.Glow` is given as `recompute`.
      points: Number of points of the curve.
      between: Training steps between two points.
      examples: Number of patches.
      size: Pixels a side of them.
      **sizes: Arguments of `zoo.Glow`.

    Returns:
      `{"losses"}`: nats an event, the mean of `between` steps each.
    """
    import tensorflow as tf

    import zoo

    tf.keras.utils.set_random_seed(0)
    sizes = {"scales": 3, "steps": 4, "width": 64} | sizes
    flow = zoo.Glow(
        (size, size, 3),
        levels=256,
        seed=0,
        recompute=None if recompute == "none" else recompute,
        **sizes,
    )
    x = patches(examples, size)
    flow.adapt(x[:256])
    flow.compile(tf.keras.optimizers.Adam(2e-4, global_clipnorm=100.0))
    batches = tf.data.Dataset.from_tensor_slices(x).repeat().batch(BATCH)
    fitted = flow.fit(batches, epochs=points, steps_per_epoch=between, verbose=0)
    return {"losses": fitted.history["loss"]}


def apart(results, mode, points=None):
    """The largest relative difference of a mode's losses from those with activations kept.

    Args:
      results: What `run` returns.
      mode: One of its keys.
      points: Number of points of the curves to look at, from their start; all of them if `None`.
    """
    curves = {name: {"": {"losses": r["losses"][:points]}} for name, r in results.items()}
    return difference(curves, mode)


def draw(results, path):
    """Draws the curves, and how far each is from that with activations kept, into a PNG file.

    Args:
      results: What `run` returns.
      path: Of the file.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    curves, gaps = figure.subplots(1, 2)
    steps = STEPS * np.arange(1, POINTS + 1)
    kept = np.asarray(results["none"]["losses"])
    for i, (mode, found) in enumerate(results.items()):
        losses = np.asarray(found["losses"])
        look = {"label": mode, "color": f"C{i}"}
        curves.plot(steps[: len(losses)], losses, "-", linewidth=4 - 1.5 * i, alpha=0.7, **look)
        if mode != "none":
            gap = np.abs(losses / kept - 1)
            gaps.plot(steps[: len(losses)], np.where(gap > 0, gap, np.nan), "o-", ms=3, **look)
    curves.set(xlabel="training steps", ylabel="loss, nats an image")
    gaps.set(xlabel="training steps", ylabel="relative difference from none", yscale="log")
    for axes in (curves, gaps):
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8, title="recompute", title_fontsize=8)
    figure.savefig(path, dpi=150)


def run(options, log):
    """One fresh process a mode."""
    results = {}
    for mode in MODES:
        answer = driver.child("losses", [mode], options.threads)
        if "error" in answer:
            log(f"losses recompute={mode}: left out, {answer['error']}")
            if mode == "none":
                return {}
            continue
        results[mode] = answer
        line = f"losses recompute={mode}: {answer['losses'][0]:.1f} to {answer['losses'][-1]:.1f}"
        if mode != "none":
            early, late = apart(results, mode, START), apart(results, mode)
            line += f" nats, {early:.1e} from none at most at the start, {late:.1e} in all"
        log(line)
    folder = Path(options.pictures)
    folder.mkdir(parents=True, exist_ok=True)
    draw(results, folder / "losses.png")
    return results


def main():
    """Trains once, as the argument says."""
    environment.pin(int(os.environ.get("BENCHMARK_THREADS", "2")))
    print(json.dumps(measure(sys.argv[1])))


if __name__ == "__main__":
    main()
