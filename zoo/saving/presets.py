"""Presets: entries unpacked, three files in place of model.keras, in a folder or on a hub.

The files are keras-hub's: config.json, metadata.json and model.weights.h5, which are the members of
a .keras archive, with the manifest and the card beside them.
"""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

from zoo.saving import archive, untrusted

PARTS = sorted(archive.MEMBERS)
REMOTE = re.compile(r"(hf|kaggle)://([^@]+)(?:@([^@]+))?")
WANTED = [*PARTS, "model.keras", "manifest.json", "README.md"]


def is_remote(name):
    """Whether a name is that of a preset on a hub."""
    return isinstance(name, str) and re.match(r"\w+://", name) is not None


def fetch(name):
    """Brings a preset from a hub into the hub's cache, unless it is there.

    Args:
      name: "hf://user/repo", at a revision "hf://user/repo@v1"; or "kaggle://user/model/keras/name",
        of a version "kaggle://user/model/keras/name/2".

    Returns:
      The folder of its files in the cache, and the folder of the cache that they may link to.

    Raises:
      ValueError: It is none of these names, the hub's client is not installed, or the hub has no
        such preset or cannot be reached.
    """
    hub, handle, revision = _parsed(name)
    client = _client(hub)
    try:
        if hub == "kaggle":
            folder = Path(client.model_download(handle))
            return folder, folder
        folder = client.snapshot_download(handle, revision=revision, allow_patterns=WANTED)
        return Path(folder), Path(folder).parents[1]  # snapshots/COMMIT, beside blobs/.
    except Exception as error:  # Of many kinds, the clients' own and those of what they stand on.
        raise ValueError(
            f"{name} cannot be fetched ({type(error).__name__}): {untrusted.one_line(error)}"
        ) from None


def upload_preset(uri: str, folder: str | Path) -> None:
    """Puts an entry on a hub, where `zoo.load(uri)` finds it.

    The hub's own tools log in (`hf auth login`, `kagglehub.login()`). A repository that is missing
    is made; the card, README.md, goes with the files.

    Args:
      uri: "hf://user/repo" or "kaggle://user/model/framework/variation".
      folder: What `Flow.save_to_preset` or `zoo.save` wrote.

    Raises:
      ValueError: `folder` holds no entry, or the hub refuses.
    """
    hub, handle, revision = _parsed(uri)
    folder = Path(folder).expanduser()
    files = [name for name in WANTED if (folder / name).is_file()]
    if not ({"model.keras"} <= set(files) or set(PARTS) <= set(files)):
        raise ValueError(f"{folder} is no entry: expected model.keras, or {', '.join(PARTS)}.")
    client = _client(hub)
    try:
        if hub == "kaggle":
            # The client takes whole folders; what is not the entry's stays out.
            others = [p.name for p in folder.iterdir() if p.name not in files]
            client.model_upload(handle, str(folder), ignore_patterns=others or None)
        else:
            client.create_repo(handle, exist_ok=True)
            client.upload_folder(
                repo_id=handle, folder_path=folder, allow_patterns=files, revision=revision
            )
    except Exception as error:
        raise ValueError(
            f"{uri} cannot be uploaded ({type(error).__name__}): {untrusted.one_line(error)}"
        ) from None


def pack(parts):
    """The bytes of the .keras file whose members are `{name: bytes}`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packing:
        for name, data in parts.items():
            packing.writestr(name, data)
    return buffer.getvalue()


def unpack(path):
    """Puts the three files of a .keras file beside it, in its place."""
    with zipfile.ZipFile(path) as packing:
        packing.extractall(path.parent, PARTS)
    path.unlink()


def _parsed(name):
    found = REMOTE.fullmatch(str(name))
    parts = found[2].split("/") if found else []
    sizes = {"hf": (2,), "kaggle": (4, 5)}
    plain = all(re.fullmatch(r"[\w.-]+", part) and part.strip(".") for part in parts)
    if not found or len(parts) not in sizes[found[1]] or not plain:
        raise ValueError(
            f"{name!r:.200} names no preset: expected hf://user/repo, hf://user/repo@revision, or "
            "kaggle://user/model/framework/variation."
        )
    if found[1] == "kaggle" and found[3]:
        raise ValueError(f"{name!r:.200}: a version on kaggle is the last part, .../variation/2.")
    return found[1], found[2], found[3]


def _client(hub):
    """The module of a hub's own client, an optional dependency."""
    try:
        if hub == "hf":
            import huggingface_hub as client
        else:
            import kagglehub as client
    except ImportError:
        raise ValueError(
            f"{hub}:// needs the hub's client: pip install 'flow-zoo[hub]', or "
            f"{'huggingface_hub' if hub == 'hf' else 'kagglehub'}."
        ) from None
    return client
