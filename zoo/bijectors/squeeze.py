"""Space to depth: blocks of pixels become channels."""

from keras import ops

from zoo.bijectors.one_pass import ReshapingBijector


class Squeeze(ReshapingBijector):
    """Data `[h, w, c]` has latent `[h / s, w / s, s^2 c]`; the log-determinant is zero.

    The pixels of each `s` by `s` block become the channels of one position, in the order of
    reading: channel `(s i + j) c + k` is channel `k` of the pixel in row `i` and column `j` of the
    block (Dinh et al., 2017, section 3.6, with `s = 2`).

    Args:
      event_shape: `(h, w, c)` on the data side, `h` and `w` multiples of `size`.
      size: Height and width of a block.
      **kwargs: `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, event_shape, size=2, **kwargs):
        height, width, channels = event_shape
        self._counts, self._size = (height // size, width // size), size
        super().__init__(event_shape, (*self._counts, size * size * channels), **kwargs)

    def forward_and_log_det(self, x):
        blocks = (*self._counts, self._size, self._size, self._data_shape[-1])
        return self._rearrange(x, blocks, self._data_shape), ops.zeros_like(x[..., 0, 0, 0])

    def inverse_and_log_det(self, y):
        (rows, columns), size = self._counts, self._size
        blocks = (rows, size, columns, size, self._data_shape[-1])
        return self._rearrange(y, blocks, self._latent_shape), ops.zeros_like(y[..., 0, 0, 0])

    @staticmethod
    def _rearrange(x, blocks, wanted):
        rank = len(x.shape) - 3
        lead = ops.shape(x)[:rank]
        x = ops.reshape(x, (*lead, *blocks))
        # Exchanging the two middle axes of five is the same in both directions.
        axes = (*range(rank), *(rank + i for i in (0, 2, 1, 3, 4)))
        return ops.reshape(ops.transpose(x, axes), (*lead, *wanted))
