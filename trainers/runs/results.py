"""What a run ends with: model.keras, result.json, and the lines that are printed."""

from pathlib import Path

import zoo
from trainers.runs import common, files, folders, metrics
from zoo.saving import registry

_HISTORY = "history.json"


def note_start(folder, start):
    """Keeps what the flow that a run starts from was trained by, for it may be published anew.

    Args:
        folder: The run's, a `pathlib.Path`.
        start: --init_from.
    """
    known = registry.registered(registry.roots())
    entry = known[start][0] / start if start in known else Path(start).expanduser()
    try:
        training = files.read_json(entry / "manifest.json", metadata=dict)["metadata"]["training"]
        pieces = [*training.pop("history", []), {"of": str(start), **training}]
    except (ValueError, KeyError, TypeError, AttributeError):  # a flow from elsewhere
        pieces = [{"of": str(start)}]
    common.write_json(folder / _HISTORY, {"pieces": pieces})


def history(folder):
    """The pieces of training before a run: [{"of", "recipe", "epochs", ...}], in order."""
    if not (folder / _HISTORY).is_file():
        return []
    return files.read_json(folder / _HISTORY, pieces=list)["pieces"]


def keep(folder, flow, best, dataset):
    """Saves the best flow without a figure yet; returns where it is.

    Args:
        folder: The run's, a `pathlib.Path`.
        flow: The flow.
        best: {"epoch"} of its weights.
        dataset: Name of the data set.
    """
    # A figure of earlier weights must not be taken for theirs.
    (folder / folders.RESULT_FILE).unlink(missing_ok=True)
    zoo.save(flow, folder, {"dataset": dataset}, overwrite=True)
    return f"The best weights, of epoch {best['epoch']}, are in {folder / 'model.keras'}"


def write(folder, flow, result):
    """Saves the best flow with its figures, and writes result.json."""
    figures = {name: result[name] for name in ("nats", "bits_per_dim")}
    metadata = {"dataset": result["dataset"], "metrics": figures}
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
        "step_ms": round(1000 * last["seconds"] / max(last["step"], 1), 3),
    }


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
