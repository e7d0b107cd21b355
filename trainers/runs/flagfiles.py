"""Flags apart from the command line: in files, and two sets of them compared."""

from absl import flags

from trainers.runs import common
from trainers.runs.options import names, train_flags

# What may differ between two starts on one folder: where things are, how they are computed and
# for how long. Everything else decides what is trained.
FREE_TO_CHANGE = {
    "model_dir",
    "data_dir",
    "manual_dir",
    "epochs",
    "max_steps",
    "max_minutes",
    "patience",
    "strategy",
    "num_devices",
    "steps_per_execution",
    "jit",
    "noise_draws",
    "picture_interval",
    "checkpoint_minutes",
    "tensorboard",
    "progress",
}


def new_options(define_flags, argv=()):
    """Returns a parsed `FlagValues` of its own, apart from the program's.

    Args:
        define_flags: Function that adds flags to it.
        argv: Flags, as on a command line.

    Raises:
        ValueError: If a flag is unknown or its value is refused.
    """
    fv = flags.FlagValues()
    flags.DEFINE_flag(flagfile_flag(), flag_values=fv)
    define_flags(fv)
    try:
        rest = common.parse(fv, ["program", *argv])
    except flags.UnrecognizedFlagError as error:
        raise ValueError(common.unknown_flag(error.flagname, list(fv))) from None
    except flags.Error as error:
        raise ValueError(common.one_line(error)) from None
    if len(rest) > 1:
        raise ValueError(f"expected only flags of the form --name=value, got {rest[1]!r}")
    return fv


def flagfile_flag():
    """The flag that names a flagfile; absl reads those by itself where it is defined."""
    return flags.Flag(
        flags.ArgumentParser(), flags.ArgumentSerializer(), "flagfile", None, "Flags, one a line."
    )


def values(options):
    """Returns {name: value} of the flags of a training run."""
    return {name: options[name].value for name in names(train_flags)}


def write_flagfile(path, options, leave_out=()):
    """Writes the flags of a run that have a value as an absl flagfile, whole or not at all.

    Args:
        path: The file.
        options: Parsed flags.
        leave_out: Names of flags not to write.
    """
    lines = []
    for name, value in sorted(values(options).items()):
        if value is None or name in leave_out:
            continue
        text = options[name].serialize()
        lines.append(text if "\n" not in text else " ".join(text.split()))
    common.write_text(path, "\n".join(lines) + "\n")


def of_run(path):
    """Reads a flagfile written by `write_flagfile`.

    Raises:
        ValueError: If the file cannot be read as a flagfile of `trainers.train`.
    """
    try:
        return new_options(train_flags, [f"--flagfile={path}"])
    except (ValueError, OSError) as error:
        raise ValueError(f"{path} cannot be read: {common.one_line(error)}") from None


def differing_flags(path, options):
    """Compares the flags of a run with those saved earlier, but for `FREE_TO_CHANGE`.

    Args:
        path: Flagfile written by `write_flagfile`.
        options: Parsed flags.

    Returns:
        A list of texts such as "--num_layers=3 (was 5)".

    Raises:
        ValueError: If the file cannot be read as a flagfile of this program.
    """
    before, now = values(of_run(path)), values(options)
    return [
        f"--{name}={_shown(now[name])} (was {_shown(before[name])})"
        for name in sorted(now)
        if name not in FREE_TO_CHANGE and now[name] != before[name]
    ]


def _shown(value):
    if value is None:
        return "unset"
    return ",".join(map(str, value)) if isinstance(value, list) else value
