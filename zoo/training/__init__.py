"""Training by Keras: what maximises a likelihood, or a bound of it, with `fit`."""

from zoo.training.likelihood_model import LikelihoodModel
from zoo.training.losses import FlowMatching, MaximumLikelihood

__all__ = ["FlowMatching", "LikelihoodModel", "MaximumLikelihood"]
