"""Finished flows of one data set in one table: `python -m trainers.compare --dataset=digits`.

Reads what training and publishing wrote beside the weights, so it computes nothing: the figures are
those of the test split, with as many draws of the noise as each run was told to take. Give runs of
`trainers.train`, entries of the zoo, or both.
"""

import glob
import math
from pathlib import Path

from trainers.reports import markdown
from trainers.runs import common, files, metrics, options
from trainers.runs import folders as run_folders


def define_flags(fv):
    """Adds the flags of this program to an `absl.flags.FlagValues`."""
    define = options.definers(fv)
    define.list(
        "runs",
        "exported_models/*",
        "Folders of finished runs or entries of a zoo; patterns with * are looked up.",
    )
    define.string("dataset", None, "Only flows of this data set.")
    define.string("against", "MAF", "Family whose best flow the others are compared with.")
    define.path("output", None, "File for the table, as Markdown.")


def main(args):
    """Compares as the flags say; returns nothing."""
    common.require(args, "runs", "dataset")
    found = [flow for folder in folders(args.runs) if (flow := read(folder))]
    text = table([flow for flow in found if flow["dataset"] == args.dataset], args.against)
    if not text:
        raise ValueError(
            f"none of the {len(found)} finished flows in --runs={','.join(args.runs)} is of "
            f"--dataset={args.dataset}"
        )
    print(text)
    if args.output:
        common.write_text(args.output, text + "\n")
        print(f"written: {args.output}")


def folders(patterns):
    """Returns the folders that names and patterns with * mean, each once.

    Raises:
        ValueError: A name without * is no folder.
    """
    found = {}
    for pattern in patterns:
        pattern = str(files.path(pattern))
        names = sorted(glob.glob(pattern)) if glob.has_magic(pattern) else [pattern]
        for folder in map(Path, names):
            if folder.is_dir():
                found[folder.resolve()] = folder
            elif not glob.has_magic(pattern):
                raise ValueError(f"--runs: there is no folder {folder}")
    return list(found.values())


def read(folder):
    """Reads the figures of a finished flow.

    Args:
        folder: What `trainers.train` or `trainers.publish` wrote, a `Path`.

    Returns:
        A dictionary: "name", "family", "dataset", "parameters", "classes", "levels", "event_shape",
        "seconds" of training and the figures "nats", "bits_per_dim" and, of class-conditional
        flows, "bits_per_dim_given_label"; None if the folder holds no finished flow.

    Raises:
        ValueError: The files are damaged.
    """
    if not (folder / "manifest.json").is_file():
        return None
    try:
        return _figures(folder)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"what {folder}/*.json hold is no finished flow: {error!r}") from None


def _figures(folder):
    manifest = files.read_json(folder / "manifest.json")
    model, about = manifest.get("model", {}), manifest.get("metadata", {})
    result = run_folders.read_result(folder) if (folder / run_folders.RESULT_FILE).is_file() else {}
    figures = {**about.get("metrics", {}), **about.get("evaluation", {}), **result}
    if "bits_per_dim" not in figures or "dataset" not in about:
        return None
    kept = {name: figures[name] for name in figures if name.startswith(("nats", "bits_per_dim"))}
    return kept | {
        "name": folder.name,
        "family": model["family"],
        "dataset": about["dataset"],
        "parameters": model["parameters"],
        "classes": model.get("num_classes"),
        "levels": model.get("levels"),
        "event_shape": model.get("event_shape"),
        "seconds": about.get("training", result).get("training_seconds"),
    }


def table(flows, against="MAF"):
    """Flows of one data set, the best first, as Markdown.

    Args:
        flows: What `read` gives.
        against: Family whose best flow is what the others are compared with.

    Returns:
        The table; "" without flows. Where data are integers the figure is bits per dimension, for
        other data it is nats. In bold are the best, and those whose difference from it is within
        the error of both together.

    Raises:
        ValueError: The flows are not all of events of one shape and of as many levels.
    """
    if not flows:
        return ""
    kinds = {(tuple(f["event_shape"] or ()), f["levels"]): f["name"] for f in flows}
    if len(kinds) > 1:
        said = "; ".join(
            f"{n}: {shape}, {f'{levels} levels' if levels else 'continuous'}"
            for (shape, levels), n in kinds.items()
        )
        raise ValueError(
            "figures are comparable between events of one shape and of as many levels: choose "
            f"flows of one kind by --runs; got {said}"
        )

    name = "bits_per_dim" if flows[0]["levels"] else "nats"
    sign = 1 if name == "bits_per_dim" else -1  # the smaller the better
    flows = sorted(flows, key=lambda flow: sign * flow[name]["mean"])
    reference = next((flow for flow in flows if flow["family"] == against), None)
    labels = any(f"{name}_given_label" in flow for flow in flows)
    unit = "bits/dim" if sign > 0 else "nats"
    header = ["family", "flow", "parameters", "training, s", unit]
    header += [f"{unit} given the label"] * labels
    header += [f"against {reference['name']}"] if reference else []
    rows = []
    for flow in flows:
        shown = metrics.shown(flow[name], 3)
        row = [flow["family"], flow["name"], f"{flow['parameters']:,}"]
        row.append("–" if flow["seconds"] is None else f"{flow['seconds']:.0f}")
        errors = math.hypot(flow[name]["error"], flows[0][name]["error"])
        tied = sign * (flow[name]["mean"] - flows[0][name]["mean"]) <= errors
        row.append(f"**{shown}**" if flow is flows[0] or tied else shown)
        if labels:
            given = flow.get(f"{name}_given_label")
            row.append(metrics.shown(given, 3) if given else "–")
        if reference:
            row.append(f"{flow[name]['mean'] - reference[name]['mean']:+.3f}")
        rows.append(row)
    return markdown.table(rows, header, right=range(2, len(header)))


if __name__ == "__main__":
    common.run(define_flags, main)
