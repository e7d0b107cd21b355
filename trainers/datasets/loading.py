"""Finds a dataset by name, the user's own or one of TFDS's."""

from trainers.datasets import builders, catalogue, own, tables
from trainers.datasets.pipelines import Dataset


def load(name, data_dir=None, manual_dir=None, **changes):
    """Loads a dataset, and prepares it first where that has not been done.

    Args:
        name: "digits", a toy ("two_moons" or "toy2d/two_moons"), a table of scikit-learn
            ("wine" or "sklearn_tables/wine"), a density benchmark ("power" or
            "uci_density/power"), or any name that TFDS knows or that is prepared in `data_dir`; of
            your own, "csv:table.csv", "parquet:table.parquet", "npz:arrays.npz" or "images:folder".
        data_dir: Folder of prepared datasets, to read and, if need be, to write; or the folder of
            one prepared dataset. Default: TFDS's own, `~/tensorflow_datasets`.
        manual_dir: Folder of files downloaded by hand, for the datasets that need them.
        **changes: levels, image_size, resize, label and bounds of `Dataset`; of your own data also
            columns, splits, split_seed, drop_missing and known of `tables.prepare`. None is the
            same as unset.

    Returns:
        A `Dataset`.

    Raises:
        DatasetError: unknown name, no network, nowhere to write, nothing in it that a flow can
            model, or changes that do not suit it. The message is one line.
    """
    if source := catalogue.source(name):
        return own.load(*source, **changes)
    tables.require_none_asked(name, changes)
    changes = {key: value for key, value in changes.items() if key not in tables.ONLY_OWN}
    return Dataset(builders.prepared_builder(name, data_dir, manual_dir), **changes)
