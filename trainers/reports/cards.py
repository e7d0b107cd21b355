"""Model cards: README.md of an entry of the zoo, written from its manifest alone."""

import inspect
import math
from pathlib import Path

from trainers.reports import about, card_baselines, card_head, card_recipe, markdown
from trainers.runs import metrics


def card(name, manifest):
    """Writes the card of an entry.

    Args:
        name: Name of the entry.
        manifest: Its manifest: "model", "metadata" and "files", as `trainers.publish` wrote it.

    Returns:
        The card, as Markdown with a head in YAML.
    """
    model, given, files = (manifest[part] for part in ("model", "metadata", "files"))
    shown = [pair for pair in given.get("pictures", []) if pair[0] in files]
    parts = [
        card_head.head(name, model, given),
        f"# {name}",
        _summary(model, given),
        _samples(name, model, given) if "samples.png" in files else "",
        "## Figures\n\n" + _figures(model, given["evaluation"]),
        _published(model, given),
        "\n\n".join(given.get("notes", [])),
        card_baselines.section(given["baselines"]) if given["baselines"] else "",
        "## Sample quality\n\n" + _quality(given["quality"]) if "quality" in given else "",
        "## Pictures\n\n" + _pictures(shown) if shown else "",
        "## Use\n\n" + _use(name, model, given, files),
        "## Data\n\n" + _data(model, given),
        "## Recipe\n\n" + card_recipe.recipe(name, given["training"], files),
        "## Limits\n\n" + _limits(model, given),
        "## Citation\n\n" + _citation(model),
        "_Written by `python -m trainers.publish` from the entry's manifest; not edited by hand._",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _docs(model):
    """The first lines of a family's module and class: (paper, what the flow is)."""
    import zoo

    family = getattr(zoo, model["family"], None)
    if family is None:  # one of the user's own
        return "", ""
    texts = (inspect.getmodule(family).__doc__, inspect.getdoc(family))
    return tuple((text or "").strip().partition("\n")[0] for text in texts)


def _summary(model, given):
    paper, what = _docs(model)
    conditional = ""
    if model["num_classes"]:
        conditional = f", conditional on one of {model['num_classes']} classes"
    return (
        f"`zoo.{model['family']}`: {paper} {what}\n\n"
        f"A density over events of shape {tuple(model['event_shape'])}{conditional}, trained on "
        f"`{given['dataset']}`, with {model['parameters']:,} parameters. It tells how likely an "
        "event is, draws new ones, and takes events to latents and back: for research, teaching, "
        "and as a start for flows of similar data; not for decisions about people."
    )


def _samples(name, model, given):
    text = f"![Samples of {name}](samples.png)"
    if len(model["event_shape"]) != 3:
        return text
    temperature = given.get("quality", {}).get("temperature", 1)
    rows = ", a row a class" if model["num_classes"] else ""
    return (
        f"{text}\n\nOn the left test images, on the right samples at temperature {temperature:g}, "
        f"the first ones of seed 0{rows}."
    )


def _figures(model, evaluation):
    names = {
        "nats": "log-likelihood, nats an event",
        "bits_per_dim": "bits per dimension",
        "nats_given_label": "the same given the label, nats",
        "bits_per_dim_given_label": "the same given the label, bits per dimension",
    }
    # Bits are how integer data are counted; of continuous data they would depend on the units.
    names = {n: t for n, t in names.items() if model["levels"] or "bits" not in n}
    rows = [[text, metrics.shown(evaluation[n])] for n, text in names.items() if n in evaluation]
    if evaluation["kl"]:
        rows.append(["KL(true density ‖ flow), nats", metrics.shown(evaluation["kl"])])
    if "elbo" in evaluation:
        rows.insert(0, ["evidence lower bound, nats an event", metrics.shown(evaluation["elbo"])])
    trips = evaluation["round_trip"]
    unit = "grey levels" if model["levels"] else (trips or {}).get("unit", "data units")
    if trips:
        rows += [
            [f"largest round-trip error on test data, {unit}", _largest(trips["data"])],
            [f"largest round-trip error on uniform noise, {unit}", _largest(trips["noise"])],
        ]
        if (same := trips.get("same_levels", 1)) < 1:
            rows.append(["test events that come back on their grey levels", f"{same:.1%}"])
    for name, figure in evaluation.get("outside", {}).items():
        rows += [
            [f"largest round-trip error on {name}, {unit}", _largest(figure["round_trip"])],
            [f"bits per dimension of {name}", metrics.shown(figure["bits_per_dim"])],
        ]
    if branches := evaluation.get("lipschitz"):
        what = f"Lipschitz constant, largest of {len(branches['branches'])} residual branches"
        rows.append([what, f"{branches['largest']:.4f}"])
    if counts := evaluation.get("evaluations"):
        rows.append(["evaluations of the dynamics an event, mean", f"{counts['mean']:.1f}"])
    if spread := evaluation.get("deviation"):
        what = "standard deviation of one estimated log-density, nats"
        rows.append([what, f"{spread['nats']:.3f}"])
    text = markdown.table(rows, ["", "test split"])
    if "elbo" in evaluation:
        return text + (
            f"\n\nMeans ± two standard errors over all {evaluation['examples']} test examples. "
            "Log-likelihood and bits are the importance-weighted bound of "
            f"{evaluation['importance_samples']} latents, on average below the likelihood; the "
            f"evidence lower bound is of one latent, the mean over {evaluation['draws']} of them."
        )
    text += (
        f"\n\nMeans ± two standard errors over all {evaluation['examples']} test examples, "
        f"temperature 1, {_log_determinants(evaluation)}; round trips over "
        f"{trips['examples']} examples of each kind."
    )
    if model["levels"]:
        text += (
            f" Each example's log-likelihood is the mean over {evaluation['draws']} draws of the "
            "dequantization noise: a lower bound of the discrete one, so these bits are an upper "
            "bound"
        )
        text += ", but for what the series leave out." if evaluation["series_terms"] else "."
    if evaluation.get("outside"):
        text += (
            f" {' and '.join(evaluation['outside'])}: images of other data, cut or framed in black "
            "to the flow's size and brought to its levels and colours."
        )
    if "nats_given_label" in evaluation:
        text += " Without a label the density is the uniform mixture over the classes."
    return text


def _largest(error):
    return "inf" if error is None else f"{error:.1e}"  # JSON has no infinity.


def _log_determinants(evaluation):
    """How the figures' log-determinants were come by."""
    estimates, terms = evaluation["estimates"], evaluation["series_terms"]
    how = "estimated from random probes, new ones each batch" if estimates else "exact"
    if evaluation.get("evaluations"):
        return f"log-determinants integrated by a solver, divergences {how}"
    if terms:
        how += f", by power series that are cut off after {terms} terms"
    return f"log-determinants {how}"


def _published(model, given):
    """What papers report of this family on these data."""
    from zoo.saving import published

    rows, notes = [], []
    for paper in published(model["family"], given["dataset"]):
        error = f" ± {paper.error:g}" if paper.error else ""
        figures = [
            f"{paper.bits_per_dim:g} bits per dimension" if paper.bits_per_dim else "",
            f"{paper.nats:g} nats" if paper.nats else "",
            f"{paper.logit_nats:g} nats in logit space" if paper.logit_nats else "",
        ]
        count = f"{paper.parameters:,}" if paper.parameters else "not stated"
        figure = ", ".join(filter(None, figures)) + error
        rows.append([paper.model, figure, count, paper.source])
        if paper.note:
            notes.append(f"{paper.model}: {paper.note}")
    if not rows:
        return ""
    key, unit = ("bits_per_dim", "bits per dimension") if model["levels"] else ("nats", "nats")
    own = f"{metrics.shown(given['metrics'][key], 3)} {unit}"
    rows.insert(0, ["**this flow**", own, f"{model['parameters']:,}", "the table above"])
    text = markdown.table(rows, ["", "test split", "parameters", "source"])
    return "\n\n".join(["### Published", text, " ".join(notes)]).strip()


def _quality(quality):
    tried = ", ".join(f"{t:g}" for t in quality["tried"])
    keys = ("recommended", "1")
    distances = [f"{quality['frechet'][key]:.2f}" for key in keys]
    rows = [["Fréchet distance of samples to test images", *distances]]
    rows.append(["that of training images, the floor", f"{quality['floor']:.2f}", ""])
    if quality["accuracy"]:
        shares = [f"{quality['accuracy'][key]:.1%}" for key in keys]
        rows.append(["samples that the classifier gives their class", *shares])
    text = (
        f"Recommended temperature: {quality['temperature']:g}, of {tried} the one whose samples "
        f"lie closest to the validation split. Measured on {quality['samples']:,} samples by the "
        f"features of a small classifier of `{quality['dataset']}` that is right on "
        f"{quality['classifier']:.1%} of its test split; comparable with other flows of the same "
        "data alone.\n\n"
        + markdown.table(rows, ["", "at the recommended temperature", "at temperature 1"])
    )
    guided = [
        [f"{g['weight']:g}", f"{g['frechet']:.2f}", f"{g['accuracy']:.1%}"]
        for g in quality.get("guided", ())
    ]
    if guided:
        text += "\n\nGuided by the class, `flow.sample(..., guidance=weight)`:\n\n"
        text += markdown.table(guided, ["weight", "Fréchet distance", "in their class"])
    return text


def _pictures(shown):
    return "\n\n".join(
        f"{Path(file).stem.capitalize()}: {text}.\n\n![{text}]({file})" for file, text in shown
    )


def _use(name, model, given, files):
    classes = model["num_classes"]
    context = f", context={min(3, classes - 1)}" if classes else ""
    temperature = given.get("quality", {}).get("temperature", 1)
    cooler = "" if temperature == 1 else f", temperature={temperature:g}"
    # Float samples may leave the range that `log_prob` takes.
    x = "flow.to_levels(x)" if model["levels"] else "x"
    exported = any(file.startswith("saved_model/") for file in files)
    return (
        "```python\nimport zoo\n\n"
        f'flow = zoo.load("{name}")\n'
        f"x = flow.sample(16, seed=0{context}{cooler})\n"
        f"flow.log_prob({x}{context})  # nats, data units\n"
        + (
            f"flow.importance_bound({x}, samples=512)\n"
            "flow.posterior_of(x)  # a tfd.Distribution over latents\n```\n\n"
            "`log_prob` of the SavedModel is the bound with the latents of seed 0. "
            if "elbo" in given["evaluation"]
            else f"flow.distribution({context.removeprefix(', ')})  # a tfd.Distribution\n```\n\n"
        )
        + (
            "`saved_model/` is the same flow for where only TensorFlow is installed."
            if exported
            else f"`python -m trainers.export --model={name} --export_dir=saved_model` writes the "
            "same flow for where only\nTensorFlow is installed."
        )
    )


def _data(model, given):
    counts = ", ".join(f"{count:,} {split}" for split, count in given["data"].items())
    text = f"`{given['dataset']}`: {counts} examples of shape {tuple(model['event_shape'])}"
    dims = math.prod(model["event_shape"])
    for how in ("static", "dynamic"):
        if f"--binarize={how}" in given["training"]["recipe"].split():
            text += (
                ", binarized: a pixel is 1 with the probability that its grey level is of the "
                "largest, drawn once from a fixed seed (`trainers.datasets`)"
            ) + (", and for training images anew at each pass" if how == "dynamic" else "")
    if "elbo" in given["evaluation"]:
        text += f", integers of {model['levels']} levels; bits per dimension divide by D = {dims}"
    elif model["levels"]:
        noise = "learned" if given["evaluation"].get("noise") == "variational" else "uniform"
        text += (
            f", integers of {model['levels']} levels. The flow adds {noise} noise (x + u) and "
            f"counts densities in units of one level; bits per dimension divide by D = {dims}"
        )
    lines = "\n".join(f"- {line}" for line in given.get("words", []))
    if columns := given.get("columns"):
        lines = f"Columns, in this order and in their own units: `{'`, `'.join(columns)}`."
    return f"{text}. {about.text(given['dataset'])}\n\n{lines}".strip()


def _limits(model, given):
    lines = [
        f"- It knows `{given['dataset']}` and nothing else: densities of other data, scaled or "
        "cropped otherwise, mean little, and a flow may call what it has never seen likely.",
    ]
    for name, figure in given["evaluation"].get("outside", {}).items():
        share = figure["likelier_than_test"]
        lines.append(
            f"- An image of {name} has a higher density than one of its own test split in "
            f"{share:.1%} of pairs"
            + (": its density alone does not tell them apart." if share > 0.05 else ".")
        )
    lines.append("- Figures are of one training run; another seed gives somewhat different ones.")
    if levels := model["levels"]:
        lines.append(f"- Values must be integers 0 to {levels - 1}, or floats in [0, {levels}).")
    train = given["data"]["train"]
    if train < 10_000:
        lines.append(
            f"- {train:,} training examples are few: the test figure is limited by overfitting "
            "more than by the model."
        )
    return "\n".join(lines)


def _citation(model):
    paper = _docs(model)[0].rstrip(".")
    method = f"The method: {paper}. " if paper else ""
    return f"{method}The software and this flow: Flow Zoo, `CITATION.cff` of its repository."
