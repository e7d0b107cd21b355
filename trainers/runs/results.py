"""What a run ends with: model.keras, result.json, and the lines that are printed."""

import os
import re
from pathlib import Path

import tensorflow as tf

import zoo
from trainers.runs import common, files, flagfiles, folders, metrics
from zoo.saving import registry

RECIPES = Path(__file__).resolve().parents[1] / "recipes"
_HISTORY = "history.json"


def pieces(start):
    """What a flow to start from was trained by: [{"of", "recipe", "epochs", ...}], in order.

    Args:
        start: --init_from: the name of an entry, or a folder, of an entry or a run.
    """
    known = registry.registered(registry.roots())
    folder = known[start][0] / start if start in known else files.path(str(start))
    try:
        if (folder / folders.FLAGS_FILE).is_file():
            last = {"recipe": recipe(folder), **course(folder)}
        else:
            manifest = files.read_json(folder / "manifest.json", metadata=dict)
            last = {**manifest["metadata"]["training"]}
        before = [piece for piece in last.pop("history", []) if isinstance(piece, dict)]
    except (ValueError, KeyError, TypeError, OSError):  # a flow from elsewhere
        before, last = [], {}
    path = RECIPES / f"{start}.flags"
    if start in known and not last.get("recipe") and path.is_file():
        last["recipe"] = path.read_text(encoding="utf-8").strip()
    return [*before, {"of": str(start), **last}]


def before(flags):
    """The `pieces` before a run, from its folder where it has begun: a start may be made anew."""
    if not flags.init_from:
        return []
    return history(files.path(flags.model_dir)) or pieces(flags.init_from)


def recipe(folder):
    """Returns the flags of a run that decide what is trained, as lines of a flagfile.

    Of a folder that it started from there is the name alone: where that lay decides nothing.
    """
    passing = flagfiles.FREE_TO_CHANGE - {"epochs", "patience", "max_steps", "max_minutes"}
    passing |= {f"no{name}" for name in passing}
    lines = (folder / folders.FLAGS_FILE).read_text(encoding="utf-8").splitlines()
    lines = [t for t in lines if t.lstrip("-").partition("=")[0] not in passing]
    return "\n".join(re.sub(r"^(--init_from=).*/(?=.)", r"\1", line) for line in lines)


def note_start(folder, before):
    """Keeps what `pieces` gives of the flow that a run starts from, to be told on its card."""
    common.write_json(folder / _HISTORY, {"pieces": before})


def history(folder):
    """The pieces of training before a run: [{"of", "recipe", "epochs", ...}], in order."""
    if not (folder / _HISTORY).is_file():
        return []
    return files.read_json(folder / _HISTORY, pieces=list)["pieces"]


def keep(folder, flow, best, dataset, data=None):
    """Saves the best flow without a figure yet; returns where it is.

    Args:
        folder: The run's, a `pathlib.Path`.
        flow: The flow.
        best: {"epoch"} of its weights.
        dataset: Name of the data set.
        data: `Dataset.about` of a user's own data, or None.
    """
    # A figure of earlier weights must not be taken for theirs.
    (folder / folders.RESULT_FILE).unlink(missing_ok=True)
    zoo.save(
        flow, folder, {"dataset": dataset, **({"own_data": data} if data else {})}, overwrite=True
    )
    return f"The best weights, of epoch {best['epoch']}, are in {folder / 'model.keras'}"


def write(folder, flow, result, data=None):
    """Saves the best flow with its figures and what is kept of its data; writes result.json."""
    figures = {name: result[name] for name in ("nats", "bits_per_dim")}
    metadata = {
        "dataset": result["dataset"],
        "metrics": figures,
        **({"own_data": data} if data else {}),
    }
    zoo.save(flow, folder, metadata=metadata, overwrite=True)
    common.write_json(folder / folders.RESULT_FILE, result)


def course(folder):
    """What a run's records say: epochs, seconds, milliseconds a step, and pieces before it.

    Raises:
        ValueError: If metrics.jsonl says nothing.
    """
    lines = folders.read_metrics(folder)
    if not lines:
        raise ValueError(
            f"{folder / folders.METRICS_FILE} has no line of a whole epoch; put it back, or train "
            "into another --model_dir"
        )
    last, pieces = lines[-1], history(folder)
    return {
        **({"history": pieces} if pieces else {}),
        "epochs": last["epoch"],
        "training_seconds": round(last["seconds"], 1),
        "device": device(),
        "step_ms": round(1000 * last["seconds"] / max(last["step"], 1), 3),
    }


def device():
    """What computes here, in words: the GPUs if there are some, else the number of CPU cores."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return f"{os.cpu_count()} CPU cores"
    names = [tf.config.experimental.get_device_details(g).get("device_name", "GPU") for g in gpus]
    return f"{len(gpus)} × {names[0]}" if len(gpus) > 1 else names[0]


def earlier(folder):
    """result.json of an earlier start; empty where there is none that can be read."""
    try:
        return files.read_json(folder / folders.RESULT_FILE, input_ms_per_step=float)
    except ValueError:
        return {}


def report(result):
    """Returns the lines that the program ends with."""
    rows = metrics.likelihood_rows(result)
    rows += [
        ("examples, noise draws", f"{result['examples']}, {result['draws']}"),
        ("parameters", f"{result['parameters']:,}"),
        ("epochs, best", f"{result['epochs']}, {result['best_epoch']}"),
        ("training seconds", f"{result['training_seconds']:.0f}"),
    ]
    return common.table(rows, header=(f"{result['split']} split", "mean ± 2 standard errors"))


def where(folder, flow, dataset):
    """Lines that say where everything lies, and what to type next."""
    there = {
        "the flow": "model.keras",
        "its figures": folders.RESULT_FILE,
        "the course": folders.METRICS_FILE,
        "pictures": "pictures",
    }
    lines = [f"{what}: {folder / name}" for what, name in there.items() if (folder / name).exists()]
    if (folder / "tensorboard").exists():
        lines.append(f"TensorBoard: tensorboard --logdir={folder / 'tensorboard'}")
    drawn = flow.levels or tuple(flow.event_shape) == (2,)
    table = dataset.partition(":")[0] in ("csv", "parquet")
    suffix = "csv" if table else "png" if drawn else "npy"
    command = common.command("sample")
    lines.append(f"next: {command} --model={folder} --output={folder / 'samples'}.{suffix}")
    return "\n".join(lines)
