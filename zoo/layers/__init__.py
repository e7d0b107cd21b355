"""Keras layers: they own the variables and build a bijector over them on demand."""

from zoo.layers.act_norm import ActNorm
from zoo.layers.autoregressive import Autoregressive
from zoo.layers.compact import compacted
from zoo.layers.continuous import Continuous
from zoo.layers.conv1x1 import ActNormConv1x1, Conv1x1
from zoo.layers.conv_coupling import ConvCoupling
from zoo.layers.coupling import Coupling
from zoo.layers.elementwise import Elementwise
from zoo.layers.fixed import Columns, Fixed
from zoo.layers.flow_layer import FlowLayer
from zoo.layers.images import image_shape
from zoo.layers.linear import LULinear
from zoo.layers.multi_scale import MultiScale
from zoo.layers.permutation import Permutation, Reverse
from zoo.layers.planar import Planar
from zoo.layers.preprocess import Logit, Rescale, Reshape, to_unit_range, to_vector
from zoo.layers.radial import Radial
from zoo.layers.residual import EXACT_UP_TO, Residual, lipschitz_constants
from zoo.layers.scan import Scan
from zoo.layers.squeeze import Squeeze
from zoo.layers.stack import Stack
from zoo.layers.sylvester import Sylvester
from zoo.layers.token_autoregressive import TokenAutoregressive

__all__ = [
    "ActNorm",
    "ActNormConv1x1",
    "Autoregressive",
    "Columns",
    "Continuous",
    "Conv1x1",
    "ConvCoupling",
    "Coupling",
    "EXACT_UP_TO",
    "Elementwise",
    "Fixed",
    "FlowLayer",
    "LULinear",
    "Logit",
    "MultiScale",
    "Permutation",
    "Planar",
    "Radial",
    "Rescale",
    "Reshape",
    "Residual",
    "Reverse",
    "Scan",
    "Squeeze",
    "Stack",
    "Sylvester",
    "TokenAutoregressive",
    "compacted",
    "image_shape",
    "lipschitz_constants",
    "to_unit_range",
    "to_vector",
]
