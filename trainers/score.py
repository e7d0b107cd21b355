"""Scores the rows of a file: `python -m trainers.score --model=runs/mine --input=new.csv
--output=scored.csv`.

Writes the rows as they are with log_prob, bits_per_dim or latents beside them. The input is a .csv,
or .parquet file with the columns that the flow was trained on, or an .npy or .npz file of events
[n, ...]. Rows that lack a value, or lie on or beyond a bound, have none.
"""

import numpy as np

from trainers.datasets import tables
from trainers.runs import common, entries, files, metrics, options

WHAT = ("log_prob", "bits", "latents")


def define_flags(fv):
    """Adds the flags of this program to an `absl.flags.FlagValues`."""
    define = options.definers(fv)
    options.trained_model_flags(fv)
    define.path("input", None, "File of rows, .csv, .parquet, .npy or .npz.")
    define.path("output", None, "File to write, .csv or .parquet; .npz for images.")
    define.list("what", "log_prob", f"What to write: {', '.join(WHAT)}.")
    define.boolean(
        "given_label", False, "Score given the label of each row; else the mixture over classes."
    )
    define.integer("seed", 0, "Seed of the noise that integers get.", lower_bound=0)
    options.noise_flags(fv)


def main(args):
    """Scores as the flags say; returns nothing."""
    common.require(args, "model", "input", "output", "what")
    if unknown := sorted(set(args.what) - set(WHAT)):
        raise ValueError(f"--what must be of {', '.join(WHAT)}; got {unknown[0]!r}")
    source = files.path(args.input)
    kind = source.suffix.removeprefix(".")
    suffix = files.path(args.output).suffix
    if suffix not in (".csv", ".parquet", ".npz"):
        raise ValueError(f"--output must end in .csv, .parquet or .npz, got {args.output}")
    path = files.writable(args, "output", file=True)
    if path.exists() and source.exists() and path.samefile(source):
        raise ValueError(f"--output={args.output} is the file of --input: name another")
    about = entries.about_data(args.model)
    entries.folder(args.model)
    frame, x = read(kind, str(source), about)
    common.start_tensorflow()
    import zoo

    flow = zoo.load(args.model)
    x, good, context = events(flow, frame, x, about, args.given_label)
    latents_too = "latents" in args.what
    if latents_too and flow.num_classes and context is None:
        raise ValueError("--what=latents of a class-conditional flow needs --given_label")
    found = score(flow, x, context, args.what, args.noise_draws, args.seed)
    found = {name: _placed(values, good) for name, values in found.items()}
    write(path, frame, found)
    without = len(good) - good.sum()
    print(f"{path}: {len(good)} rows, {', '.join(found)[:200]}")
    if without:
        print(f"{without} rows lack a value, or lie on or beyond a bound: they have no score")


def read(kind, path, about):
    """(rows as a table, or None; events as an array, or None) of the input file."""
    if kind in ("npy", "npz"):
        try:
            found = np.load(path, allow_pickle=False)
            found = found if kind == "npy" else found["x" if "x" in found else found.files[0]]
        except Exception as error:  # Whatever NumPy makes of a damaged or foreign file.
            raise ValueError(f"--input={path} cannot be read: {tables.one_line(error)}") from None
        if not isinstance(found, np.ndarray) or found.dtype.kind not in "iuf":
            raise ValueError(f"--input={path} must hold an array of numbers")
        return None, found
    if kind not in ("csv", "parquet"):
        raise ValueError(f"--input must end in .csv, .parquet, .npy or .npz, got {path}")
    frame = tables.read(kind, path)
    if about:
        tables.looks.require_names(frame, about["columns"], path)
    return frame, None


def events(flow, frame, x, about, given_label=False):
    """(events of good rows, which rows are good [n], their contexts or None)."""
    if frame is not None:
        x = tables.looks.numbers(frame, about["columns"] if about else list(frame), "--input")
    if tuple(x.shape[1:]) != tuple(flow.event_shape):
        raise ValueError(
            f"the flow expects events of shape {tuple(flow.event_shape)}, and --input has "
            f"{tuple(x.shape[1:])}"
        )
    if not flow.levels:
        x = x.astype(flow.variable_dtype)
    good = np.isfinite(x).reshape(len(x), -1).all(axis=1)
    if flow.event.limits is not None:
        low, high = (np.asarray(end, x.dtype) for end in flow.event.limits)
        good &= ((x > low) & (x < high)).all(axis=1)
    context = None
    if given_label:
        if frame is None or not (about and about.get("label") and flow.num_classes):
            raise ValueError(
                "--given_label needs a class-conditional flow, and a table with the label that it "
                "was trained on"
            )
        tables.looks.require_names(frame, [about["label"]], "--input")
        labels = frame[about["label"]]
        good &= labels.notna().to_numpy()
        context = tables.looks.classes(labels[good], about["classes"])[0]
    return x[good], good, context


def score(flow, x, context=None, what=("log_prob",), draws=1, seed=0):
    """Name of a column -> values [n] of events [n, *event_shape]."""
    found = {}
    if not len(x):
        return {name: np.zeros(0) for name in what if name != "latents"}
    if set(what) & {"log_prob", "bits"}:
        draws = draws if flow.levels else 1
        nats = metrics.log_likelihoods(flow, x, context, draws, seed)
        bits = -nats / (np.prod(flow.event_shape) * np.log(2))
        found |= {"log_prob": nats} if "log_prob" in what else {}
        found |= {"bits_per_dim": bits} if "bits" in what else {}
    if "latents" in what:
        parts = [
            np.asarray(flow.encode(batch, *([] if labels is None else [labels])))[:size]
            for _, batch, labels, size in metrics.batches(x, context, 256)
        ]
        latents = np.concatenate(parts).reshape(len(x), -1)
        found |= {f"z{i}": column for i, column in enumerate(latents.T)}
    return found


def _placed(values, good):
    """Values of the good rows, in their places; NaN in the others."""
    placed = np.full(len(good), np.nan)
    placed[good] = values
    return placed


def write(path, frame, found):
    """Writes rows and scores as the path's suffix says."""
    import pandas as pd

    if path.suffix == ".npz":
        with common.written_whole(path) as part, open(part, "wb") as file:
            np.savez(file, **found)
        return
    beside = pd.DataFrame(found)
    taken = set(beside) & set(() if frame is None else frame)
    beside = beside.rename(columns={name: f"{name}_of_flow" for name in taken})
    with common.written_whole(path) as part:
        tables.write(part, beside if frame is None else pd.concat([frame, beside], axis=1))


if __name__ == "__main__":
    common.run(define_flags, main)
