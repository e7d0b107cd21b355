"""Model cards: README.md of an entry of the zoo, written from a finished run."""

import inspect
import math
from pathlib import Path

from trainers.reports import markdown
from trainers.runs import metrics


def card(name, flow, data, result, evaluation, flags_text, baselines=(), shown=(), exported=True):
    """Writes the card of a flow.

    Args:
        name: Name of the entry.
        flow: The flow.
        data: Its data set.
        result: What the training run wrote to result.json.
        evaluation: What `evaluate.evaluate` gives on the test split.
        flags_text: Flagfile of the run.
        baselines: What `baselines.compare` gives, if anything.
        shown: (name of a file, what it shows) of further pictures.
        exported: Whether the entry holds its SavedModel.

    Returns:
        The card, as Markdown.
    """
    parts = [
        f"# {name}",
        _summary(flow, result),
        f"![Samples of {name}](samples.png)" if evaluation["drawn"] else "",
        "## Figures\n\n" + _figures(flow, evaluation),
        "## Baselines\n\n" + _baselines(baselines) if baselines else "",
        "## Pictures\n\n" + _pictures(shown) if shown else "",
        "## Use\n\n" + _use(name, flow, exported),
        "## Data\n\n" + _data(flow, data),
        "## Recipe\n\n" + _recipe(result, flags_text),
        "## Limits\n\n" + _limits(flow, data),
        "_Written by `python -m trainers.publish` from the run; not edited by hand._",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(flow, result):
    first = (inspect.getdoc(type(flow)) or "").partition("\n")[0]
    module = (inspect.getmodule(type(flow)).__doc__ or "").strip().partition("\n")[0]
    text = f"`zoo.{type(flow).__name__}`: {module} {first}\n\n"
    conditional = f", conditional on one of {flow.num_classes} classes" if flow.num_classes else ""
    text += (
        f"A density over events of shape {tuple(flow.event_shape)}{conditional}, trained on "
        f"`{result['dataset']}`, with {result['parameters']:,} parameters."
    )
    return text


def _figures(flow, evaluation):
    names = {
        "nats": "log-likelihood, nats an event",
        "bits_per_dim": "bits per dimension",
        "nats_given_label": "the same given the label, nats",
        "bits_per_dim_given_label": "the same given the label, bits per dimension",
    }
    # Bits are how integer data are counted; of continuous data they would depend on the units.
    names = {n: t for n, t in names.items() if evaluation["levels"] or "bits" not in n}
    rows = [[text, metrics.shown(evaluation[n])] for n, text in names.items() if n in evaluation]
    if evaluation["kl"]:
        rows.append(["KL(true density ‖ flow), nats", metrics.shown(evaluation["kl"])])
    trips = evaluation["round_trip"]
    unit = "grey levels" if evaluation["levels"] else "data units"
    rows += [
        [f"largest round-trip error on test data, {unit}", f"{trips['data']:.1e}"],
        [f"largest round-trip error on uniform noise, {unit}", f"{trips['noise']:.1e}"],
    ]
    for name, figure in evaluation["outside"].items():
        rows += [
            [f"largest round-trip error on {name}, {unit}", f"{figure['round_trip']:.1e}"],
            [f"bits per dimension of {name}", metrics.shown(figure["bits_per_dim"])],
        ]
    if branches := evaluation["lipschitz"]:
        what = f"Lipschitz constant, largest of {len(branches['branches'])} residual branches"
        rows.append([what, f"{branches['largest']:.4f}"])
    if counts := evaluation["evaluations"]:
        rows.append(["evaluations of the dynamics an event, mean", f"{counts['mean']:.1f}"])
    if spread := evaluation["deviation"]:
        what = "standard deviation of one estimated log-density, nats"
        rows.append([what, f"{spread['nats']:.3f}"])
    text = markdown.table(rows, ["", "test split"])
    text += (
        f"\n\nMeans ± two standard errors over all {evaluation['examples']} test examples, "
        f"temperature 1, {_log_determinants(flow, evaluation)}; round trips over "
        f"{trips['examples']} examples of each kind."
    )
    if evaluation["levels"]:
        text += (
            f" Each example's log-likelihood is the mean over {evaluation['draws']} draws of the "
            "dequantization noise: a lower bound of the discrete one, so these bits are an upper "
            "bound"
        )
        text += ", but for what the series leave out." if flow.series_terms else "."
    if evaluation["outside"]:
        text += (
            f" {' and '.join(evaluation['outside'])}: images of other data, cut or framed in black "
            "to the flow's size and brought to its levels and colours."
        )
    if "nats_given_label" in evaluation:
        text += " Without a label the density is the uniform mixture over the classes."
    return text


def _log_determinants(flow, evaluation):
    """How the figures' log-determinants were come by."""
    how = "estimated from random probes, new ones each batch" if flow.estimates else "exact"
    if evaluation["evaluations"]:
        return f"log-determinants integrated by a solver, divergences {how}"
    if flow.series_terms:
        how += f", by power series that are cut off after {flow.series_terms} terms"
    return f"log-determinants {how}"


def _baselines(baselines):
    rows = [
        [
            f"{b['components']} full-covariance Gaussian{'s' * (b['components'] > 1)}",
            metrics.shown(b["bits_per_dim"]),
            metrics.shown(b["margin"]),
            f"{b['floor']:g}",
        ]
        for b in baselines
    ]
    return (
        markdown.table(rows, ["", "bits per dimension", "this flow is better by", "variance floor"])
        + "\n\nFitted by scikit-learn to the same dequantized training data (several draws of the "
        "noise), the floor of the variances chosen on the validation split, and measured as the "
        "flow was. Margins are means over test examples, in pairs, ± two standard errors."
    )


def _pictures(shown):
    return "\n\n".join(
        f"{Path(file).stem.capitalize()}: {text}.\n\n![{text}]({file})" for file, text in shown
    )


def _use(name, flow, exported):
    context = ", context=3" if flow.num_classes else ""
    # Float samples may leave the range that `log_prob` takes.
    x = "flow.to_levels(x)" if flow.levels else "x"
    return (
        "```python\nimport zoo\n\n"
        f'flow = zoo.load("{name}")\n'
        f"x = flow.sample(16, seed=0{context})\n"
        f"flow.log_prob({x}{context})  # nats, data units\n"
        f"flow.distribution({context.removeprefix(', ')})  # a tfd.Distribution\n```\n\n"
        + (
            "`saved_model/` is the same flow for where only TensorFlow is installed."
            if exported
            else f"`python -m trainers.export --model={name} --export_dir=saved_model` writes the "
            "same flow for where only\nTensorFlow is installed."
        )
    )


def _data(flow, data):
    counts = ", ".join(f"{data.num_examples(s):,} {s}" for s in ("train", "validation", "test"))
    text = f"`{data.name}`: {counts} examples of shape {tuple(data.event_shape)}"
    if flow.levels:
        dims = math.prod(flow.event_shape)
        noise = "uniform" if flow.dequantizer is None else "learned"
        text += (
            f", integers of {flow.levels} levels. The flow adds {noise} noise (x + u) and counts "
            f"densities in units of one level; bits per dimension divide by D = {dims}"
        )
    return text + "."


def _recipe(result, flags_text):
    return (
        f"{_history(result.get('history', []))}"
        f"Trained for {result['epochs']} epochs in {result['training_seconds']:.0f} seconds; the "
        f"weights are those of epoch {result['best_epoch']}, the best on the validation split. "
        f"{_times(result)}"
        "Flags of `python -m trainers.train`:\n\n"
        f"```\n{flags_text.strip()}\n```\n\n![The course of the training](training.png)"
    )


def _history(pieces):
    """What a flow was trained by before its last piece."""
    if not pieces:
        return ""
    text = (
        "Trained in pieces, each from the weights of the one before and with its own warm-up.\n\n"
    )
    for number, piece in enumerate(pieces, start=1):
        text += f"{number}. `{piece['of']}`"
        if "epochs" in piece:
            text += f": {piece['epochs']} epochs, {piece['training_seconds']:.0f} seconds"
        flags = (piece.get("recipe") or "").split("\n")
        text += ", `" + " ".join(filter(None, flags)) + "`\n" if any(flags) else "\n"
    return f"{text}\nThen:\n\n"


def _times(result):
    if result.get("input_ms_per_step") is None:
        return ""
    step, read = result["step_ms"], result["input_ms_per_step"]
    return (
        f"A step took {step:.1f} ms; its input takes {read:.2f} ms by itself, and runs beside it. "
    )


def _limits(flow, data):
    lines = [
        f"- It knows `{data.name}` and nothing else: densities of other data, scaled or cropped "
        "otherwise, mean little, and a flow may call what it has never seen likely.",
        "- Figures are of one training run; another seed gives somewhat different ones.",
    ]
    if flow.levels:
        lines.append(
            f"- Values must be integers 0 to {flow.levels - 1}, or floats in [0, {flow.levels})."
        )
    if data.num_examples("train") < 10_000:
        lines.append(
            f"- {data.num_examples('train'):,} training examples are few: the test figure is "
            "limited by overfitting more than by the model."
        )
    return "\n".join(lines)
