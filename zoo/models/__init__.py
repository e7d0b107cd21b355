"""The families, one file a paper."""

from zoo.models.continuous import ContinuousFlow
from zoo.models.glow import Glow
from zoo.models.iaf import IAF
from zoo.models.made import MADE
from zoo.models.maf import MAF
from zoo.models.nice import NICE
from zoo.models.real_nvp import RealNVP

MODELS = {
    "nice": NICE,
    "real_nvp": RealNVP,
    "glow": Glow,
    "made": MADE,
    "maf": MAF,
    "iaf": IAF,
    "continuous": ContinuousFlow,
}

__all__ = ["ContinuousFlow", "Glow", "IAF", "MADE", "MAF", "MODELS", "NICE", "RealNVP"]
