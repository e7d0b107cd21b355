"""Keras layers: they own the variables and build a bijector over them on demand."""

from zoo.layers.act_norm import ActNorm
from zoo.layers.autoregressive import Autoregressive
from zoo.layers.coupling import Coupling
from zoo.layers.elementwise import Elementwise
from zoo.layers.flow_layer import FlowLayer
from zoo.layers.linear import LULinear
from zoo.layers.permutation import Permutation, Reverse
from zoo.layers.preprocess import Logit, Rescale, Reshape

__all__ = [
    "ActNorm",
    "Autoregressive",
    "Coupling",
    "Elementwise",
    "FlowLayer",
    "LULinear",
    "Logit",
    "Permutation",
    "Rescale",
    "Reshape",
    "Reverse",
]
