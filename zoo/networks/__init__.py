"""Conditioners: Keras layers from part of an event, and a context, to parameters."""

from zoo.networks.convolution import NormConv, ZeroConv
from zoo.networks.dynamics import Dynamics
from zoo.networks.image_nets import ConvNet, LinearConvNet, ResidualNet
from zoo.networks.lipschitz import LipschitzMLP
from zoo.networks.lipschitz_conv import LipschitzConvNet
from zoo.networks.made import MADE
from zoo.networks.masked_dense import MaskedDense
from zoo.networks.mlp import MLP

__all__ = [
    "ConvNet",
    "Dynamics",
    "LinearConvNet",
    "LipschitzConvNet",
    "LipschitzMLP",
    "MADE",
    "MLP",
    "MaskedDense",
    "NormConv",
    "ResidualNet",
    "ZeroConv",
]
