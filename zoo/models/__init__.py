"""The families, one file a paper."""

from zoo.models.continuous import ContinuousFlow
from zoo.models.glow import Glow
from zoo.models.i_resnet import IResNet
from zoo.models.iaf import IAF
from zoo.models.made import MADE
from zoo.models.maf import MAF
from zoo.models.naf import NAF
from zoo.models.nice import NICE
from zoo.models.nsf import NSF
from zoo.models.planar import Planar
from zoo.models.radial import Radial
from zoo.models.real_nvp import RealNVP
from zoo.models.residual_flow import ResidualFlow
from zoo.models.sylvester import Sylvester

MODELS = {
    "nice": NICE,
    "real_nvp": RealNVP,
    "glow": Glow,
    "made": MADE,
    "maf": MAF,
    "iaf": IAF,
    "i_resnet": IResNet,
    "residual_flow": ResidualFlow,
    "nsf": NSF,
    "naf": NAF,
    "planar": Planar,
    "radial": Radial,
    "sylvester": Sylvester,
    "continuous": ContinuousFlow,
}

__all__ = [
    "ContinuousFlow",
    "Glow",
    "IAF",
    "IResNet",
    "MADE",
    "MAF",
    "MODELS",
    "NAF",
    "NICE",
    "NSF",
    "Planar",
    "Radial",
    "RealNVP",
    "ResidualFlow",
    "Sylvester",
]
