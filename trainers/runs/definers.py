"""How flags are defined: absl's ways, with values that no program could use refused at once."""

import functools
import math
import os
import types

from absl import flags

_KINDS = ("boolean", "enum", "list", "multi_string", "string")
# The most that a flow is made of: beyond, building it takes hours, or more memory than there is.
MOST_LAYERS, MOST_UNITS = 1000, 1 << 16


class _FiniteParser(flags.FloatParser):
    """Numbers, but for NaN and infinity, which no bound keeps out."""

    def convert(self, argument):
        value = super().convert(argument)
        if not math.isfinite(value):
            raise ValueError("expected a finite number")
        return value


class _PathParser(flags.ArgumentParser):
    """Names of files and folders, and of what else a flow or data set is called by."""

    def parse(self, argument):
        if argument and ("\0" in argument or os.path.expanduser(argument)[:1] == "~"):
            raise ValueError("there is no such user, or no such path")
        return argument


def definers(fv):
    """Returns absl's `DEFINE_string` and its like for one set of flags, as `.string` and so on.

    Floats are finite; integers have 32 bits, if no other bounds are given; a `.path` is text in
    which `~name` is a user.
    """
    define = {k: functools.partial(getattr(flags, f"DEFINE_{k}"), flag_values=fv) for k in _KINDS}

    def define_float(name, default, help, **bounds):
        parser = _FiniteParser(**bounds)
        flags.DEFINE(parser, name, default, help, fv, flags.ArgumentSerializer())

    def define_integer(name, default, help, lower_bound=-(2**31), upper_bound=2**31 - 1):
        parser = flags.IntegerParser(lower_bound, upper_bound)
        flags.DEFINE(parser, name, default, help, fv, flags.ArgumentSerializer())

    def define_path(name, default, help):
        flags.DEFINE(_PathParser(), name, default, help, fv, flags.ArgumentSerializer())

    define |= {"float": define_float, "integer": define_integer, "path": define_path}
    return types.SimpleNamespace(**define)


def names(define_flags):
    """The names of the flags that a function such as those below defines."""
    fv = flags.FlagValues()
    define_flags(fv)
    return set(fv)
