"""The families, one file a paper."""

from zoo.models.glow import Glow
from zoo.models.iaf import IAF
from zoo.models.made import MADE
from zoo.models.maf import MAF
from zoo.models.nice import NICE
from zoo.models.planar import Planar
from zoo.models.radial import Radial
from zoo.models.real_nvp import RealNVP
from zoo.models.sylvester import Sylvester

MODELS = {
    "nice": NICE,
    "real_nvp": RealNVP,
    "glow": Glow,
    "made": MADE,
    "maf": MAF,
    "iaf": IAF,
    "planar": Planar,
    "radial": Radial,
    "sylvester": Sylvester,
}

__all__ = [
    "Glow",
    "IAF",
    "MADE",
    "MAF",
    "MODELS",
    "NICE",
    "Planar",
    "Radial",
    "RealNVP",
    "Sylvester",
]
