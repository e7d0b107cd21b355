"""Folders and files that a user names: tried, locked, and read with errors of one line."""

import fcntl
import json
import math
import os
import tempfile
from pathlib import Path

from trainers.runs import common


def path(text):
    """A `pathlib.Path`, with `~` as a shell has it.

    Raises:
        ValueError: If `~name` names no user, or no path can be.
    """
    if "\0" in text:
        raise ValueError(f"{text!r} is no path")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"{text} cannot be read: there is no such user") from None


def writable(options, name, file=False):
    """Tries the folder of a flag, there or not, before the work; nothing of the trial is left.

    Args:
        options: Parsed flags.
        name: The flag.
        file: Whether it names a file, whose folder is tried.

    Returns:
        What it names, a `pathlib.Path`.

    Raises:
        ValueError: If it is a file, or cannot be written to.
    """
    folder = path(options[name].value)
    try:
        above = folder.absolute().parents
        there = next(p for p in (*[folder] * (not file), *above) if os.path.lexists(p))
        with tempfile.TemporaryFile(dir=there):
            return folder
    except OSError as error:
        reason = error.strerror
    raise ValueError(f"--{name}={folder} cannot be written to: {reason}")


def locked(folder):
    """Locks a folder for as long as this process lives, or until the descriptor is closed.

    Returns:
        The descriptor; None where the file system has no locks.

    Raises:
        BlockingIOError: If another process, or another call in this one, has locked it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def read_json(path, **forms):
    """Reads a JSON object that a program wrote.

    Args:
        path: The file.
        **forms: What it must hold, each of a type, one of several, or what `number` or
            `figure` is.

    Raises:
        ValueError: If it is missing, cut, or holds something else; one line that names it.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        require_forms(found, forms)
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or common.one_line(error)
        raise ValueError(f"{path} cannot be read: {reason}") from None
    return found


def require_forms(found, forms):
    """Raises ValueError unless `found` is a dictionary whose `forms` keys have those types."""
    if not isinstance(found, dict):
        raise ValueError(f"expected a JSON object, got {str(found)[:40]!r}")
    for key, form in forms.items():
        value = found.get(key)
        fits = isinstance(value, form) if isinstance(form, type | tuple) else form(value)
        if not fits or (isinstance(value, bool) and form is not bool):
            raise ValueError(f"{key!r} is missing or wrong: {str(value)[:40]!r}")


def count(value):
    """The form of a count."""
    return isinstance(value, int) and value >= 0


def number(value):
    """The form of a finite number that is not negative, such as a count or a time."""
    return isinstance(value, int | float) and 0 <= value < math.inf


def figure(value):
    """The form of a figure: `{"mean", "error"}`, the error null where there is no more than one."""
    if not isinstance(value, dict):
        return False
    mean, error = value.get("mean"), value.get("error")
    return all(map(_finite, (mean, 0.0 if error is None else error)))


def _finite(value):
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < math.inf
