"""Datasets for flows: builders that need no download, and the input pipelines.

Importing this package registers `digits`, `natural_patches`, `toy2d` and `uci_density` with TFDS.
"""

from trainers.datasets.digits import Digits
from trainers.datasets.errors import OFFLINE, DatasetError
from trainers.datasets.natural_patches import NaturalPatches
from trainers.datasets.pipelines import Dataset, load
from trainers.datasets.timing import milliseconds_a_batch
from trainers.datasets.toy2d import Toy2d
from trainers.datasets.toy_densities import TOYS
from trainers.datasets.uci_density import UciDensity

__all__ = [
    "OFFLINE",
    "TOYS",
    "Dataset",
    "DatasetError",
    "Digits",
    "NaturalPatches",
    "Toy2d",
    "UciDensity",
    "load",
    "milliseconds_a_batch",
]
