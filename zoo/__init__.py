"""Flow Zoo: normalizing flows as Keras 3 layers and models, each a TFP distribution."""

from zoo import bijectors, layers, networks, transformers
from zoo.flow import Flow
from zoo.models import IAF, MADE, MAF, MODELS, NICE, RealNVP
from zoo.version import __version__

__all__ = [
    "Flow",
    "IAF",
    "MADE",
    "MAF",
    "MODELS",
    "NICE",
    "RealNVP",
    "__version__",
    "bijectors",
    "layers",
    "networks",
    "transformers",
]
