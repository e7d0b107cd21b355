"""What counts as a fault of a case: the rule, and a watch over files.

A case may end in two ways. It is refused by an error of ours: a ValueError, zoo.NotConverged or
TypeError that a `raise` statement of this project raises, with a message of one line and at most
450 characters; or it gives what the documentation promises. Everything else is a fault: "trace", an
error of another kind, from within another library, or of many lines; "nonsense", a result that is
not finite or of the wrong shape, or an argument taken that the documentation excludes; "outside", a
file written elsewhere than in the folder of the case.
"""

import contextlib
import dataclasses
import linecache
import os
import signal
import sys
import traceback
from pathlib import Path

import numpy as np

import zoo

ROOT = Path(__file__).resolve().parents[2]
MOST = 450  # characters of a message
SECONDS = 120  # of one case


class Nonsense(AssertionError):
    """What was accepted, or given back, is not what the documentation promises."""


class Refused(Exception):
    """A program ended as it should where its command line is wrong."""


class TooLong(Exception):
    """A case that does not end."""


@dataclasses.dataclass
class Fault:
    """One case that went wrong."""

    kind: str
    text: str


def trace(error):
    """Why an error is none of ours, or `None`."""
    said, kind = str(error), type(error).__name__
    if not isinstance(error, (ValueError, TypeError, zoo.NotConverged)):
        return f"{kind}: {said[:MOST]}"
    if not said or "\n" in said or len(said) > MOST:
        return f"{kind} of {len(said.splitlines())} lines, {len(said)} characters: {said[:MOST]!r}"
    last = traceback.extract_tb(error.__traceback__)[-1]
    ours = any(Path(last.filename).is_relative_to(ROOT / room) for room in ("zoo", "trainers"))
    if not (ours and linecache.getline(last.filename, last.lineno).strip().startswith("raise")):
        return f"{kind} raised at {last.filename}:{last.lineno}: {said[:MOST]}"
    return None


def require(holds, text):
    """Raises `Nonsense` where something does not hold."""
    if not holds:
        raise Nonsense(text)


def finite(x, shape, what):
    """Requires finite numbers of a shape."""
    x = np.asarray(x)
    require(x.shape == tuple(shape), f"{what} has shape {x.shape}, not {tuple(shape)}")
    require(np.isfinite(x).all(), f"{what} is not finite: {x.ravel()[:4]}")


class Watch:
    """Looks for files written elsewhere than in the folders of a case.

    Python tells of the files it opens to write, makes, moves and removes; what other libraries
    write is seen by looking at the folders around that of the case.

    Args:
      root: The folder of everything; a case has a folder of its own below it, and `tmp`.
    """

    _CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink")

    def __init__(self, root):
        self._root, self._allowed, self._seen = root, None, []
        sys.addaudithook(self._hook)

    def _hook(self, event, arguments):
        if self._allowed is None:
            return
        if event == "open":
            path, mode, flags = arguments
            if not (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
                return
        elif event in self._CHANGES:
            path = arguments[0]
        else:
            return
        if isinstance(path, (str, bytes, os.PathLike)):
            where = os.path.realpath(os.fsdecode(path))
            fine = any(where == str(a) or where.startswith(f"{a}/") for a in self._allowed)
            if not fine and not where.startswith("/dev/null") and "__pycache__" not in where:
                self._seen.append(f"{event} {where}")

    @contextlib.contextmanager
    def over(self, folder):
        """Within, only `folder` and the folder of temporary files may be written to.

        Yields:
          A list that holds, at the end, what was written elsewhere.
        """
        before, found = self._around(folder), []
        self._seen, self._allowed = [], [folder, self._root / "tmp"]
        try:
            yield found
        finally:
            self._allowed = None
            found += self._seen
            found += [f"changed: {path}" for path in self._around(folder) ^ before]

    def _around(self, folder):
        """Size and time of all files of the root that are not of the case."""
        found = set()
        for path in self._root.rglob("*"):
            if path.is_file() and not path.is_relative_to(folder) and path.parts[-2] != "tmp":
                state = path.stat()
                found.add((str(path), state.st_size, state.st_mtime_ns))
        return found


def judged(case, folder, watch):
    """Runs a case.

    Args:
      case: Function without arguments.
      folder: Where it may write.
      watch: A `Watch`.

    Returns:
      `(whether it was accepted, Fault or None)`.
    """

    def ring(number, frame):
        raise TooLong(f"no end after {SECONDS} seconds")

    fault, accepted, before = None, False, signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    with watch.over(folder) as outside:
        try:
            case()
            accepted = True
        except Refused:
            pass
        except Nonsense as error:
            fault = Fault("nonsense", str(error))
        except Exception as error:
            wrong = trace(error)
            fault = wrong and Fault("trace", wrong)
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
    if outside:
        fault = Fault("outside", "; ".join(outside)[:MOST])
    return accepted, fault
