"""Flow Zoo: normalizing flows as Keras 3 layers and models, each a TFP distribution."""

from zoo import bijectors, layers, models, networks, numerics, transformers
from zoo.distributions import VariationalDequantizer
from zoo.flow import Flow
from zoo.integrations import plot
from zoo.models import *  # noqa: F403
from zoo.numerics import NotConverged
from zoo.saving import export, list_models, load, load_exported, save, upload_preset
from zoo.version import __version__

__all__ = [
    "Flow",
    "NotConverged",
    "VariationalDequantizer",
    "__version__",
    "bijectors",
    "export",
    "layers",
    "list_models",
    "load",
    "load_exported",
    "networks",
    "numerics",
    "plot",
    "save",
    "transformers",
    "upload_preset",
    *models.__all__,
]


def __dir__():
    """What a user needs; the rooms below are there too."""
    return sorted(__all__)
