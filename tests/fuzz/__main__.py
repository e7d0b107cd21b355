"""Fuzzing: `python -m tests.fuzz --seed=0 --count=300`.

Draws `count` command lines, `count` calls and `count` damaged files from a seed, runs them in this
process within one temporary folder, and ends with status 1 if there was a fault, by the rule of
`tests.fuzz.oracle`. `--only=calls:17` runs one case, with its stack trace.
"""

import argparse
import functools
import sys
import tempfile
from pathlib import Path

from tests.fuzz import runner

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=list(runner.KINDS), choices=runner.KINDS)
    parser.add_argument("--only", help="KIND:NUMBER")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        say = functools.partial(print, flush=True)
        fuzz = runner.Fuzz(Path(folder).resolve(), given.seed, say)
        if given.only:
            kind, _, number = given.only.partition(":")
            fuzz.show(kind, int(number))
        else:
            sys.exit(
                1 if sum(fuzz.run(kind, given.count, given.first) for kind in given.kinds) else 0
            )
