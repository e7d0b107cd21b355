"""Files written whole or not at all, and hashes that tell when one was changed since.

Every JSON file written here has a "format"; those that vouch for other files list them as
`{"files": {"model.keras": {"size": 8123, "sha256": "ab..."}, ...}}`, the names relative to the
folder they speak for.
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
import uuid
from pathlib import Path

from zoo import config

FORMAT = 1  # to be raised when a library of today would misread what is written
REMEDY = "fetch it or write it again."
MAX_JSON = 1 << 24  # bytes of a JSON file that is read; an entry of a manifest takes 130


def path(value, what="path"):
    """`value`, the name of a file or folder, as a `Path`, with `~` as a shell has it.

    Raises:
      ValueError: It is none, or the system takes none like it.
    """
    if not isinstance(value, str | os.PathLike) or not value:
        raise ValueError(f"{what} must be the name of a file or folder, got {value!r:.80}.")
    try:
        found = Path(value).expanduser()
        found.lstat()
    except (FileNotFoundError, NotADirectoryError):  # There is none yet.
        pass
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ValueError(f"{what} {str(value)!r:.80} cannot be used: {reason:.200}.") from None
    return found


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


def digest(data):
    """The SHA-256 of what JSON can hold, however it is laid out in a file."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def list_files(folder, leave_out=()):
    """`{name: {"size": ..., "sha256": ...}}` of the files in `folder` (a `Path`), at any depth.

    Hidden files are left out, and the names in `leave_out`, relative to it and with slashes.
    """
    listed = {}
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        name = "/".join(parts)
        if path.is_file() and name not in leave_out and not any(p[0] == "." for p in parts):
            inside(folder, name)
            listed[name] = {"size": path.stat().st_size, "sha256": sha256(path)}
    return listed


def check_file(path, recorded, data=None):
    """Compares a file with what was recorded of it: "sha256", and perhaps "size" for the message.

    Args:
      path: The file.
      recorded: What was recorded.
      data: Its bytes, where they were read already: what is used is then what was checked.

    Raises:
      ValueError: The file is missing, or has another SHA-256.
    """
    if not path.is_file():
        raise ValueError(f"{path} is missing; {REMEDY}")
    found = sha256(path) if data is None else hashlib.sha256(data).hexdigest()
    if found != recorded["sha256"]:
        expected = f" ({recorded['size']} bytes)" if "size" in recorded else ""
        size = path.stat().st_size if data is None else len(data)
        raise ValueError(
            f"{path} is truncated or altered: expected SHA-256 {recorded['sha256']}{expected}, "
            f"found {found} ({size} bytes); {REMEDY}"
        )


def read_bytes(path, most=None):
    """The bytes of a file, at most so many.

    Raises:
      ValueError: It is missing, larger, or cannot be read.
    """
    if not path.is_file():
        raise ValueError(f"{path} is missing; {REMEDY}")
    try:
        size = path.stat().st_size
        if most is None or size <= most:
            return path.read_bytes()
        reason = f"it has {size} bytes, more than {most}"
    except OSError as error:
        reason = error.strerror
    raise ValueError(f"{path} is truncated or altered, or cannot be read: {reason}; {REMEDY}")


def read_json(path, sha256=None, **forms):
    """Reads what a JSON file that `write_json` wrote must hold, each of a form; see `misfit`.

    Args:
      path: The file.
      sha256: Its SHA-256 where that is known; `None` to take whatever it is.
      **forms: What is read, and its forms.

    Raises:
      ValueError: It cannot be read, holds something else, or its format is newer than this library
        knows.
    """
    text = read_bytes(path, MAX_JSON)
    if sha256 is not None:
        check_file(path, {"sha256": sha256}, text)
    try:
        data = json.loads(text.decode("utf-8"))
        newer = data["format"] > FORMAT
        if not newer:
            data = {key: data[key] for key in forms}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError(
            f"{path} is truncated or altered: expected a JSON file of Flow Zoo; {REMEDY}"
        ) from None
    if newer:
        raise ValueError(
            f"{path} was saved by a newer Flow Zoo: expected format {FORMAT}, found "
            f"{str(data['format'])[:30]}; install a newer flow-zoo."
        )
    check_form(path, data, forms)
    return data


def check_form(path, data, form):
    """Refuses what a JSON file holds where it is not of a form; see `misfit`."""
    wrong = misfit(data, form)
    if wrong is not None:
        raise ValueError(
            f"{path} is truncated or altered: {wrong[:120]} is missing or not as Flow Zoo writes "
            f"it; {REMEDY}"
        )


def misfit(value, form, where="its content"):
    """Where JSON data departs from a form, or `None`.

    Args:
      value: The data.
      form: A type (`float` takes integers too, and only finite numbers); `None` for null; `[form]`
        for a list of it; `{key: form}`, where other keys may be there, and those with a "?" at the
        end need not; or a function that returns what `misfit` does.
      where: What to call the data.
    """
    if isinstance(form, dict):
        if not isinstance(value, dict):
            return where
        for key, inner in form.items():
            name = key.rstrip("?")
            if name not in value:
                wrong = None if key.endswith("?") else f"{where}: {name}"
            else:
                wrong = misfit(value[name], inner, f"{where}: {name}")
            if wrong is not None:
                return wrong
        return None
    if isinstance(form, list):
        fits = isinstance(value, list) and all(misfit(v, form[0]) is None for v in value)
    elif form is float:
        fits = config.is_number(value)
    elif isinstance(form, type):
        fits = isinstance(value, form) and (form is bool or not isinstance(value, bool))
    elif form is None:
        fits = value is None
    else:
        return form(value, where)
    return None if fits else where


def any_of(*forms):
    """The form of what has one of these forms."""

    def check(value, where):
        wrong = [misfit(value, form, where) for form in forms]
        return None if None in wrong else wrong[-1]

    return check


def each(form, name, *needed):
    """The form of a dictionary whose keys pass `name`, `needed` among them, all of one form."""

    def check(value, where):
        if not isinstance(value, dict):
            return where
        for key, inner in [*value.items(), *((k, None) for k in needed if k not in value)]:
            wrong = misfit(inner, form, f"{where}: {key!r:.60}") if name(key) else f"{key!r:.60}"
            if wrong is not None:
                return wrong
        return None

    return check


def is_plain(name):
    """Whether `name` is that of a file or folder, with nothing that leads elsewhere."""
    fits = name.isprintable() and not set(name) & set("/\\:") and name.strip(". ") != ""
    return fits and len(name.encode()) <= 255


def is_relative(name):
    """Whether `name` is that of a file in a folder, or in folders of it, with slashes."""
    return len(name) <= 1000 and all(is_plain(part) for part in name.split("/"))


def sha256_form(value, where):
    """The form of a SHA-256 in hexadecimal."""
    fits = isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value)
    return None if fits else where


def files_form(*needed):
    """The form of the "files" of a manifest, with the names `needed` among them."""
    return each({"size": int, "sha256": sha256_form}, is_relative, *needed)


def inside(folder, name, root=None):
    """The path of a file that a manifest lists; no link may lead out of the folder or `root`."""
    path = folder / name
    try:
        fits = path.resolve().is_relative_to((root or folder).resolve())
    except (OSError, RuntimeError):  # Links in a circle.
        fits = False
    if not fits:
        raise ValueError(f"{path} is a link out of {folder}; put the file itself there.")
    return path


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
