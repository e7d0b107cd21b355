"""Samples a flow: `python -m trainers.sample --model=maf-digits --num=64 --output=samples.png`.

A .png shows images as a grid and points of the plane as a cloud; a .npy holds the samples of any
flow, [num, *event_shape], as integers where the flow models integers.
"""

import numpy as np

from trainers.reports import pictures
from trainers.runs import common, files, options


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
    define.list(
        "context",
        None,
        "Label, or context vector as numbers with commas; several labels are taken in turn.",
    )
    define.integer("seed", None, "Seed; unset: fresh samples each time.", lower_bound=0)
    define.path("output", None, "File to write, .png or .npy.")


def main(args):
    """Samples as the flags say; returns nothing."""
    common.require(args, "model", "output")
    path = files.path(args.output)
    if path.suffix not in (".png", ".npy"):
        raise ValueError(f"--output must end in .png or .npy, got {args.output}")
    files.writable(args, "output", file=True)
    common.start_tensorflow()
    import zoo

    flow = zoo.load(args.model)
    samples = draw(flow, args.num, args.context, args.seed, args.temperature)
    write(path, samples, flow.levels)
    print(f"{path}: {len(samples)} samples of shape {samples.shape[1:]}, {samples.dtype}")


def draw(flow, num, context=None, seed=None, temperature=1.0):
    """Draws samples.

    Args:
        flow: The flow.
        num: How many.
        context: None, or texts: labels (taken in turn), or the numbers of one context vector.
        seed: Seed, or None.
        temperature: Factor of the base distribution's spread.

    Returns:
        NumPy array [num, *event_shape]; integers if the flow models integers.

    Raises:
        ValueError: If the context is not what the flow takes.
    """
    samples = flow.sample(
        num, context=read_context(flow, num, context), seed=seed, temperature=temperature
    )
    return np.asarray(flow.to_levels(samples) if flow.levels else samples)


def read_context(flow, num, texts):
    """Turns the texts of --context into what `flow.sample` takes."""
    if not texts:
        return None
    given = ",".join(texts)
    if flow.num_classes:
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


def write(path, samples, levels=None):
    """Writes samples as a picture or an array, as the path's suffix says."""
    if path.suffix == ".png":
        return pictures.save_png(pictures.samples_picture(samples, levels), path)
    with common.written_whole(path) as part, open(part, "wb") as file:
        np.save(file, samples)


if __name__ == "__main__":
    common.run(define_flags, main)
