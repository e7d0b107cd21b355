"""Activation normalisation (Kingma and Dhariwal, 2018, arXiv:1807.03039, section 3.1)."""

from keras import ops

from zoo import bijectors
from zoo.backend import read
from zoo.config import register
from zoo.layers.flow_layer import FlowLayer
from zoo.numerics import reaching_clamp, standardizing
from zoo.transformers import Affine


@register("zoo.layers")
class ActNorm(FlowLayer):
    """Learned shift and scale of each entry, or of each channel of an image.

    `adapt` sets them so that the batch it is given comes out with mean zero and variance one. It
    assigns the variables before any training step: there is no flag to lose on reload, and no
    replica that differs.

    Args:
      event_shape: Shape of one event; the last axis has the parameters.
      min_variance: Entries of a smaller variance, in squared data units, are constant to `adapt`,
        which divides them by 0.01, or by this one's root where it is larger: they would be blown
        up. `None` is 1e-13 for vectors and 1e-4 for images, whose pixels may hardly ever change.
      max_log_scale: The log-scale is softly clamped to this magnitude, nats; where `adapt` measures
        a larger one, to twice that.
      **kwargs: `dtype` and `name` of a Keras layer.
    """

    def __init__(self, event_shape, min_variance=None, max_log_scale=8.0, **kwargs):
        super().__init__(event_shape, **kwargs)
        usual = 1e-13 if len(self.event_shape) < 2 else 1e-4
        self.min_variance = usual if min_variance is None else float(min_variance)
        self._transformer = _Reaching(max_log_scale)
        shape = (self.event_shape[-1],) if self.event_shape else ()
        self.shift = self.add_weight(name="shift", shape=shape, initializer="zeros")
        self.log_scale = self.add_weight(name="log_scale", shape=shape, initializer="zeros")

    def adapt(self, x, context=None):
        x = ops.reshape(ops.cast(x, self.variable_dtype), (-1, *self.shift.shape))
        bound = self._transformer.max_log_scale
        shift, log_scale = standardizing(x, self.min_variance, bound, reaching=True)
        self.shift.assign(shift)
        self.log_scale.assign(log_scale)

    def _parameters(self, context=None):
        shift, log_scale = read(self.shift), read(self.log_scale)
        return ops.stack([shift, log_scale], axis=-1)

    def shift_and_log_scale(self):
        """What data is shifted and scaled by, `(x - shift) exp(-log_scale)`, over today's weights.

        Returns:
          Two tensors with one entry a parameter, in data units and in nats.
        """
        log_scale = reaching_clamp(read(self.log_scale), self._transformer.max_log_scale)
        return read(self.shift), log_scale

    def bijector(self, context=None, randomness=None):
        return bijectors.Elementwise(
            self._parameters, self._transformer, len(self.event_shape), **self._options()
        )


class _Reaching(Affine):
    """`Affine` whose log-scale may be as large as `adapt` measures it."""

    def bijector(self, params):
        shift, log_scale = ops.unstack(params, axis=-1)
        return bijectors.Affine(shift, reaching_clamp(log_scale, self.max_log_scale))
