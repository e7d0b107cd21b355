"""Shows what is known of one flow: `python -m trainers.showing --model=NAME`, `flow-zoo show NAME`.

Of an entry of the zoo that is its card; of a run, what was written beside its weights.
"""

import json

from trainers.runs import common, entries, files, options


def define_flags(fv):
    """Adds the flags of this program to an `absl.flags.FlagValues`."""
    options.trained_model_flags(fv)


def main(args):
    """Prints it; returns nothing."""
    common.require(args, "model")
    folder = entries.folder(args.model)
    card = folder / "README.md"
    if card.is_file():
        print(card.read_text(encoding="utf-8"))
        return
    manifest = files.read_json(folder / "manifest.json", model=dict, metadata=dict)
    facts = {**manifest["model"], **manifest["metadata"]}
    rows = [(name, json.dumps(value)) for name, value in facts.items() if value is not None]
    print(common.table(rows, header=(str(args.model), "")))


if __name__ == "__main__":
    common.run(define_flags, main)
