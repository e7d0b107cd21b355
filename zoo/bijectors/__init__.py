"""Maths without variables: TFP bijectors that give value and log-determinant in one evaluation."""

from zoo.bijectors.affine import Affine, Shift
from zoo.bijectors.autoregressive import Autoregressive
from zoo.bijectors.chain import Chain
from zoo.bijectors.coupling import Coupling
from zoo.bijectors.elementwise import Elementwise
from zoo.bijectors.linear import LULinear
from zoo.bijectors.one_pass import OnePassBijector
from zoo.bijectors.permute import Permute
from zoo.bijectors.preprocess import Logit, Rescale, Reshape

__all__ = [
    "Affine",
    "Autoregressive",
    "Chain",
    "Coupling",
    "Elementwise",
    "LULinear",
    "Logit",
    "OnePassBijector",
    "Permute",
    "Rescale",
    "Reshape",
    "Shift",
]
