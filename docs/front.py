"""Makes the picture of the front page: `python docs/front.py --data_dir=FOLDER`.

Test images on the left, as many samples on the right. Samples are the first ones of seed 0: none is
chosen by hand. `FOLDER` holds both data sets as TFDS prepared them.
"""

import io
from pathlib import Path

import numpy as np
from absl import app, flags
from PIL import Image

import zoo
from trainers import datasets

FLAGS = flags.FLAGS
flags.DEFINE_string("data_dir", None, "Folder of prepared TFDS data sets.")
flags.DEFINE_string("output", str(Path(__file__).parent / "images/front.png"), "The picture.")

# Flow, its data set, images a row.
ROWS = (
    ("maf-mnist", "mnist", 10),
    ("tarflow-fashion_mnist", "fashion_mnist", 10),
)
LINES, GAP, INCHES = 4, 1, 4.2


def main(_):
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    shares = [LINES / columns for *_, columns in ROWS]
    figure, axes = pyplot.subplots(
        2,
        2,
        figsize=(2 * INCHES, (sum(shares) + 0.14) * INCHES),
        dpi=120,
        height_ratios=shares,
        layout="constrained",
    )
    for (name, dataset, columns), row in zip(ROWS, axes, strict=True):
        data = datasets.load(dataset, FLAGS.data_dir)
        flow = zoo.load(name)
        # The one that its card recommends.
        temperature = flow.metadata["quality"]["temperature"]
        real, labels = real_images(data, LINES * columns, columns if flow.num_classes else None)
        given = labels if flow.num_classes else None
        drawn = flow.sample(len(real), context=given, seed=0, temperature=temperature)
        drawn = np.asarray(flow.to_levels(drawn))
        show(row[0], real, columns, data.levels, f"{dataset}, test images")
        show(row[1], drawn, columns, data.levels, f"{name}, samples at temperature {temperature:g}")
    buffer = io.BytesIO()
    figure.savefig(buffer)
    Image.open(buffer).convert("L").save(FLAGS.output, optimize=True)
    print(f"written: {FLAGS.output}")


def real_images(data, count, classes=None):
    """The first test images and their labels; with `classes`, one column for each class."""
    x, labels = data.numpy("test", labels=True)
    if classes is None:
        return x[:count], labels[:count]
    columns = [np.flatnonzero(labels == label)[: count // classes] for label in range(classes)]
    chosen = np.stack(columns, axis=1).ravel()
    return x[chosen], labels[chosen]


def show(axis, images, columns, levels, title):
    """Draws images `[n, height, width, 1]` of grey levels on one axis, row by row."""
    lines = len(images) // columns
    padding = ((0, 0), (GAP, 0), (GAP, 0))
    tiles = np.pad(images[..., 0] / (levels - 1), padding, constant_values=1.0)
    height, width = tiles.shape[1:]
    canvas = tiles.reshape(lines, columns, height, width).swapaxes(1, 2)
    axis.imshow(canvas.reshape(lines * height, -1), cmap="gray", vmin=0, vmax=1)
    axis.set_title(title, fontsize=9)
    axis.axis("off")


if __name__ == "__main__":
    flags.mark_flag_as_required("data_dir")
    app.run(main)
