"""Files written whole or not at all, and hashes that tell when one was changed since.

Every JSON file written here has a "format"; those that vouch for other files list them as
`{"files": {"model.keras": {"size": 8123, "sha256": "ab..."}, ...}}`, the names relative to the
folder they speak for.
"""

import contextlib
import hashlib
import json
import os
import shutil
import uuid

FORMAT = 1  # to be raised when a library of today would misread what is written


def check_free(folder, overwrite=False):
    """Whether `folder` (a `Path`, there or not) holds something that is to be written over.

    Raises:
      ValueError: It is a file, or it holds something and `overwrite` is false.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; expected a folder that is new or empty.")
    occupied = folder.is_dir() and any(folder.iterdir())
    if occupied and not overwrite:
        raise ValueError(
            f"{folder} already holds something; give a folder that is new or empty, or "
            "overwrite=True."
        )
    return occupied


@contextlib.contextmanager
def staging_beside(folder):
    """Yields an empty folder next to `folder`, to be filled and then renamed to it.

    Whatever is still there at the end is removed, so an error half-way leaves nothing behind.

    Raises:
      ValueError: The disk refuses (no permission, no space).
    """
    staging = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}"
    try:
        staging.mkdir(parents=True)
        yield staging
    except OSError as error:
        raise ValueError(f"{folder} cannot be written: {error.strerror or error}.") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def replace_folder(staging, folder):
    """Puts the folder `staging` in the place of `folder`, whatever that holds."""
    old = staging.with_name(f"{staging.name}.old")
    if folder.exists():
        os.replace(folder, old)
    try:
        os.replace(staging, folder)
    except OSError:
        if old.exists():
            os.replace(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def sha256(path):
    """The SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def list_files(folder, leave_out=()):
    """`{name: {"size": ..., "sha256": ...}}` of the files in `folder`, at any depth.

    Args:
      folder: A `Path`.
      leave_out: Names, relative to it and with slashes, not to list; hidden files never are.
    """
    listed = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        name = "/".join(parts)
        if path.is_file() and name not in leave_out and not any(p[0] == "." for p in parts):
            listed[name] = {"size": path.stat().st_size, "sha256": sha256(path)}
    return listed


def check_file(path, recorded):
    """Compares a file with what was recorded of it.

    Args:
      path: The file.
      recorded: `{"sha256": ...}`, and perhaps "size", in bytes, for the message.

    Raises:
      ValueError: The file is missing, or has another SHA-256.
    """
    remedy = "fetch it or write it again."
    if not path.is_file():
        raise ValueError(f"{path} is missing; {remedy}")
    found = sha256(path)
    if found != recorded["sha256"]:
        size = f" ({recorded['size']} bytes)" if "size" in recorded else ""
        raise ValueError(
            f"{path} is truncated or altered: expected SHA-256 {recorded['sha256']}{size}, "
            f"found {found} ({path.stat().st_size} bytes); {remedy}"
        )


def read_json(path, *keys):
    """Reads a JSON file that `write_json` wrote, and that holds `keys`.

    Raises:
      ValueError: It cannot be read, or its format is newer than this library knows.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        newer = data["format"] > FORMAT
        if not newer:
            data = {key: data[key] for key in keys}
    except (OSError, ValueError, KeyError, TypeError):
        raise ValueError(
            f"{path} is truncated or altered: expected a JSON file of Flow Zoo; "
            "fetch it or write it again."
        ) from None
    if newer:
        raise ValueError(
            f"{path} was saved by a newer Flow Zoo: expected format {FORMAT}, found "
            f"{data['format']}; install a newer flow-zoo."
        )
    return data


def write_json(path, **data):
    """Writes a JSON file, whole or not at all.

    Raises:
      ValueError: JSON cannot hold the data.
    """
    try:
        text = json.dumps({"format": FORMAT, **data}, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path.name} cannot hold the metadata given: {error}.") from None
    part = path.with_name(f".{path.name}.part")
    part.write_text(text + "\n", encoding="utf-8")
    os.replace(part, path)
