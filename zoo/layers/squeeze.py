"""Space to depth (Dinh et al., 2017, arXiv:1605.08803, section 3.6)."""

from zoo import bijectors
from zoo.config import count, register
from zoo.layers.flow_layer import FlowLayer
from zoo.layers.images import image_shape


@register("zoo.layers")
class Squeeze(FlowLayer):
    """Makes the pixels of each block, 2x2 unless told, the channels of one.

    See `zoo.bijectors.Squeeze`.

    Args:
      event_shape: `(h, w, c)`, height and width multiples of `size`; the latent is
        `(h / size, w / size, size^2 c)`.
      size: Height and width of a block.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: The events are no images, or of another height or width.
    """

    def __init__(self, event_shape, size=2, **kwargs):
        height, width, channels = image_shape(event_shape, "Squeeze")
        size = count("size", size)
        if height % size or width % size:
            what = "an even height and width" if size == 2 else f"sides that {size} divides"
            raise ValueError(f"Squeeze needs {what}, got event_shape={tuple(event_shape)}.")
        latent_shape = (height // size, width // size, size * size * channels)
        super().__init__(event_shape, latent_shape=latent_shape, **kwargs)
        self.size = size

    def bijector(self, context=None, randomness=None):
        return bijectors.Squeeze(self.event_shape, self.size, **self._options())
