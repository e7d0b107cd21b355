"""Base distributions: what a flow's latent is distributed as."""

import keras
from keras import ops

from zoo.backend import configuration, tfd
from zoo.config import register

NAMES = ("normal", "logistic")


@register("zoo.distributions")
class StandardBase(keras.layers.Layer):
    """Independent standard normal or logistic variables.

    Args:
      event_shape: Shape of one latent.
      kind: `"normal"` or `"logistic"` (the base of NICE).
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    def __init__(self, event_shape, kind="normal", **kwargs):
        super().__init__(**kwargs)
        self.event_shape = tuple(event_shape)
        self.kind = self.described = kind
        self.built = True

    def distribution(self, context=None):
        """The `tfd.Distribution`; it does not depend on a context."""
        scalar = tfd.Normal if self.kind == "normal" else tfd.Logistic
        loc = ops.zeros(self.event_shape, dtype=self.variable_dtype)
        return tfd.Independent(scalar(loc, ops.ones_like(loc)), len(self.event_shape))


@register("zoo.distributions")
class DistributionBase(keras.layers.Layer):
    """Any TFP distribution, with its variables made visible to Keras.

    Args:
      distribution: A `tfd.Distribution` with the latent's event shape and no batch shape.
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    def __init__(self, distribution, **kwargs):
        super().__init__(**kwargs)
        if isinstance(distribution, dict):
            distribution = configuration.deserialize(distribution)
        self._distribution, self.described = distribution, type(distribution).__name__
        self.event_shape = tuple(distribution.event_shape)
        configuration.see_variables(self, distribution)
        self.built = True

    def distribution(self, context=None):
        """The `tfd.Distribution`; it does not depend on a context."""
        return self._distribution

    def get_config(self):
        """The distribution as data; TFP classes with plain parameters only."""
        config = super(keras.layers.Layer, self).get_config()
        return {"name": config["name"], "distribution": configuration.serialize(self._distribution)}


def get(base, latent_shape, dtype=None):
    """The base that `base` names, describes or already is.

    Args:
      base: `"normal"`, `"logistic"`, a `tfd.Distribution` over the latent, a `zoo.Flow` over it, or
        another layer of this module.
      latent_shape: Shape of one latent of the flow above.
      dtype: Type or policy of a base built here.

    Raises:
      ValueError: The base is unknown, of another type than the flow, or its events are not the
        flow's latents.
    """
    latent_shape = tuple(latent_shape)
    if isinstance(base, str) and base in NAMES:
        return StandardBase(latent_shape, base, dtype=dtype)
    if isinstance(base, tfd.Distribution):
        if tuple(base.batch_shape):
            raise ValueError(
                "base must be one distribution, without a batch shape (tfd.Independent makes it "
                f"part of the event), got batch shape {tuple(base.batch_shape)}."
            )
        base = DistributionBase(base, dtype=dtype)
    if not callable(getattr(base, "distribution", None)):
        raise ValueError(
            f"base must be one of {NAMES}, a tfd.Distribution or a zoo.Flow, got "
            f"{repr(base) if isinstance(base, str) else type(base)}."
        )
    # Its policy is that of whoever wrapped it.
    kind = base.distribution().dtype if isinstance(base, DistributionBase) else base.dtype_policy
    have, want = (keras.dtype_policies.get(d).variable_dtype for d in (kind, dtype))
    if have != want:
        raise ValueError(
            f"base must be of the flow's type, {want}, got one of {have}: give both the same dtype."
        )
    if tuple(base.event_shape) != latent_shape:
        raise ValueError(
            f"base must be a distribution over latents of shape {latent_shape}, got one over "
            f"events of shape {tuple(base.event_shape)}."
        )
    return base


def sample(base, n, context, seed, temperature):
    """`n` latents `[n, *event_shape]` of a base that `get` returned.

    The context is `[n, *context_shape]` or `None`, the seed a stateless one, and the temperature a
    factor on the deviation from the base's mean.

    Raises:
      ValueError: A temperature other than 1 is asked of a base without a mean.
    """
    own = getattr(base, "sample_latent", None)
    if own is not None:
        return own(n, context, seed, temperature)
    distribution = base.distribution(context)
    if context is not None and len(distribution.batch_shape) > 0:
        z = distribution.sample(seed=seed)
    else:
        z = distribution.sample(n, seed=seed)
    if isinstance(temperature, float | int) and temperature == 1:
        return z
    try:
        mean = distribution.mean()
    except NotImplementedError as error:
        raise ValueError(
            f"temperature scales the deviation from the base's mean, and {distribution.name} has "
            f"none: use temperature=1, got {temperature}."
        ) from error
    return mean + ops.cast(temperature, z.dtype) * (z - mean)
