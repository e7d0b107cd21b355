"""Space to depth: blocks of pixels become channels."""

from keras import ops

from zoo.bijectors.one_pass import ReshapingBijector


class Squeeze(ReshapingBijector):
    """Data `[h, w, c]` has latent `[h / 2, w / 2, 4 c]`; the log-determinant is zero.

    The four pixels of each 2x2 block become the channels of one position, in the order of reading:
    channel `(2 i + j) c + k` is channel `k` of the pixel in row `i` and column `j` of the block
    (Dinh et al., 2017, section 3.6).

    Args:
      event_shape: `(h, w, c)` on the data side, with even `h` and `w`.
      **kwargs: `dtype` and `name` of `OnePassBijector`.
    """

    def __init__(self, event_shape, **kwargs):
        height, width, channels = event_shape
        super().__init__(event_shape, (height // 2, width // 2, 4 * channels), **kwargs)

    def forward_and_log_det(self, x):
        height, width, channels = self._data_shape
        blocks = (height // 2, width // 2, 2, 2, channels)
        return self._rearrange(x, blocks, self._data_shape), ops.zeros_like(x[..., 0, 0, 0])

    def inverse_and_log_det(self, y):
        height, width, channels = self._data_shape
        blocks = (height // 2, 2, width // 2, 2, channels)
        return self._rearrange(y, blocks, self._latent_shape), ops.zeros_like(y[..., 0, 0, 0])

    @staticmethod
    def _rearrange(x, blocks, wanted):
        rank = len(x.shape) - 3
        lead = ops.shape(x)[:rank]
        x = ops.reshape(x, (*lead, *blocks))
        # Exchanging the two middle axes of five is the same in both directions.
        axes = (*range(rank), *(rank + i for i in (0, 2, 1, 3, 4)))
        return ops.reshape(ops.transpose(x, axes), (*lead, *wanted))
