"""Layers between data in its own units and the numbers a flow works on; they learn nothing."""

import math

from zoo import bijectors
from zoo.config import choice, is_number, positive, register
from zoo.layers.flow_layer import FlowLayer

PREPROCESSING = ("logit", "center", "none")


def margin(name, value):
    """`value`, the margin of a logit, a number between 0 and 0.5.

    Raises:
      ValueError: It is not.
    """
    if not (is_number(value) and 0.0 < value < 0.5):
        raise ValueError(f"{name} must lie between 0 and 0.5, got {value!r:.80}.")
    return value


@register("zoo.layers")
class Logit(FlowLayer):
    """Bounded grey values to the whole line; see `zoo.bijectors.Logit`.

    Args:
      event_shape: Shape of one event, with values in `[0, levels]`.
      levels: Number of grey levels.
      alpha: Margin kept from both ends, in `(0, 0.5)`.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: `alpha` is out of range.
    """

    def __init__(self, event_shape, levels, alpha=1e-2, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.levels, self.alpha = levels, margin("alpha", alpha)

    @property
    def margin(self):
        """How far events of the flow may lie outside `[0, levels]`, data units."""
        return (1.0 + 1e-5) * self.alpha / (1.0 - 2.0 * self.alpha) * self.levels

    def bijector(self, context=None, randomness=None):
        return bijectors.Logit(self.levels, self.alpha, self.event_shape, **_plain(self))


@register("zoo.layers")
class Rescale(FlowLayer):
    """Data `x` has latent `(x - shift) / scale`.

    Args:
      event_shape: Shape of one event.
      shift: Number, in data units.
      scale: Positive number, data units per latent unit.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: `scale` is not positive.
    """

    def __init__(self, event_shape, shift=0.0, scale=1.0, **kwargs):
        super().__init__(event_shape, **kwargs)
        self.shift, self.scale = shift, positive("scale", scale)

    def bijector(self, context=None, randomness=None):
        return bijectors.Rescale(self.shift, self.scale, self.event_shape, **_plain(self))


@register("zoo.layers")
class Reshape(FlowLayer):
    """Events of one shape to latents of another with as many entries.

    Args:
      event_shape: Shape of one event on the data side.
      latent_shape: Shape of one event on the latent side.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: The two shapes differ in their number of entries.
    """

    def __init__(self, event_shape, latent_shape, **kwargs):
        if math.prod(event_shape) != math.prod(latent_shape):
            raise ValueError(
                f"Reshape keeps the number of entries, got event_shape={tuple(event_shape)} and "
                f"latent_shape={tuple(latent_shape)}."
            )
        super().__init__(event_shape, latent_shape=latent_shape, **kwargs)

    def bijector(self, context=None, randomness=None):
        return bijectors.Reshape(self.event_shape, self.latent_shape, **_plain(self))


def _plain(layer):
    return {"dtype": layer.variable_dtype, "name": layer.name}


def to_unit_range(
    event_shape, levels=None, preprocessing=None, alpha=1e-2, dtype=None, default="logit"
):
    """The layers that take data to numbers of roughly unit range, of the same shape.

    Args:
      event_shape: Shape of one event.
      levels: Number of grey levels of integer data; `None` for continuous data, which is left as
        it is.
      preprocessing: `"logit"`, `"center"` (to `[-1, 1]`) or `"none"`.
      alpha: Margin of the logit.
      dtype: Type or policy of the layers.
      default: What `preprocessing=None` means where there are levels.

    Returns:
      A list of `FlowLayer`s, empty or of one.

    Raises:
      ValueError: The preprocessing is unknown, or asked of data without levels.
    """
    event_shape = tuple(event_shape)
    if preprocessing is None:
        preprocessing = "none" if levels is None else default
    margin("alpha", alpha)
    choice("preprocessing", preprocessing, PREPROCESSING)
    if levels is None and preprocessing != "none":
        raise ValueError(
            f"preprocessing={preprocessing!r} needs the data's range: give levels, the number of "
            "grey levels of integer data."
        )
    if preprocessing == "logit":
        return [Logit(event_shape, levels, alpha, dtype=dtype)]
    if preprocessing == "center":
        return [Rescale(event_shape, levels / 2.0, levels / 2.0, dtype=dtype)]
    return []


def to_vector(event_shape, levels=None, preprocessing=None, alpha=1e-2, dtype=None):
    """The layers that take data to vectors `[d]` of roughly unit range.

    Args are those of `to_unit_range`.

    Returns:
      A list of `FlowLayer`s, and the shape `(d,)` after them.
    """
    event_shape = tuple(event_shape)
    layers = to_unit_range(event_shape, levels, preprocessing, alpha, dtype)
    size = math.prod(event_shape)
    if event_shape != (size,):
        layers.append(Reshape(event_shape, (size,), dtype=dtype))
    return layers, (size,)
