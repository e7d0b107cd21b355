"""Flags of data: which, and what becomes of them before a flow sees them."""

from trainers.runs.definers import definers, names


def data_flags(fv):
    """Which data set, and what becomes of it before a flow sees it."""
    define = definers(fv)
    define.string(
        "dataset",
        None,
        "Data set, as TFDS names it (name or name/config): digits, toy2d/two_moons, "
        "uci_density/power, fashion_mnist, ...; or your own, csv:table.csv, parquet:table.parquet, "
        "npz:arrays.npz or images:folder, whose subfolders are labels.",
    )
    define.list("columns", None, "Columns of your own table to model; all that can be, if unset.")
    define.list(
        "bounds",
        None,
        "What columns lie between, as in income=0..,share=0..1,price=log (log: positive numbers "
        "over orders of magnitude). Densities are exact, and samples stay inside.",
    )
    define.list(
        "splits",
        None,
        "Fractions of train, validation and test of your own data, as in 0.8,0.1,0.1 (the "
        "default), or the column that says it of each row.",
    )
    define.integer("split_seed", None, "Seed of the order in which rows are split.", lower_bound=0)
    define.boolean("drop_missing", None, "Leave out rows of your own table that lack a value.")
    define.path("data_dir", None, "Folder of prepared TFDS data sets (TFDS's own default).")
    define.path(
        "manual_dir", None, "Folder of archives fetched by hand, for data sets that need one."
    )
    define.list(
        "image_size",
        None,
        "Size, or height,width, to crop images to about their centre or to pad them to with zeros.",
    )
    define.list(
        "resize",
        None,
        "Size, or height,width, to resize images to after that, each pixel an area's average.",
    )
    define.integer(
        "levels",
        None,
        "Grey levels to reduce images to after that, a divisor of their own; 32: 5 bits.",
    )
    define.enum(
        "binarize",
        None,
        ("static", "dynamic"),
        "Make each pixel 1 with a probability of its grey level, else 0: drawn once from a fixed "
        "seed, or for training images anew at each pass.",
    )
    define.string(
        "label",
        None,
        "Feature to take for the label, a class label or a boolean, as in attributes/Smiling; the "
        "column of your own table.",
    )


def data_arguments(options):
    """Returns what the data flags set, but --dataset, as arguments of `datasets.load`."""
    return {name: options[name].value for name in names(data_flags) - {"dataset"}}
