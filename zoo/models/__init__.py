"""The families, one file a paper; a family joins by one line here."""

from zoo.models.continuous import ContinuousFlow as ContinuousFlow
from zoo.models.family import Family
from zoo.models.glow import Glow as Glow
from zoo.models.i_resnet import IResNet as IResNet
from zoo.models.iaf import IAF as IAF
from zoo.models.jet import Jet as Jet
from zoo.models.made import MADE as MADE
from zoo.models.maf import MAF as MAF
from zoo.models.naf import NAF as NAF
from zoo.models.nice import NICE as NICE
from zoo.models.nsf import NSF as NSF
from zoo.models.planar import Planar as Planar
from zoo.models.radial import Radial as Radial
from zoo.models.real_nvp import RealNVP as RealNVP
from zoo.models.residual_flow import ResidualFlow as ResidualFlow
from zoo.models.sylvester import Sylvester as Sylvester
from zoo.models.tar_flow import TarFlow as TarFlow
from zoo.models.vae import VAE as VAE

# Name of the file -> family.
MODELS = {
    found.__module__.rpartition(".")[2]: found
    for found in list(globals().values())
    if isinstance(found, type) and issubclass(found, Family) and found is not Family
}

__all__ = ["MODELS", "VAE", "Family", *(family.__name__ for family in MODELS.values())]
