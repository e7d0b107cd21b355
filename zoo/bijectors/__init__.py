"""Maths without variables: TFP bijectors that give value and log-determinant in one evaluation."""

from zoo.bijectors.affine import Affine, Gate, Shift
from zoo.bijectors.autoregressive import Autoregressive
from zoo.bijectors.chain import Chain
from zoo.bijectors.channel_affine import ChannelAffine
from zoo.bijectors.continuous import Continuous
from zoo.bijectors.coupling import Coupling
from zoo.bijectors.directed import Directed
from zoo.bijectors.elementwise import Elementwise
from zoo.bijectors.householder import orthonormal
from zoo.bijectors.implicit import Implicit
from zoo.bijectors.linear import LULinear
from zoo.bijectors.masked_coupling import MaskedCoupling
from zoo.bijectors.mixture import LogisticMixture
from zoo.bijectors.multi_scale import MultiScale
from zoo.bijectors.one_pass import (
    OnePassBijector,
    forward_and_log_det,
    forward_value,
    inverse_and_log_det,
)
from zoo.bijectors.permute import Permute, permute
from zoo.bijectors.planar import Planar
from zoo.bijectors.preprocess import Logit, Rescale, Reshape
from zoo.bijectors.radial import Radial
from zoo.bijectors.residual import Residual, lipschitz, watching
from zoo.bijectors.sigmoidal import DeepSigmoidal
from zoo.bijectors.spline import RationalQuadraticSpline
from zoo.bijectors.squeeze import Squeeze
from zoo.bijectors.steps import Steps, in_turn
from zoo.bijectors.sylvester import Sylvester
from zoo.bijectors.token_autoregressive import TokenAutoregressive

__all__ = [
    "Affine",
    "Autoregressive",
    "Chain",
    "ChannelAffine",
    "Continuous",
    "Coupling",
    "DeepSigmoidal",
    "Directed",
    "Elementwise",
    "Gate",
    "Implicit",
    "LULinear",
    "LogisticMixture",
    "Logit",
    "MaskedCoupling",
    "MultiScale",
    "OnePassBijector",
    "Permute",
    "Planar",
    "Radial",
    "RationalQuadraticSpline",
    "Rescale",
    "Reshape",
    "Residual",
    "Shift",
    "Squeeze",
    "Steps",
    "Sylvester",
    "TokenAutoregressive",
    "forward_and_log_det",
    "forward_value",
    "in_turn",
    "inverse_and_log_det",
    "lipschitz",
    "orthonormal",
    "permute",
    "watching",
]
