"""Posteriors and priors of one VAE side by side.

`python -m benchmarks.posteriors --model_dir=runs/posteriors`

Each row is a run of `trainers.train` with the flags of one recipe but for posterior and prior: the
same networks, data, steps and seed. A run that is finished is only read, one that was stopped goes
on, so the same command completes the table.
"""

from trainers import train
from trainers.reports import markdown
from trainers.runs import common, files, flagfiles, metrics, options

# name -> (what stands in the table, flags)
ROWS = {
    "diagonal": ("diagonal Gaussian", ["--posterior=diagonal"]),
    "planar": ("planar, 8 layers", ['--posterior={"model": "planar", "num_layers": 8}']),
    "sylvester": (
        "Sylvester, 4 layers of 16 ridges",
        ['--posterior={"model": "sylvester", "num_layers": 4, "bottleneck": 16}'],
    ),
    "iaf": (
        "IAF, 2 layers of 320 units",
        ['--posterior={"model": "iaf", "num_layers": 2, "hidden_units": [320]}'],
    ),
    "maf_prior": (
        "diagonal Gaussian, MAF prior of 2 layers of 320 units",
        [
            "--posterior=diagonal",
            '--base={"model": "maf", "num_layers": 2, "hidden_units": [320]}',
        ],
    ),
}
# Bound and log-likelihood of 128 samples, nats, dynamically binarized MNIST, residual convolutional
# networks (Kingma et al., 2016, arXiv:1606.04934, table 1).
PUBLISHED = {"diagonal": "−84.08 / −81.08", "iaf": "−82.02 / −79.77"}
SAME = ("dataset", "binarize", "epochs", "batch_size", "latent", "hidden_units", "width", "seed")


def define_flags(fv):
    """Adds the flags of this program to an `absl.flags.FlagValues`."""
    define = options.definers(fv)
    define.path("model_dir", None, "Folder of the runs, one a row.")
    define.list("rows", list(ROWS), "Rows to train; the table shows those that are finished.")
    define.path("recipe", "trainers/recipes/vae_iaf-mnist.flags", "Flagfile of what rows share.")
    define.string("changes", "", "Flags that differ from the recipe's, with spaces between.")
    define.path("data_dir", None, "Folder of prepared TFDS data sets.")
    define.path("page", None, "Page with a part <!-- posteriors: ... --> to fill.")


def main(args):
    """Trains what is missing, and prints the table."""
    common.require(args, "model_dir", "rows", "recipe")
    if unknown := sorted(set(args.rows) - set(ROWS)):
        raise ValueError(f"--rows must be of {', '.join(ROWS)}; got {unknown[0]}")
    root = files.writable(args, "model_dir")
    common.start_tensorflow()
    for name in args.rows:
        if not (root / name / "result.json").is_file():
            train.train(options_of(name, root, args))
    text = table(root)
    print(text)
    if args.page:
        markdown.fill(args.page, "posteriors", text)


def options_of(name, root, args):
    """Parsed flags of `trainers.train` for a row."""
    argv = [f"--flagfile={args.recipe}", *args.changes.split(), *ROWS[name][1]]
    argv += [f"--model_dir={root / name}", "--notensorboard", "--picture_interval=0"]
    argv += [f"--data_dir={args.data_dir}"] if args.data_dir else []
    return flagfiles.new_options(train.define_flags, argv)


def table(root):
    """The table of the finished runs in a folder, and what they have in common.

    Raises:
        ValueError: There are none, or they were trained by different flags.
    """
    rows, common_flags, result = [], {}, None
    for name, (words, _) in ROWS.items():
        if not (root / name / "result.json").is_file():
            continue
        run = flagfiles.of_run(root / name / "flags.txt")
        common_flags[name] = {flag: run[flag].value for flag in SAME}
        result = files.read_json(root / name / "result.json", **RESULT)
        rows.append(
            [
                words,
                f"{result['parameters']:,}",
                metrics.shown(result["elbo"], 2),
                metrics.shown(result["nats"], 2),
                PUBLISHED.get(name, ""),
                f"{result['training_seconds'] / 60:.0f}",
            ]
        )
    if not rows:
        raise ValueError(f"no run in {root} is finished")
    first, *others = common_flags.items()
    for name, flags in others:
        if flags != first[1]:
            raise ValueError(f"{first[0]} and {name} were trained by different flags")
    header = ["posterior", "parameters", "ELBO", "bound", "published", "minutes"]
    shared = ", ".join(f"`--{k}={shown(v)}`" for k, v in first[1].items() if v is not None)
    return (
        markdown.table(rows, header) + f"\n\nNats a test image, means over {result['examples']:,} "
        f"± two standard errors; the bound has {result['importance_samples']} importance samples. "
        "The prior is standard normal but where it is named. Published (Kingma et al., 2016): "
        "both for dynamically binarized MNIST, with residual convolutional networks. All rows: "
        f"{shared}."
    )


RESULT = {
    "parameters": int,
    "elbo": dict,
    "nats": dict,
    "training_seconds": float,
    "examples": int,
    "importance_samples": int,
}


def shown(value):
    """A flag's value as on a command line."""
    return ",".join(value) if isinstance(value, list) else value


if __name__ == "__main__":
    common.run(define_flags, main)
