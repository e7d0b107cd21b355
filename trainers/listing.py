"""Lists the pretrained flows: `python -m trainers.listing`, or `flow-zoo list`."""

from trainers.runs import common, entries, metrics, options


def define_flags(fv):
    """Adds the flags of this program to an `absl.flags.FlagValues`."""
    define = options.definers(fv)
    define.string("dataset", None, "Only flows of this data set.")


def main(args):
    """Prints a table; returns nothing."""
    rows = []
    for name, (_, entry) in entries.models().items():
        if args.dataset in (None, entry.get("dataset")):
            rows.append((name, entry["family"], entry.get("dataset") or "-", *figure(entry)))
    if not rows:
        raise ValueError(f"there is no pretrained flow of {args.dataset or 'any data set'}")
    print(common.table(rows, header=("name", "family", "data", "parameters", "test split")))


def figure(entry):
    """(parameters, test figure) of an entry, as text."""
    found = entry.get("metrics") or {}
    # Bits per dimension are how integers, images mostly, are counted.
    unit = "bits_per_dim" if len(entry["event_shape"]) > 1 else "nats"
    value = found.get(unit)
    text = f"{metrics.shown(value, 3)} {unit.replace('_per_', '/')}" if value else "-"
    return f"{entry['parameters']:,}", text


if __name__ == "__main__":
    common.run(define_flags, main)
