"""Self-attention over the pixels of an image's maps, a part of convolutional conditioners."""

import keras
from keras import ops

from zoo.backend import read
from zoo.config import count, register
from zoo.networks.attention import attend
from zoo.networks.conditioner import seed_stream
from zoo.networks.convolution import NormConv


@register("zoo.networks")
class SelfAttention(keras.layers.Layer):
    """Each pixel looks at all others (Ho et al., 2019, arXiv:1902.00275, section 3.3).

    Queries, keys, values and the output are 1x1 convolutions of the maps, to which a learned number
    for each row and each column is added first. They are normalised as the convolutions of the
    networks around are, where Flow++ has layer normalisation. Memory and time grow with the square
    of the number of pixels.

    Args:
      size: Height and width of the maps.
      width: Number of maps.
      heads: Number of heads, which share the maps among them.
      seed: Seed of the initial weights.
      **kwargs: `dtype` and `name` of a Keras layer.

    Raises:
      ValueError: The heads do not divide the maps.
    """

    def __init__(self, size, width, heads, seed=None, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.heads = count("attention", heads)
        if width % self.heads:
            raise ValueError(
                f"attention, the number of heads, must divide width={width}, got {heads!r}."
            )
        self.rows, self.columns = (
            self.add_weight(name=name, shape=shape, initializer="zeros", autocast=False)
            for name, shape in (("rows", (size[0], 1, width)), ("columns", (1, size[1], width)))
        )
        seeds, dtype = seed_stream(seed), self.dtype_policy
        self.project = NormConv(width, 3 * width, 1, seed=next(seeds), dtype=dtype)
        self.last = NormConv(width, width, 1, seed=next(seeds), dtype=dtype)
        self.built = True

    def call(self, x, hidden):
        """`x [n, h, w, width]` to as many numbers.

        Args:
          x: The maps.
          hidden: `(layer, x) -> layer(x)`, of each layer that is normalised.
        """
        shape = ops.shape(x)
        heads = (-1, shape[1] * shape[2], self.heads, shape[3] // self.heads)
        x = x + ops.cast(read(self.rows) + read(self.columns), x.dtype)
        parts = ops.split(hidden(self.project, x), 3, axis=-1)
        found = attend(*(ops.reshape(part, heads) for part in parts))
        return hidden(self.last, ops.reshape(found, shape))
