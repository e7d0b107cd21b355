"""What every program shares: how it starts, how it fails, and how it writes files.

A program is a module with `define_flags(flag_values)`, `main(options)` and, at its end,
`common.run(define_flags, main)`. TensorFlow is imported by what `main` calls and not before, so
that `--help` and a mistyped flag are answered at once.
"""

import contextlib
import difflib
import functools
import io
import json
import logging
import math
import os
import re
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from absl import app, flags  # noqa: E402  (absl itself does not import TensorFlow)
from absl import logging as absl_logging  # noqa: E402

from trainers.runs import helping, interruptions  # noqa: E402

MOST = 300  # characters of an error that is told
HELP = ("--help", "-help", "-h", "--helpshort", "--helpfull")
started_by = "python -m trainers."  # what stands before the name of a program on a command line
USAGE_ERROR = 2  # exit status of a wrong command line; everything else that fails gives 1


def one_line(error):
    """Returns the message of an exception on one short line, without what autograph adds to it."""
    text = str(error) or type(error).__name__
    # "in user code: File ..., line 3, in f ...    ValueError: what was said"
    if text.startswith("in user code:"):
        text = re.split(r"\n\s+\w*Error: ", text)[-1]
    if isinstance(error, OSError) and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    text = " ".join(text.replace("ERROR::", "").split())
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"


def fail(message, status=1):
    """Prints `error: message` to the standard error and ends the program."""
    print(f"error: {message}", file=sys.stderr, flush=True)
    sys.exit(status)


def command(program):
    """How a program is called, as this one was: "flow-zoo train" or "python -m trainers.train"."""
    return f"{started_by}{program}"


def run(define_flags, main, name=None):
    """Runs a program: flags in, its exit status out, errors of the user as one line.

    Args:
        define_flags: Function of an `absl.flags.FlagValues` that adds the program's flags to it.
        main: Function of the parsed flags. What it returns is the exit status.
        name: Name of the program; that of its file by default.
    """
    absl_flags = set(flags.FLAGS)
    define_flags(flags.FLAGS)
    own = [name for name in flags.FLAGS if name not in absl_flags]
    flags.DEFINE_boolean("debug", False, "Show the stack trace of an error.")
    if asked := [arg for arg in sys.argv[1:] if arg in HELP]:
        shown = {n: flags.FLAGS[n] for n in [*own, "debug"]}
        program = command(name or Path(sys.argv[0]).stem)
        about = main.__globals__["__doc__"]
        print(helping.page(program, about, shown, full=asked[0] == "--helpfull"), end="")
        sys.exit(0)
    app.run(
        functools.partial(_main, main), flags_parser=functools.partial(parsed, flags.FLAGS, own)
    )


def parsed(flag_values, own, argv):
    """Parses a command line for `checked`; what is wrong with it ends the program with one line."""
    try:
        return parse(flag_values, argv)
    except flags.UnrecognizedFlagError as error:
        fail(unknown_flag(error.flagname, own), USAGE_ERROR)
    except flags.Error as error:
        fail(one_line(error), USAGE_ERROR)


def unknown_flag(given, own):
    """What is said of a flag that there is not: the nearest of those that there are."""
    close = difflib.get_close_matches(given.removeprefix("no"), own, n=1)
    hint = f" (did you mean --{close[0]}?)" if close else ""
    known = " ".join(f"--{name}" for name in sorted(own))
    return f"unknown flag --{given}{hint}; the flags are: {known}"


def parse(flag_values, argv):
    """Parses a command line, flagfiles included; what is wrong with it is an absl `flags.Error`."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said):
            rest = flag_values(argv)
    except UnicodeDecodeError as error:
        given = ", ".join(arg for arg in argv[1:] if "flagfile" in arg)
        raise flags.Error(f"{given} is, or includes, a file that is no text: {error}") from None
    # All that absl has to say of a flagfile that includes itself; it leaves the second reading out.
    if "circular" in said.getvalue():
        raise flags.Error(f"a flagfile includes itself: {said.getvalue().split()[-1]}")
    return rest


def _main(main, argv):
    if not flags.FLAGS["verbosity"].present:
        absl_logging.set_verbosity(absl_logging.ERROR)
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
    return checked(main, flags.FLAGS, argv)


def checked(main, options, argv):
    """Calls `main(options)` where flags are all that the command line had; see `guarded`."""
    if len(argv) > 1:
        fail(f"expected only flags of the form --name=value, got {argv[1]!r}", USAGE_ERROR)
    return guarded(main, options)


def guarded(main, options):
    """Calls `main(options)`; what is wrong with the user's input ends the program with one line.

    So does a solver or an inverse that does not converge. Any other error is one of the program and
    keeps its stack trace, as all do with --debug.
    """
    with contextlib.suppress(ValueError):  # not the main thread: whose signals these are not
        signal.signal(signal.SIGTERM, interruptions.interrupt)
    try:
        return main(options)
    except _expected() as error:
        if options.debug:
            traceback.print_exc()
        fail(one_line(error))
    except interruptions.Interrupted as error:
        fail(one_line(error), 128 + error.number)
    except KeyboardInterrupt:
        fail("interrupted", 130)


def _expected():
    """The errors that say what a user can do."""
    # Looked up when one is raised, for importing the library takes seconds.
    library = sys.modules.get("zoo")
    return (ValueError, OSError, *([library.NotConverged] if library else []))


def require(options, *names):
    """Raises ValueError unless all of these flags have a value."""
    for name in names:
        if options[name].value in (None, "", []):
            raise ValueError(f"--{name} is missing: {options[name].help}")


def start_tensorflow():
    """Imports TensorFlow, without what it has to say of GPUs that are not there.

    Raises:
        ValueError: If Keras runs on another backend; the programs are made for TensorFlow.
    """
    quiet = "tensorflow" not in sys.modules
    with _standard_error_held_back() if quiet else contextlib.nullcontext():
        import keras

        backend = keras.backend.backend()
        if backend == "tensorflow":
            import tensorflow as tf

            tf.config.list_physical_devices()
    if backend != "tensorflow":
        raise ValueError(
            f"the programs run on TensorFlow, but KERAS_BACKEND is {backend!r}; set "
            "KERAS_BACKEND=tensorflow"
        )


@contextlib.contextmanager
def _standard_error_held_back():
    """Keeps the standard error, C++'s included, to itself unless something is raised."""
    sys.stderr.flush()
    before = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(before, held.read())
            raise
        finally:
            os.dup2(before, 2)
            os.close(before)


_PART = ".part-"


def remove_leftovers(folder):
    """Removes what writers that were killed have left in a folder, at any depth, and beside it."""
    for part in folder.rglob(f"{_PART}*"):
        part.unlink(missing_ok=True)
    # Where zoo.save puts together what it renames to the folder, or into it.
    staging = re.compile(re.escape(f".{folder.name}.") + "[0-9a-f]{8}")
    for path in folder.absolute().parent.iterdir():
        if staging.fullmatch(path.name) and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def written_whole(path):
    """Yields a path beside `path` to write to; it takes `path`'s place when all went well.

    Args:
        path: A `pathlib.Path`; its folder is made if missing.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{_PART}{os.getpid()}-{path.name}")
    try:
        yield part
        with open(part, "rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path, text):
    """Writes a text file, whole or not at all."""
    with written_whole(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path, figures):
    """Writes figures as JSON. What is no finite number becomes null: JSON has no infinity."""
    write_text(path, json.dumps(finite(figures), indent=2, allow_nan=False) + "\n")


def finite(figures):
    """Figures, in dictionaries and lists, with None for floats that are not finite."""
    if isinstance(figures, dict):
        return {key: finite(value) for key, value in figures.items()}
    if isinstance(figures, list | tuple):
        return [finite(value) for value in figures]
    if isinstance(figures, float) and not math.isfinite(figures):
        return None
    return figures


def table(rows, header=None):
    """Returns rows of text as lines, the columns aligned; `header` is underlined."""
    rows = [tuple(str(cell) for cell in row) for row in rows]
    if header:
        rows = [tuple(header), *rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if header:
        rows.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
