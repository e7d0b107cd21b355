"""Samples a flow: `python -m trainers.sample --model=maf-digits --num=64 --output=samples.png`.

A .png shows images as a grid and points of the plane as a cloud; a .npy holds the samples of any
flow, [num, *event_shape], as integers where the flow models integers; a .csv or .parquet is a table
with the columns that the flow was trained on, in their units, and the label where it has one.
"""

import inspect

import numpy as np

from trainers.datasets import tables
from trainers.reports import pictures
from trainers.runs import common, entries, files, options


def define_flags(fv):
    """Adds the flags of this program to an `absl.flags.FlagValues`."""
    define = options.definers(fv)
    options.trained_model_flags(fv)
    define.integer("num", 64, "Number of samples.", lower_bound=1)
    define.float(
        "temperature",
        1.0,
        "Factor of the base distribution's spread; below 1: more typical samples.",
        lower_bound=0.0,
    )
    define.float(
        "guidance", 0.0, "Weight of classifier-free guidance, for a tar_flow that learned it."
    )
    define.list(
        "context",
        None,
        "Label, or context vector as numbers with commas; several labels are taken in turn.",
    )
    define.integer("seed", None, "Seed; unset: fresh samples each time.", lower_bound=0)
    define.path("output", None, "File to write, .png, .npy, .csv or .parquet.")


def main(args):
    """Samples as the flags say; returns nothing."""
    common.require(args, "model", "output")
    path = files.path(args.output)
    if path.suffix not in (".png", ".npy", ".csv", ".parquet"):
        raise ValueError(f"--output must end in .png, .npy, .csv or .parquet, got {args.output}")
    files.writable(args, "output", file=True)
    entries.folder(args.model)
    about = entries.about_data(args.model) or {}
    common.start_tensorflow()
    import zoo

    flow = zoo.load(args.model)
    context = read_context(flow, args.num, args.context, about.get("classes"))
    if path.suffix in (".csv", ".parquet"):
        if len(flow.event_shape) != 1:
            raise ValueError(f"a table holds vectors, and events have shape {flow.event_shape}")
        if flow.num_classes and context is None:  # Drawn here, for the table tells them.
            context = np.random.default_rng(args.seed).integers(flow.num_classes, size=args.num)
    samples = draw(flow, args.num, context, args.seed, args.temperature, args.guidance)
    write(path, samples, flow.levels, about, context if flow.num_classes else None)
    print(f"{path}: {len(samples)} samples of shape {samples.shape[1:]}, {samples.dtype}")


def draw(flow, num, context=None, seed=None, temperature=1.0, guidance=0.0):
    """Draws samples.

    Args:
        flow: The flow.
        num: How many.
        context: What `flow.sample` takes, or texts as of `read_context`.
        seed: Seed, or None.
        temperature: Factor of the base distribution's spread.
        guidance: Weight of classifier-free guidance; see `zoo.TarFlow.sample`.

    Returns:
        NumPy array [num, *event_shape]; integers if the flow models integers.

    Raises:
        ValueError: If the flow cannot be guided, and is to be.
    """
    guided = {"guidance": guidance} if guidance else {}
    if guided and "guidance" not in inspect.signature(flow.sample).parameters:
        raise ValueError(f"--guidance is for flows of tar_flow, got a {type(flow).__name__}")
    if isinstance(context, list):
        context = read_context(flow, num, context)
    samples = flow.sample(num, context=context, seed=seed, temperature=temperature, **guided)
    return np.asarray(flow.to_levels(samples) if flow.levels else samples)


def read_context(flow, num, texts, classes=None):
    """Turns the texts of --context into what `flow.sample` takes.

    Args:
        flow: The flow.
        num: How many samples.
        texts: None; or labels or names of classes, taken in turn; or the numbers of one vector.
        classes: Names of the classes, or None.

    Raises:
        ValueError: If the context is not what the flow takes.
    """
    if not texts:
        return None
    given = ",".join(texts)
    if flow.num_classes:
        if classes and all(text.strip() in classes for text in texts):
            return np.resize([classes.index(text.strip()) for text in texts], num)
        if not all(t.strip().isdecimal() and int(t) < flow.num_classes for t in texts):
            raise ValueError(f"--context must be labels 0 to {flow.num_classes - 1}, got {given}")
        return np.resize([int(t) for t in texts], num)
    if not flow.context_shape:
        raise ValueError(f"the flow takes no context, but --context={given} was given")
    try:
        context = np.reshape([float(t) for t in texts], flow.context_shape).astype(np.float32)
        if np.isfinite(context).all():
            return context
        raise ValueError
    except ValueError:
        raise ValueError(
            f"--context must be finite numbers to fill the shape {tuple(flow.context_shape)}, got "
            f"{given}"
        ) from None


def write(path, samples, levels=None, about=None, labels=None):
    """Writes samples as a picture, an array or a table, as the path's suffix says."""
    if path.suffix in (".csv", ".parquet"):
        names = [f"x{i}" for i in range(samples.shape[1])]
        about = about or {"columns": names, "label": "label"}
        if labels is not None and not about.get("classes"):
            about = about | {"classes": list(range(int(max(labels)) + 1))}
        with common.written_whole(path) as part:
            tables.write(part, tables.frame_of(about, samples, labels))
        return None
    if path.suffix == ".png":
        return pictures.save_png(pictures.samples_picture(samples, levels), path)
    with common.written_whole(path) as part, open(part, "wb") as file:
        np.save(file, samples)


if __name__ == "__main__":
    common.run(define_flags, main)
