"""Space to depth (Dinh et al., 2017, arXiv:1605.08803, section 3.6)."""

from zoo import bijectors
from zoo.config import register
from zoo.layers.flow_layer import FlowLayer
from zoo.layers.images import image_shape


@register("zoo.layers")
class Squeeze(FlowLayer):
    """Makes the four pixels of each 2x2 block the channels of one; see `zoo.bijectors.Squeeze`.

    Args:
      event_shape: `(h, w, c)` with even `h` and `w`; the latent is `(h / 2, w / 2, 4 c)`.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: The events are no images, or of odd height or width.
    """

    def __init__(self, event_shape, **kwargs):
        height, width, channels = image_shape(event_shape, "Squeeze")
        if height % 2 or width % 2:
            raise ValueError(
                f"Squeeze needs an even height and width, got event_shape={tuple(event_shape)}."
            )
        latent_shape = (height // 2, width // 2, 4 * channels)
        super().__init__(event_shape, latent_shape=latent_shape, **kwargs)

    def bijector(self, context=None, randomness=None):
        return bijectors.Squeeze(self.event_shape, **self._options())
