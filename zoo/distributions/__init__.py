"""What a flow's latent is distributed as, and the noise that makes integers continuous."""

from zoo.distributions.base import get as base
from zoo.distributions.base import sample as sample_base
from zoo.distributions.dequantization import VariationalDequantizer
from zoo.distributions.dequantization import get as dequantizer
from zoo.distributions.mixture import MixtureBase
from zoo.distributions.observations import OBSERVATIONS

__all__ = [
    "OBSERVATIONS",
    "MixtureBase",
    "VariationalDequantizer",
    "base",
    "dequantizer",
    "sample_base",
]
