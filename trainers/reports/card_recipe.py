"""The part of a model card that says how the flow was trained."""

from pathlib import Path

RECIPES = Path(__file__).parents[1] / "recipes"


def recipe(name, training, files):
    """Writes how a flow was trained, and the commands that do it again.

    Args:
        name: Name of the entry.
        training: What the run wrote to result.json, with "recipe", its flags, and where it went on
            from another flow "history", the pieces before it.
        files: Names of the entry's files.

    Returns:
        Markdown.
    """
    parts = [
        _history(training.get("history", [])),
        _course(training),
        _command(name, training),
        f"The flags of this run:\n\n```\n{training['recipe'].strip()}\n```",
        "![The course of the training](training.png)" if "training.png" in files else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _history(pieces):
    """What a flow was trained by before its last piece."""
    if not pieces:
        return ""
    lines = ["Trained in pieces, each from the weights of the one before:", ""]
    for number, piece in enumerate(pieces, start=1):
        line = f"{number}. `{Path(piece['of']).name}`"
        if "epochs" in piece:
            line += f": {piece['epochs']} epochs, {_duration(piece['training_seconds'])}"
            line += f", {piece['device']}" if piece.get("device") else ""
        if reached := (piece.get("bits_per_dim") or piece.get("nats")):
            unit = "bits per dimension" if piece.get("bits_per_dim") else "nats"
            line += f", {reached['mean']:.3f} {unit}"
        flags = " ".join((piece.get("recipe") or "").split("\n")).strip()
        lines.append(line + (f", `{flags}`" if flags else ""))
    return "\n".join(lines) + "\n\nThen:"


def _course(training):
    planned, epochs = _planned(training["recipe"]), training["epochs"]
    device = f" on {training['device']}" if training.get("device") else ""
    text = (
        f"Trained for {epochs} epochs in {_duration(training['training_seconds'])}{device}; the "
        f"weights are those of epoch {training['best_epoch']}, the best on the validation split."
    )
    if planned and epochs < planned:
        text += f" It stopped before the end of its schedule, {planned} epochs."
    if pieces := training.get("history"):
        total = sum(p.get("training_seconds", 0) for p in pieces) + training["training_seconds"]
        text += f" All pieces together took {_duration(total)}."
    if training.get("input_ms_per_step") is not None:
        text += (
            f" A step took {training['step_ms']:.1f} ms; its input takes "
            f"{training['input_ms_per_step']:.2f} ms by itself, and runs beside it."
        )
    return text


def _planned(flags):
    """Epochs that the flags ask for, or None."""
    found = [t.partition("=")[2] for t in flags.split() if t.startswith("--epochs=")]
    return int(found[-1]) if found else None


def _duration(seconds):
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def _command(name, training):
    """The commands that train it anew: by its recipe, where the library has it."""
    there = (RECIPES / f"{name}.flags").is_file()
    flagfile = f"trainers/recipes/{name}.flags" if there else f"{name}.flags"
    saved = "" if there else f"With the flags below in `{name}.flags`, this trains it anew. "
    if training.get("history"):
        saved += "The last piece starts from the one before it. "
    return (
        f"{saved}\n\n```sh\n"
        f"python -m trainers.train --flagfile={flagfile} --model_dir=runs/{name}\n"
        f"python -m trainers.publish --model_dir=runs/{name} --name={name} --overwrite\n```"
    ).strip()
