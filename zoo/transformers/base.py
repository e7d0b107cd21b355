"""The base of the transformers."""

from keras import ops

from zoo.bijectors import forward_and_log_det, inverse_and_log_det


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


def columns(params):
    """The parameters one by one; the gradient puts them together again, where slices would pad."""
    return ops.unstack(params, axis=-1)
