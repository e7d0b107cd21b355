"""All programs behind one command: `flow-zoo train`, `flow-zoo sample` and so on.

`flow-zoo PROGRAM --help` shows the flags of a program; `python -m trainers PROGRAM` is the same.
"""

import importlib
import sys

from trainers.datasets import catalogue
from trainers.runs import common

PROGRAMS = {
    "train": "trains a flow, or goes on",
    "evaluate": "test figures, round-trip errors, pictures",
    "sample": "samples to .png, .npy, .csv or .parquet",
    "score": "log-densities, bits or latents of the rows of a file, beside them",
    "export": "a SavedModel, which needs TensorFlow alone",
    "compare": "finished flows of one data set in a table",
    "list": "the pretrained flows",
    "show": "what is known of one flow: flow-zoo show NAME",
    "explore": "pictures of a flow of images: temperatures, interpolations, attributes",
    "quality": "how good samples of images are, and their best temperature",
    "publish": "makes a finished run an entry with a model card",
    "demo": "the whole way in a few minutes, offline",
    "gallery": "trains families on the toys of the plane",
}


def main():
    """Starts the program that the first argument names."""
    if len(sys.argv) < 2 or sys.argv[1] in common.HELP:
        print(usage())
        return
    name, *rest = sys.argv[1:]
    if name not in PROGRAMS:
        hint = catalogue.did_you_mean(name, PROGRAMS)
        known = ", ".join(PROGRAMS)
        common.fail(f"there is no program {name!r}{hint}; there are {known}", common.USAGE_ERROR)
    if name == "show" and rest and not rest[0].startswith("-"):
        rest = [f"--model={rest[0]}", *rest[1:]]
    common.started_by = "flow-zoo "
    module = importlib.import_module(f"trainers.{MODULES.get(name, name)}")
    sys.argv = [f"flow-zoo {name}", *rest]
    common.run(module.define_flags, module.main, name)


MODULES = {"list": "listing", "show": "showing"}


def usage():
    """The programs, a line each."""
    rows = common.table([(f"  {name}", text) for name, text in PROGRAMS.items()])
    return f"flow-zoo PROGRAM --flag=value ...\n\n{rows}\n\nflow-zoo PROGRAM --help: its flags"


if __name__ == "__main__":
    main()
