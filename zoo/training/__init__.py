"""Training by Keras: what maximises a likelihood, or a bound of it, with `fit`."""

from zoo.training.likelihood_model import LikelihoodModel
from zoo.training.losses import ELBO, FlowMatching, MaximumLikelihood

__all__ = ["ELBO", "FlowMatching", "LikelihoodModel", "MaximumLikelihood"]
