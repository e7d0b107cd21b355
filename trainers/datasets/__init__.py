"""Datasets for flows: builders that need no download, a user's own files, and input pipelines.

Using any of it but `catalogue` imports TensorFlow, and registers `digits`, `natural_patches`,
`sklearn_tables`, `toy2d` and `uci_density` with TFDS.
"""

import importlib

_WHERE = {
    "OFFLINE": "errors",
    "TOYS": "toy_densities",
    "Dataset": "pipelines",
    "DatasetError": "errors",
    "Digits": "digits",
    "NaturalPatches": "natural_patches",
    "SklearnTables": "sklearn_tables",
    "Toy2d": "toy2d",
    "UciDensity": "uci_density",
    "catalogue": None,
    "from_dataframe": "own",
    "kept": None,
    "load": "loading",
    "milliseconds_a_batch": "timing",
    "tables": None,
}
__all__ = list(_WHERE)


def __getattr__(name):
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    where = _WHERE[name]
    found = importlib.import_module(f"{__name__}.{where or name}")
    found = getattr(found, name) if where else found
    globals()[name] = found
    return found
