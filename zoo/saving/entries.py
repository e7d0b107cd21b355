"""Finished flows on disk: load them with their hashes checked, save new ones, list them.

An entry is a folder, called like the model:

    exported_models/
      index.json        the table of `list_models`, and the SHA-256 of every manifest
      maf-digits/
        manifest.json   what the flow is, and size and SHA-256 of the files beside it
        model.keras     the flow, as Keras saves it; in a preset its three members instead
        ...             saved_model/, samples.png and the like, once `seal` has listed them

So the index vouches for the manifests, and each manifest for the files of its entry.
"""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from zoo.backend import budget
from zoo.saving import archive, presets, storage, untrusted
from zoo.saving.published import published
from zoo.saving.registry import ENTRY, INDEX, list_models, read_index, registered, roots
from zoo.training import LikelihoodModel
from zoo.typing import PathLike
from zoo.version import __version__

if TYPE_CHECKING:
    from zoo.flow import Flow

MODEL, MANIFEST, CARD = "model.keras", "manifest.json", "README.md"


def load(name_or_path: PathLike, verify: bool = True) -> Flow:
    """Loads a flow.

    Args:
      name_or_path: A name of `zoo.list_models` ("maf-digits"), the folder of an entry or a preset,
        a .keras file, or a preset on a hub ("hf://user/repo@revision",
        "kaggle://user/model/framework/variation"). A known name goes before a folder so called;
        write "./maf-digits" for the folder.
      verify: Whether to compare the SHA-256 of the files with the manifest's, and the manifest's
        with the index's. What has neither is checked by the checksums inside the .keras file.

    Returns:
      The `Flow`, ready for use, not compiled for training. Its `metadata` are the facts of its
      card.

    Raises:
      ValueError: The name is unknown, or the folder or file is missing, truncated, altered, no
        flow of this library, or saved by a newer version of it; or it names a class that a file may
        not bring, or sizes out of proportion.

    A file is data, whoever wrote it, and runs and writes nothing. It makes objects of this library,
    of classes of TFP and Keras from closed lists, and of those that you registered with
    `keras.saving`, which must be fit for any arguments.

    Example:
      >>> flow = zoo.load("maf-digits")
      >>> images = flow.sample(16, context=3, seed=0)
    """
    cache = None
    if presets.is_remote(name_or_path):
        (path, cache), vouched = presets.fetch(name_or_path), None
    else:
        path, vouched = _locate(name_or_path)
    folder, file = (path, path / MODEL) if path.is_dir() else (path.parent, path)
    parts = _parts(folder) if path.is_dir() else [path.name]
    if not any((folder / name).exists() for name in (*parts, MANIFEST)):
        raise ValueError(f"{folder} is not a Flow Zoo model: it holds no {MODEL}.")
    manifest = None
    if vouched or (folder / MANIFEST).is_file():
        manifest = read_manifest(folder, vouched if verify else None)
    # Read once: what is looked through is what is loaded, though a file be exchanged meanwhile.
    read = {name: storage.read_bytes(folder / name) for name in parts}
    if manifest and verify:
        _check_files(folder, manifest, None if path.is_dir() else file.name, read, cache)
    data = presets.pack(read) if parts == presets.PARTS else read[file.name]
    flow = _load_keras(folder if parts == presets.PARTS else file, data, manifest)
    # Past Keras, which would wrap and track it.
    name = folder.resolve().name if cache is None else str(name_or_path)  # A hub's is a hash.
    flow.__dict__["metadata"] = facts(name, manifest) if manifest else {}
    return flow


def from_preset(cls: type[Flow], preset: PathLike, **arguments: Any) -> Flow:
    """Loads a flow of this class, a name, folder or hub's address as in `zoo.load`.

    Args:
      preset: "maf-digits", "./folder", "hf://user/repo", "kaggle://user/model/keras/name".
      **arguments: Constructor arguments in place of the recorded ones; the weights must fit.

    Raises:
      ValueError: As in `zoo.load`, or the flow is of another class, or its weights do not fit.
    """
    flow = load(preset)
    if not isinstance(flow, cls):
        raise ValueError(
            f"{preset} is a {type(flow).__name__}, expected a {cls.__name__}: call "
            f"{type(flow).__name__}.from_preset or zoo.load."
        )
    if not arguments:
        return flow
    config = flow.get_config()
    unknown = sorted(set(arguments) - set(config))
    if unknown:
        raise ValueError(f"{type(flow).__name__} takes no argument {unknown[0]!r}.")
    other = type(flow).from_config({**config, **arguments})
    try:
        other.set_weights(flow.get_weights())
    except ValueError as error:
        raise ValueError(
            f"the weights of {preset} do not fit a {type(flow).__name__} with "
            f"{', '.join(arguments)} replaced: {untrusted.one_line(error)}"
        ) from None
    return other


def save(
    flow: Flow,
    folder: PathLike,
    metadata: dict[str, Any] | None = None,
    overwrite: bool = False,
    unpacked: bool = False,
) -> Path:
    """Saves a flow as an entry: model.keras and its manifest.

    Both are written beside `folder` and moved there at the end, so that `folder` never holds half
    a model. What training alone needs, such as the state of an optimizer, is left out.

    Args:
      flow: The `Flow`.
      folder: Where to; made if missing. Its last part is the name of the entry.
      metadata: Facts for the manifest, a dictionary that JSON can hold. `list_models` reads
        "dataset", a string, and "metrics", such as
        `{"bits_per_dim": {"mean": 2.31, "error": 0.02}, "nats": {...}}`, the error two standard
        errors.
      overwrite: Whether to replace the model of a folder that holds something already. Other files
        there stay, and no manifest lists them until `seal` does.
      unpacked: Whether to write a preset: the members of model.keras, config.json, metadata.json
        and model.weights.h5, in its place.

    Returns:
      The folder, a `Path`.

    Raises:
      ValueError: `flow` is no Flow, its weights are not finite, or it has parts that `load` does
        not take; the folder holds something and `overwrite` is false, or JSON cannot hold the
        metadata.
    """
    if not isinstance(flow, LikelihoodModel):
        raise ValueError(f"flow must be a zoo Flow, got {type(flow).__name__}.")
    if metadata is not None and not isinstance(metadata, dict):
        raise ValueError(f"metadata must be a dictionary, got {metadata!r:.80}.")
    folder = storage.path(folder, "folder").resolve()
    occupied = storage.check_free(folder, overwrite)
    _check_finite(flow)
    with storage.staging_beside(folder) as staging:
        _write_model(flow, staging / MODEL)
        if unpacked:
            presets.unpack(staging / MODEL)
        _write_manifest(staging, describe(flow), metadata or {})
        if occupied:
            # The manifest goes first and comes last: in between stands a whole model without one.
            (folder / MANIFEST).unlink(missing_ok=True)
            for name in _parts(staging):
                os.replace(staging / name, folder / name)
            for name in (MODEL,) if unpacked else presets.PARTS:
                (folder / name).unlink(missing_ok=True)
            os.replace(staging / MANIFEST, folder / MANIFEST)
        else:
            os.replace(staging, folder)
    return folder


def seal(folder, metadata=None):
    """Lists all files of a finished entry in its manifest.

    Hidden files are left out, and so is README.md, the card, which people may edit.

    Args:
      folder: An entry that `save` wrote, with what was added to it since.
      metadata: Facts to add to the manifest's, or to put in their place.

    Raises:
      ValueError: The folder is no entry, its model.keras is not the one that `save` wrote, or JSON
        cannot hold the metadata.
    """
    folder = storage.path(folder, "folder")
    manifest = read_manifest(folder)
    for name in _parts(folder):
        _check_files(folder, manifest, only=name)
    _write_manifest(folder, manifest["model"], {**manifest["metadata"], **(metadata or {})})


def update_index(root):
    """Writes index.json anew from the entries of a folder, once each agrees with its manifest.

    Args:
      root: The folder of entries. What in it has no manifest is passed over.

    Returns:
      The `ModelTable` of the new index.

    Raises:
      ValueError: The folder is missing, or an entry is not as its manifest says.
    """
    root = storage.path(root, "root")
    if not root.is_dir():
        raise ValueError(f"{root}: no such folder; expected one of entries that zoo.save wrote.")
    models = {}
    for path in sorted(root.glob(f"[!.]*/{MANIFEST}")):
        manifest = read_manifest(path.parent)
        _check_files(path.parent, manifest)
        entry = {
            "manifest": storage.sha256(path),
            "size": sum(manifest["files"][name]["size"] for name in _parts(path.parent)),
            **{key: manifest["model"].get(key) for key in ("family", "event_shape", "parameters")},
            **{key: manifest["metadata"].get(key) for key in ("dataset", "metrics")},
        }
        storage.check_form(path, entry, ENTRY)
        models[path.parent.name] = entry
    storage.write_json(root / INDEX, models=models)
    return list_models(root)


def describe(flow):
    """What manifests and exports say of a flow, as a dictionary that JSON can hold."""
    return {
        "family": type(flow).__name__,
        "event_shape": list(flow.event_shape),
        "latent_shape": list(flow.latent_shape),
        "context_shape": None if flow.context_shape is None else list(flow.context_shape),
        "num_classes": flow.num_classes,
        "levels": flow.levels,
        "dtype": flow.variable_dtype,
        "parameters": flow.count_params(),
        "zoo_version": __version__,
    }


def facts(name, manifest):
    """What an entry's card says of its flow, `flow.metadata`, from its manifest."""
    given, model = manifest["metadata"], manifest["model"]
    papers = published(str(model.get("family")), given.get("dataset"))
    return {"name": name, **model, **given, "published": [dataclasses.asdict(p) for p in papers]}


def plain_copy(flow):
    """A flow with the same weights and nothing of its training, such as an optimizer's moments."""
    copy = type(flow).from_config(flow.get_config())
    copy.set_weights(flow.get_weights())
    return copy


def _locate(name_or_path):
    """The folder or file meant, and the SHA-256 that an index gives its manifest, or `None`."""
    path = storage.path(name_or_path, "name_or_path")
    is_name = isinstance(name_or_path, str) and not os.path.dirname(name_or_path)
    known = registered(roots()) if is_name else {}
    if name_or_path in known:
        root, entry = known[name_or_path]
        if not (root / name_or_path).is_dir():
            raise ValueError(f"{root / name_or_path} is missing, though {root / INDEX} lists it.")
        return root / name_or_path, entry["manifest"]
    if path.is_dir():
        path = path.resolve()
        index = path.parent / INDEX
        models = read_index(path.parent) if index.is_file() else {}
        return path, models.get(path.name, {}).get("manifest")
    if path.is_file():
        return path, None
    if is_name and path.suffix != ".keras":
        raise ValueError(
            f"No pretrained flow or folder is called {name_or_path!r}; the pretrained flows are "
            f"{', '.join(sorted(known)) or 'none'}."
        )
    raise ValueError(f"{path}: no such file or folder; expected an entry or a .keras file.")


def _parts(folder):
    """The files that a folder's model is made of: one, or those of a preset."""
    unpacked = not (folder / MODEL).exists() and (folder / archive.CONFIG).is_file()
    return presets.PARTS if unpacked else [MODEL]


def _write_manifest(folder, model, metadata):
    files = storage.list_files(folder, leave_out=(MANIFEST, CARD))
    storage.write_json(folder / MANIFEST, model=model, metadata=metadata, files=files)


def read_manifest(folder, sha256=None):
    """The manifest of an entry: "model", "metadata" and "files", of the SHA-256 given if one is.

    Raises:
      ValueError: There is none, or it cannot be read.
    """
    if sha256 is None and not (folder / MANIFEST).is_file():
        raise ValueError(f"{folder} is not an entry of zoo.save: it has no {MANIFEST}.")
    return storage.read_json(
        folder / MANIFEST,
        sha256,
        model={"zoo_version?": str},
        metadata=dict,
        files=storage.files_form(*_parts(folder)),
    )


def _check_files(folder, manifest, only=None, read=None, cache=None):
    for name, recorded in manifest["files"].items():
        path = storage.inside(folder, name, cache)
        # A wheel may leave out what no model needs to be loaded, such as pictures.
        if (only or name) == name and (name in _parts(folder) or path.exists()):
            storage.check_file(path, recorded, (read or {}).get(name))


def _check_finite(flow):
    for weight in flow.weights:
        if not np.isfinite(np.asarray(weight, "float64")).all():
            raise ValueError(f"the weight {weight.path} has NaN or infinite values")


def _write_model(flow, path):
    """Writes the .keras file of a flow; what `load` would refuse of it is refused here."""
    try:
        plain_copy(flow).save(path)
        with zipfile.ZipFile(path) as file:
            untrusted.check_config(json.loads(file.read("config.json")))
    except (TypeError, ValueError) as error:
        cause = untrusted.one_line(error).rstrip(".")
        raise ValueError(f"the flow could not be loaded again: {cause}.") from error


def _from_bytes(data):
    """The model in the bytes of a .keras file, which Keras reads from files alone."""
    with tempfile.TemporaryDirectory() as private, warnings.catch_warnings():
        copy = Path(private, MODEL)
        copy.write_bytes(data)
        # Of weights that are not in the file, Keras does no more than warn.
        warnings.filterwarnings("error", category=UserWarning, module=r"keras\.src\.saving")
        return keras.saving.load_model(copy, compile=False, safe_mode=True)


def _load_keras(path, data, manifest):
    try:
        config, count = archive.read(data)
    except ValueError as error:
        raise ValueError(
            f"{path} is no Flow Zoo model, or truncated or altered: expected a .keras file, found "
            f"that {untrusted.one_line(error)}; save the model again."
        ) from None
    name = config.get("class_name") if isinstance(config, dict) else None
    flow = None
    try:
        untrusted.check_config(config)
        if untrusted.is_of(config, LikelihoodModel):
            with budget.weights_of(count):
                flow = _from_bytes(data)
                _check_finite(flow)
    except Exception as error:  # Keras raises many kinds, with many lines each, the file in them.
        version = manifest["model"].get("zoo_version") if manifest else None
        known = version in (None, __version__)
        by = "" if known else f", saved by Flow Zoo {version[:30]} and read by {__version__},"
        raise ValueError(
            f"{path}{by} cannot be loaded as a flow: {untrusted.one_line(error)}."
        ) from None
    if not isinstance(flow, LikelihoodModel):
        raise ValueError(f"{path} is not a Flow Zoo model: it holds a {str(name)[:60]}.")
    return flow
