"""Exports a flow: `python -m trainers.export --model=maf-digits --export_dir=served/maf-digits`.

The SavedModel has log_prob, sample, encode and decode, and loads with nothing but TensorFlow.
"""

from trainers.runs import common, entries, files, options


def define_flags(fv):
    """Adds the flags of this program to an `absl.flags.FlagValues`."""
    define = options.definers(fv)
    options.trained_model_flags(fv)
    define.path("export_dir", None, "Folder for the SavedModel, new or empty.")


def main(args):
    """Exports as the flags say; returns nothing."""
    common.require(args, "model", "export_dir")
    folder = files.writable(args, "export_dir")
    entries.folder(args.model)
    common.start_tensorflow()
    import zoo

    flow = zoo.load(args.model)
    zoo.export(flow, folder)
    print(f"{args.model} exported to {args.export_dir}")


if __name__ == "__main__":
    common.run(define_flags, main)
