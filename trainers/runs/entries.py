"""What there is to train, to load and to list, read off files: the library is not imported."""

import ast
import functools
import importlib.util
import json
import os
from pathlib import Path

from trainers.datasets import catalogue, kept
from trainers.runs import files


def _library():
    return Path(next(iter(importlib.util.find_spec("zoo").submodule_search_locations)))


@functools.cache
def families():
    """{key of `zoo.MODELS`: names of the constructor arguments}, read off the source."""
    models = _library() / "models"
    shared = _arguments(models / "family.py", "Shared")
    found = {}
    for node in ast.parse((models / "__init__.py").read_text(encoding="utf-8")).body:
        # A family joins by a line `from zoo.models.maf import MAF as MAF`.
        if isinstance(node, ast.ImportFrom) and node.names[0].asname:
            key = node.module.rpartition(".")[2]
            found[key] = shared | _arguments(models / f"{key}.py", node.names[0].name)
    # The programs build a VAE's networks from arguments of their own.
    return found | {"vae": _arguments(Path(__file__).with_name("vaes.py"), "vae")}


def _arguments(path, name):
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if getattr(node, "name", None) == name:
            parts = getattr(node, "body", ()) if isinstance(node, ast.ClassDef) else ()
            (made,) = [f for f in parts if getattr(f, "name", "") == "__init__"] or [node]
            return {a.arg for a in (*made.args.args, *made.args.kwonlyargs)} - {"self"}
    raise ValueError(f"{path} has no {name}")


def require_family(name, flag="--model"):
    """Raises ValueError unless there is such a family."""
    if name not in families():
        hint = catalogue.did_you_mean(name, families())
        raise ValueError(
            f"{flag} must be one of {', '.join(sorted(families()))}; got {name!r}{hint}"
        )


def roots():
    """The folders of entries, the user's own first: where `zoo.load` looks for names."""
    library = _library()
    own = os.environ.get("FLOW_ZOO_DIR")
    shipped = [library.parent / "exported_models", library / "exported_models"]
    there = [folder for folder in shipped if (folder / "index.json").is_file()]
    return [Path(own).expanduser(), *there] if own else there


def models():
    """{name: (folder, its entry of the index)} of all pretrained flows."""
    found = {}
    for root in reversed(roots()):
        if (root / "index.json").is_file():
            index = files.read_json(root / "index.json", models=dict)["models"]
            found |= {name: (root / name, entry) for name, entry in index.items()}
    return dict(sorted(found.items()))


def folder(model):
    """The folder of a flow by name or path, a `pathlib.Path`; that of a .keras file is its own.

    Raises:
        ValueError: There is none.
    """
    known = models()
    if model in known:
        return known[model][0]
    path = files.path(str(model))
    if path.is_dir() or path.is_file():
        return path if path.is_dir() else path.parent
    hint = catalogue.did_you_mean(model, known)
    raise ValueError(
        f"there is no flow {model!r}{hint}: neither a pretrained one nor a folder; the pretrained "
        f"ones are {', '.join(known)}"
    )


def metadata(model):
    """What was kept with a flow, or {}: "dataset", "metrics", of a user's own data "own_data"."""
    try:
        text = (folder(model) / "manifest.json").read_text(encoding="utf-8")
        return dict(json.loads(text)["metadata"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def about_data(model):
    """What was kept of the user's own data with a flow (`Dataset.about`), or None.

    Raises:
        DatasetError: It is not of the form that a training writes.
    """
    found = metadata(model).get("own_data")
    return None if found is None else kept.from_manifest(found)
