"""Conditioners: Keras layers from part of an event, and a context, to parameters."""

from zoo.networks.attention import Transformer
from zoo.networks.conditioner import check_hidden_units, seed_stream
from zoo.networks.convolution import NormConv, ZeroConv
from zoo.networks.dynamics import Dynamics
from zoo.networks.hoisting import WAYS, Hoisting, hoisted
from zoo.networks.image_nets import AttentionNet, ConvNet, LinearConvNet, ResidualNet, image_net
from zoo.networks.lipschitz import LipschitzMLP
from zoo.networks.lipschitz_conv import LipschitzConvNet
from zoo.networks.made import MADE
from zoo.networks.masked_dense import MaskedDense
from zoo.networks.mlp import MLP
from zoo.networks.norms import SpectralNorms
from zoo.networks.self_attention import SelfAttention

__all__ = [
    "AttentionNet",
    "ConvNet",
    "Dynamics",
    "Hoisting",
    "LinearConvNet",
    "LipschitzConvNet",
    "LipschitzMLP",
    "MADE",
    "MLP",
    "MaskedDense",
    "NormConv",
    "ResidualNet",
    "SelfAttention",
    "SpectralNorms",
    "Transformer",
    "WAYS",
    "ZeroConv",
    "check_hidden_units",
    "hoisted",
    "image_net",
    "seed_stream",
]
