"""Evaluates a flow: `python -m trainers.evaluate --model=maf-digits --dataset=digits`.

Prints, and with --output_dir also saves, the test figure (log-likelihood in nats and bits per
dimension, mean and two standard errors), the largest round-trip error on data and on noise, the
divergence from the true density where the data set has one, the Lipschitz constants of residual
branches, how often a solver evaluates its dynamics, and pictures.
"""

from trainers.reports import iterations, outside, pictures
from trainers.runs import arguments, common, entries, files, metrics, options


def define_flags(fv):
    """Adds the flags of this program to an `absl.flags.FlagValues`."""
    define = options.definers(fv)
    options.trained_model_flags(fv)
    options.data_flags(fv)
    options.noise_flags(fv)
    define.enum("split", "test", ("train", "validation", "test"), "Which split.")
    define.integer("round_trip_examples", 1000, "Examples for the round trip.", lower_bound=1)
    define.list(
        "outside",
        None,
        "Image data sets that the flow was not trained on, for its round trip and likelihood "
        "there; brought to the flow's size and levels, as in digits.",
    )
    define.integer("seed", 0, "Seed of noise and samples.", lower_bound=0)
    define.path("output_dir", None, "Folder for evaluation.json and pictures.")


def main(args):
    """Evaluates as the flags say; returns nothing."""
    common.require(args, "model", "dataset")
    folder = args.output_dir and files.writable(args, "output_dir")
    entries.folder(args.model)
    arguments.check_data(args, args.model)
    common.start_tensorflow()
    import zoo
    from trainers import datasets

    flow = zoo.load(args.model)
    data = datasets.load(args.dataset, **arguments.arguments_of_data(args, args.model))
    for line in data.words:
        print(line)
    result = {"model": str(args.model), "dataset": args.dataset}
    result |= evaluate(
        flow,
        data,
        split=args.split,
        draws=args.noise_draws,
        round_trip_examples=args.round_trip_examples,
        seed=args.seed,
        foreign=foreign(flow, args.outside or (), args.data_dir, args.round_trip_examples),
    )
    print(report(result))
    if folder:
        for path in write(folder, result, flow, data, args.seed):
            print(f"written: {path}")


def foreign(flow, names, data_dir=None, limit=1000):
    """Returns name -> integers [n, *event_shape] of data sets of images, in the flow's form."""
    if names and (flow.levels is None or not pictures.is_image(flow.event_shape)):
        raise ValueError(
            f"--outside is for flows of images with levels; this one has {flow.levels} levels and "
            f"events of shape {tuple(flow.event_shape)}"
        )
    if names and metrics.is_bound(flow):
        raise ValueError("--outside is for flows, whose round trip it measures; omit it")
    return {name: outside.load(name, flow, data_dir, limit) for name in names}


def evaluate(flow, data, split="test", draws=10, round_trip_examples=1000, seed=0, foreign=None):
    """Takes all figures of a flow.

    Args:
        flow: The flow.
        data: A data set of `trainers.datasets`.
        split: Its split.
        draws: Draws of the dequantization noise.
        round_trip_examples: Examples for the round trip.
        seed: Seed of the noise.
        foreign: Name -> integers [n, *event_shape] the flow was not trained on, or None.

    Returns:
        A dictionary that JSON can hold: what `metrics.test_figure` gives, "parameters",
        "round_trip", "kl" or None, "lipschitz", "evaluations" and "deviation" as in
        `reports.iterations`, and "outside", name -> {"bits_per_dim", "round_trip",
        "likelier_than_test"}.

    Raises:
        ValueError: If the data are not of the kind that the flow was made for.
    """
    result = {"parameters": int(flow.count_params())}
    result |= metrics.test_figure(flow, data, split, draws, seed)
    result["round_trip"] = None
    if metrics.is_bound(flow):
        round_trip_examples, foreign = min(round_trip_examples, 1000), None
    else:
        result["round_trip"] = metrics.round_trips(flow, data, split, round_trip_examples, seed)
    result["kl"] = metrics.divergence(flow, data, split)
    x, labels = metrics.arrays(data, split, bool(flow.num_classes), round_trip_examples)
    result["lipschitz"] = iterations.lipschitz(flow, x, labels)
    result["evaluations"] = iterations.evaluations(flow, x, labels)
    result["deviation"] = iterations.deviation(flow, x, labels)
    result["outside"] = {}
    if foreign:
        own = metrics.bits_per_dim(flow, data.numpy(split, limit=round_trip_examples), seed)
    for name, x in (foreign or {}).items():
        result["outside"][name] = metrics.outside_figure(flow, x, own, seed)
    return result


def report(result):
    """Returns the figures as a short table."""
    rows = metrics.likelihood_rows(result)
    if result["kl"]:
        rows.append(("KL(true density || flow), nats", metrics.shown(result["kl"])))
    if trips := result["round_trip"]:
        unit = trips.get("unit", "")
        rows += [
            (f"round trip on {what}, largest error", f"{trips[what]:.2e} {unit}".strip())
            for what in ("data", "noise")
        ]
        if (same := trips.get("same_levels", 1)) < 1:
            rows.append(("events that come back on their grey levels", f"{same:.1%}"))
    if result["lipschitz"]:
        branches = result["lipschitz"]
        what = f"Lipschitz constant, largest of {len(branches['branches'])} branches"
        rows.append((what, f"{branches['largest']:.4f}"))
    if result["evaluations"]:
        counts = result["evaluations"]
        what = "evaluations of the dynamics an event, mean, most"
        rows.append((what, f"{counts['mean']:.1f}, {counts['largest']}"))
    if result["deviation"]:
        what = "standard deviation of one estimated log-density, nats"
        rows.append((what, f"{result['deviation']['nats']:.3f}"))
    for name, figure in result["outside"].items():
        rows += [
            (f"round trip on {name}, largest error", f"{figure['round_trip']:.2e}"),
            (f"bits per dim of {name}", metrics.shown(figure["bits_per_dim"])),
        ]
    rows += [
        ("examples, noise draws", f"{result['examples']}, {result['draws']}"),
        ("parameters", f"{result['parameters']:,}"),
    ]
    return common.table(rows, header=(f"{result['model']} on {result['dataset']}", result["split"]))


def write(folder, result, flow, data, seed=0):
    """Writes evaluation.json and, where events can be drawn, samples.png; returns the paths."""
    paths = [folder / "evaluation.json"]
    common.write_json(paths[0], result)
    if pictures.drawable(flow.event_shape):
        paths.append(folder / "samples.png")
        draw(paths[1], flow, data, result["split"], seed)
    return paths


def draw(path, flow, data, split="test", seed=0, temperature=1.0):
    """Draws samples beside data: of images two grids, in the plane the density and both."""
    if pictures.is_plane(flow.event_shape):
        picture = pictures.plane_picture(flow, data.numpy(split, limit=4000), seed, temperature)
    else:
        x, labels = metrics.arrays(data, split, bool(flow.num_classes))
        picture = pictures.beside_picture(flow, x, labels, seed, temperature)
    pictures.save_png(picture, path)


if __name__ == "__main__":
    common.run(define_flags, main)
