"""The base of the transformers."""

from keras import ops

from zoo.bijectors import forward_and_log_det, inverse_and_log_det
from zoo.config import choice, count, positive


class Transformer:
    """A scalar bijection with `num_params` parameters a dimension.

    Of these, the last `num_shared` may be the same for all dimensions: the convolutional couplings
    learn them as weights, beside what their network predicts; other layers predict them all.

    Subclasses say how many parameters they take and build the bijector from them; all their
    parameters at zero should give a map near the identity.
    """

    num_params = 0
    num_shared = 0
    implicit = ()  # The directions that iterate: "decode", "encode".

    def bijector(self, params):
        """The scalar `tfb.Bijector` (latent to data) of `params`, `[..., num_params]`."""
        raise NotImplementedError

    def forward_and_log_det(self, z, params):
        """Latent to data, elementwise: `[...]` and `[..., num_params]` to two of `[...]`."""
        return forward_and_log_det(self.bijector(params), z, 0)

    def inverse_and_log_det(self, x, params):
        """Data to latent, elementwise: `[...]` and `[..., num_params]` to two of `[...]`."""
        return inverse_and_log_det(self.bijector(params), x, 0)

    def get_config(self):
        """The constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config):
        """A transformer like the one `config` was read from."""
        return cls(**config)


class Iterated(Transformer):
    """A transformer that is explicit in one direction and iterates in the other.

    Args:
      fast: The explicit direction: `"log_prob"`, data to latent, or `"sample"`, latent to data.
      tolerance: See `zoo.bijectors.Implicit`.
      max_iterations: Number of evaluations after which the other direction gives up.
    """

    def __init__(self, fast, tolerance, max_iterations):
        self.fast = choice("fast", fast, ("log_prob", "sample"))
        self.tolerance = None if tolerance is None else positive("tolerance", tolerance)
        self.max_iterations = count("max_iterations", max_iterations, 1)

    @property
    def implicit(self):
        """The direction that iterates: `"decode"`, latent to data, or `"encode"`."""
        return ("decode",) if self.fast == "log_prob" else ("encode",)

    def get_config(self):
        return {
            "fast": self.fast,
            "tolerance": self.tolerance,
            "max_iterations": self.max_iterations,
        }


def columns(params):
    """The parameters one by one; the gradient puts them together again, where slices would pad."""
    return ops.unstack(params, axis=-1)
